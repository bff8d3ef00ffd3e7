// The product over tiles whose segments do not fit the planes (groups of 6, 48 or 80) and of vector formats: a tile's
// codes become bytes once, then meet all rows of x.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_EXPAND_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_EXPAND_INL_HPP_
#undef QUERN_SIMD_EXPAND_INL_HPP_
#else
#define QUERN_SIMD_EXPAND_INL_HPP_
#endif

#include <cstring>

#include "quern/simd/grid-inl.hpp"
#include "quern/simd/operands-inl.hpp"
#include "quern/simd/tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// The codes of a tile, as bytes value / unit + bias or, where to_bytes is false and N is scalar, as they are.
template <class C>
HWY_INLINE void ExpandTile(const std::uint8_t* HWY_RESTRICT tile, std::uint8_t* HWY_RESTRICT quads, bool to_bytes) {
  using N = typename C::number;
  if constexpr (vector_format<N>) {
    ExpandGrid<C>(tile, quads);
  } else {
    const std::uint8_t* step = tile + tile_facts<C>::at[0];
    for (std::size_t s = 0; s < tile_cols<typename C::described> / step_cols; ++s, step += tile_facts<C>::step_bytes) {
      Unroll<8>([&](auto q) QUERN_INLINE {
        for (int r = 0; r < kParts; ++r) {
          V8 code = QuadCodes<C, q>(step + r * kLanes * 4);
          if (to_bytes) code = ToBytes<N>(code);
          hn::StoreU(code, D8(), quads + (s * 8 + q) * 64 + static_cast<std::size_t>(r * kLanes * 4));
        }
      });
    }
  }
}

// acc[n * R + r] += the product of one tile with N rows of x.
template <class Product, int N>
HWY_INLINE void MultiplyExpanded(const std::uint8_t* HWY_RESTRICT quads,
                                 const panel_place<typename Product::codec_type> (&at)[1],
                                 const activation_view (&x)[N], const held<DF>* coarse, const held<DF>* coarse_offset,
                                 held<DF>* acc) {
  using F = product_facts<Product>;
  using Number = typename F::N;
  using Dot = dot_of<Product>;
  constexpr int R = kParts;
  std::size_t word = at[0].index * F::block_words;
  for (std::size_t s = 0; s < F::segments; ++s) {
    const std::size_t segment = at[0].index * F::segments + s;
    typename Dot::sum_type sum[R * N];
    Unroll2<R, N>([&](auto r, auto n) QUERN_INLINE {
      if constexpr (F::integer_words) sum[n * R + r] = hn::Set(D32(), x[n].starts[segment]);
      else sum[n * R + r] = Dot::Zero();
    });
    for (std::size_t q = F::first_quad(s); q < F::end_quad(s); ++q, word += F::words_per_quad) {
      Unroll<R>([&](auto r) QUERN_INLINE {
        const V8 quad = hn::LoadU(D8(), quads + q * 64 + r * kLanes * 4);
        Unroll<Dot::words>([&](auto k) QUERN_INLINE {
          Unroll<N>([&](auto n) QUERN_INLINE {
            const V32 xw = hn::Set(D32(), x[n].words[word + static_cast<std::size_t>(k)]);
            auto& to = sum[n * R + r];
            if constexpr (!F::integer_words) to = hn::MulAdd(QuadColumn<Number, k>(quad), hn::BitCast(DF(), xw), to);
            else if constexpr (kByteDot) to = ByteDot(to, quad, xw);
            else to = AddPairs(to, BytePairs<Number>(quad, xw));
          });
        });
      });
    }
    EndSegment<Product>(at, s * F::segment, segment, x, coarse, coarse_offset, sum, acc);
  }
}

// y[n, row] = the product of one panel with `count` rows of x from first_x; y has room for the whole panel.
template <class Product>
HWY_NOINLINE void TileExpanded(const packed_view<typename Product::codec_type>& w, std::size_t panel,
                               const activation_view& all_x, std::size_t first_x, std::size_t count,
                               float* HWY_RESTRICT y, std::size_t y_stride) {
  using F = product_facts<Product>;
  using C = typename F::C;
  using T = tile_facts<C>;
  const auto* const base = reinterpret_cast<const std::uint8_t*>(w.array(0).data()) + panel * all_x.blocks * T::bytes;
  panel_place<C> at[1] = {{&w, panel * tile_rows, 0, base}};
  alignas(64) std::uint8_t quads[F::block_cols * tile_rows];
  for (std::size_t n = 0; n < count; ++n) std::memset(y + n * y_stride, 0, tile_rows * sizeof(float));
  for (; at[0].index < all_x.blocks; ++at[0].index, at[0].tile += T::bytes) {
    ExpandTile<C>(at[0].tile, quads, F::integer_words);
    held<DF> coarse[kParts], coarse_offset[kParts];
    Unroll<kParts>([&](auto r) QUERN_INLINE {
      coarse[r] = CoarseLevels<C, typename C::granularity, 1>(at[0], r);
      if constexpr (F::sums)
        coarse_offset[r] = CoarseLevels<C, typename C::symmetry::offsets, 1 + C::granularity::size>(at[0], r);
    });
    const auto rows_of_x = [&](std::size_t n, auto group) QUERN_INLINE {
      constexpr int N = group;
      activation_view x[N];
      held<DF> acc[kParts * N];
      Unroll2<kParts, N>([&](auto r, auto i) QUERN_INLINE {
        if constexpr (r == 0) x[i] = all_x.row(first_x + n + static_cast<std::size_t>(i));
        acc[i * kParts + r] = hn::LoadU(DF(), y + (n + static_cast<std::size_t>(i)) * y_stride + r * kLanes);
      });
      MultiplyExpanded<Product, N>(quads, at, x, coarse, coarse_offset, acc);
      Unroll2<kParts, N>([&](auto r, auto i) QUERN_INLINE {
        hn::StoreU(acc[i * kParts + r], DF(), y + (n + static_cast<std::size_t>(i)) * y_stride + r * kLanes);
      });
    };
    std::size_t n = 0;
    for (; n + 4 <= count; n += 4) rows_of_x(n, std::integral_constant<int, 4>());
    for (; n < count; ++n) rows_of_x(n, std::integral_constant<int, 1>());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
