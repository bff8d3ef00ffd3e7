// The inner loop of the product over tiles: P panels of 16 rows x N rows of x, over all tiles of a panel.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_TILE_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_TILE_INL_HPP_
#undef QUERN_SIMD_TILE_INL_HPP_
#else
#define QUERN_SIMD_TILE_INL_HPP_
#endif

#include <algorithm>

#include "hwy/cache_control.h"

#include "quern/simd/activations-inl.hpp"
#include "quern/simd/levels-inl.hpp"
#include "quern/simd/operands-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// ---- the end of a segment: scale, offset ----

// acc += the segment's sums, scaled, and its offsets times the sums of x. `col` is the segment's first column in the
// tile, `s` its number in the row of x.
template <class Product, int P, int N, class Sum>
HWY_INLINE void EndSegment(const panel_place<typename Product::codec_type> (&at)[P], std::size_t col, std::size_t s,
                           const activation_view (&x)[N], const held<DF>* coarse, const held<DF>* coarse_offset,
                           const Sum* sum, held<DF>* acc) {
  using F = product_facts<Product>;
  using C = typename F::C;
  using S = typename C::symmetry;
  constexpr int R = P * kParts;
  held<DF> scale[R];
  Unroll<R>([&](auto r) QUERN_INLINE {
    scale[r] = AllLevels<C, typename C::granularity, 1>(at[r / kParts], col, r % kParts, coarse[r]);
  });
  Unroll2<R, N>([&](auto r, auto n) QUERN_INLINE {
    constexpr int i = n * R + r;
    if constexpr (F::integer_words) {
      const VF by = hn::Mul(scale[r], hn::Set(DF(), x[n].scales[s]));
      acc[i] = hn::MulAdd(hn::ConvertTo(DF(), sum[i]), by, acc[i]);
    } else {
      acc[i] = hn::MulAdd(sum[i], scale[r], acc[i]);
    }
  });
  if constexpr (F::sums) {
    constexpr offset_term rule = offset_term_of<S>;
    Unroll<R>([&](auto r) QUERN_INLINE {
      VF offset = AllLevels<C, typename S::offsets, 1 + C::granularity::size>(at[r / kParts], col, r % kParts,
                                                                              coarse_offset[r]);
      if constexpr (rule == offset_term::subtract_scaled) offset = hn::Mul(offset, scale[r]);
      Unroll<N>([&](auto n) QUERN_INLINE {
        held<DF>& to = acc[n * R + r];
        const VF t = hn::Set(DF(), x[n].sums[s]);
        to = rule == offset_term::add ? hn::MulAdd(offset, t, to) : hn::NegMulAdd(offset, t, to);
      });
    });
  }
}

// ---- the loop over tiles whose segments are whole quads of a step, or whole steps ----

// y[n, 16 * p + row] = the product, for P panels from `panel` and N rows of x; rows beyond the matrix are written, too,
// so y has room for P panels.
template <class Product, int P, int N>
HWY_NOINLINE void TilePlanes(const packed_view<typename Product::codec_type>& w, std::size_t panel,
                             const activation_view& all_x, std::size_t first_x, float* HWY_RESTRICT y,
                             std::size_t y_stride) {
  using F = product_facts<Product>;
  using C = typename F::C;
  using T = tile_facts<C>;
  using Dot = dot_of<Product>;
  using Number = typename C::number;
  constexpr int R = P * kParts;
  constexpr int sub = F::segment < step_cols ? static_cast<int>(step_cols / F::segment) : 1;  // segments in a step
  constexpr int run = F::segment > step_cols ? static_cast<int>(F::segment / step_cols) : 1;  // steps in a segment
  constexpr int quads = 8 / sub, steps = static_cast<int>(F::block_cols / step_cols);
  constexpr bool native = !F::integer_words || kByteDot;
  constexpr int chains = !native || R * N >= 8 ? 1 : R * N >= 4 ? 2 : 4;  // independent sums hide the latency of Dot
  // Cache lines of weights a step, fetched 8 KiB ahead: what one stream from memory needs here to stay busy.
  constexpr std::size_t ahead = 8192;
  constexpr int lines = static_cast<int>((T::bytes + steps * 64 - 1) / (steps * 64));

  const std::size_t panel_bytes = all_x.blocks * T::bytes;
  const auto* const base = reinterpret_cast<const std::uint8_t*>(w.array(0).data()) + panel * panel_bytes;
  panel_place<C> at[P];
  const std::size_t after = ceil_div(w.matrix().rows, tile_rows) - panel;  // panels; one that is not there is the last
  Unroll<P>([&](auto p) QUERN_INLINE {
    const std::size_t i = std::min(static_cast<std::size_t>(p), after - 1);
    at[p] = {&w, (panel + i) * tile_rows, 0, base + i * panel_bytes};
  });
  activation_view x[N];
  Unroll<N>([&](auto n) QUERN_INLINE { x[n] = all_x.row(first_x + static_cast<std::size_t>(n)); });

  held<DF> acc[R * N];
  Unroll<R * N>([&](auto i) QUERN_INLINE { acc[i] = hn::Zero(DF()); });

  const operands<C, Dot> make;
  std::size_t word = 0, segment = 0;
  for (std::size_t b = 0; b < all_x.blocks; ++b) {
    held<DF> coarse[R], coarse_offset[R];
    Unroll<R>([&](auto r) QUERN_INLINE {
      coarse[r] = CoarseLevels<C, typename C::granularity, 1>(at[r / kParts], r % kParts);
      if constexpr (F::sums)
        coarse_offset[r] =
            CoarseLevels<C, typename C::symmetry::offsets, 1 + C::granularity::size>(at[r / kParts], r % kParts);
    });
    for (int st = 0; st < steps; st += run) {
      typename Dot::sum_type sum[chains * R * N];
      for (int u = 0; u < run; ++u, word += 8 * Dot::words) {
        const std::size_t step_at = T::at[0] + static_cast<std::size_t>(st + u) * T::step_bytes;
        if constexpr (N == 1) {
          Unroll<P * lines>([&](auto i) QUERN_INLINE {
            const std::size_t line = static_cast<std::size_t>(st + u) * lines + i / P;
            hwy::Prefetch(at[i % P].tile + line * 64 + ahead);
          });
        }
        Unroll<sub>([&](auto j) QUERN_INLINE {
          if (run == 1 || u == 0) {
            Unroll2<R * N, chains>([&](auto i, auto c) QUERN_INLINE { sum[c * R * N + i] = Dot::Zero(); });
            if constexpr (F::integer_words && byte_bias<Number> != 0)
              Unroll2<R, N>([&](auto r, auto n)
                                QUERN_INLINE { sum[n * R + r] = hn::Set(D32(), x[n].starts[segment]); });
          }
          const auto codes_at = [&](auto r) QUERN_INLINE {
            return at[r / kParts].tile + step_at + (r % kParts) * kLanes * 4;
          };
          const auto word_of = [&](auto n, std::size_t i) QUERN_INLINE { return hn::Set(D32(), x[n].words[word + i]); };
          if constexpr (native) {
            Unroll<quads>([&](auto i) QUERN_INLINE {
              constexpr int q = j * quads + i;
              held<D32> operand[R * Dot::words];
              Unroll<R>([&](auto r) QUERN_INLINE { make.template Make<q>(codes_at(r), operand + r * Dot::words); });
              Unroll2<Dot::words, N>([&](auto k, auto n) QUERN_INLINE {
                const V32 xw = word_of(n, static_cast<std::size_t>(q * Dot::words + k));
                Unroll<R>([&](auto r) QUERN_INLINE {
                  auto& to = sum[(i * Dot::words + k) % chains * R * N + n * R + r];
                  to = Dot::Add(to, operand[r * Dot::words + k], xw);
                });
              });
            });
          } else if constexpr (F::integer_words) {  // pairs of 16 bits, widened after a burst that cannot overflow
            constexpr int burst = std::min(quads, std::max(1, burst_quads<Number>));
            Unroll<quads / burst>([&](auto turn) QUERN_INLINE {
              held<D16> pairs[R * N];
              Unroll<burst>([&](auto i) QUERN_INLINE {
                constexpr int q = j * quads + turn * burst + i;
                held<D8> operand[R];
                Unroll<R>([&](auto r) QUERN_INLINE { operand[r] = ToBytes<Number>(QuadCodes<C, q>(codes_at(r))); });
                Unroll2<R, N>([&](auto r, auto n) QUERN_INLINE {
                  const V16 p = BytePairs<Number>(operand[r], word_of(n, static_cast<std::size_t>(q)));
                  if constexpr (i == 0) pairs[n * R + r] = p;
                  else pairs[n * R + r] = hn::Add(pairs[n * R + r], p);
                });
              });
              Unroll<R * N>([&](auto i) QUERN_INLINE { sum[i] = AddPairs(sum[i], pairs[i]); });
            });
          }
          if (run == 1 || u == run - 1) {
            Unroll2<R * N, chains - 1>([&](auto i, auto c)
                                           QUERN_INLINE { sum[i] = hn::Add(sum[i], sum[(c + 1) * R * N + i]); });
            const std::size_t col = static_cast<std::size_t>(st) * step_cols + static_cast<std::size_t>(j) * F::segment;
            EndSegment<Product>(at, col, segment, x, coarse, coarse_offset, sum, acc);
            ++segment;
          }
        });
      }
    }
    Unroll<P>([&](auto p) QUERN_INLINE { at[p].tile += T::bytes, ++at[p].index; });
  }
  Unroll2<R, N>([&](auto r, auto n) QUERN_INLINE {
    hn::StoreU(acc[n * R + r], DF(), y + static_cast<std::size_t>(n) * y_stride + r * kLanes);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
