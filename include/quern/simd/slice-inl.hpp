// The product of tiles and many rows of x: a slice, some tiles of a panel or two, becomes operands in a buffer, which
// meet all rows of x.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_SLICE_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_SLICE_INL_HPP_
#undef QUERN_SIMD_SLICE_INL_HPP_
#else
#define QUERN_SIMD_SLICE_INL_HPP_
#endif

#include <algorithm>
#include <cstring>

#include "hwy/cache_control.h"

#include "quern/simd/activations-inl.hpp"
#include "quern/simd/levels-inl.hpp"
#include "quern/simd/operands-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Rows of x that meet a slice before the next one is made, at most; and fewer than this meet the planes one by one.
inline constexpr std::size_t kMostRowsForSlice = 192, kLeastRowsForSlices = 4;

// Words and segments one after the other; for each, the rows of all panels beside each other.
template <class Product>
struct weight_slice {
  using F = product_facts<Product>;
  static constexpr std::size_t tiles = std::max<std::size_t>(1, 256 / F::block_cols), cols = tiles * F::block_cols;
  static constexpr std::size_t panels = kParts == 1 && cols <= 256 ? 2 : 1, rows = panels * tile_rows;
  static constexpr std::size_t words = tiles * kBlockWords<Product>, segments = tiles * F::segments;

  alignas(64) std::int32_t operands[words * rows];
  alignas(64) float scales[segments * rows];
  alignas(64) float offsets[F::sums ? segments * rows : 1];  // what is added for each unit of the sum of x
};

// The scales of a tile's segments, and what is added for each unit of the sum of x: 16 rows beside each other, `stride`
// floats from one segment to the next.
template <class Product>
HWY_INLINE void FillLevels(const panel_place<typename Product::codec_type>& at, std::size_t stride,
                           float* HWY_RESTRICT scales, [[maybe_unused]] float* HWY_RESTRICT offsets) {
  using F = product_facts<Product>;
  using C = typename F::C;
  using S = typename C::symmetry;
  Unroll<kParts>([&](auto r) QUERN_INLINE {
    constexpr offset_term rule = offset_term_of<S>;
    const VF coarse = CoarseLevels<C, typename C::granularity, 1>(at, r);
    VF coarse_offset = hn::Zero(DF());
    if constexpr (F::sums) coarse_offset = CoarseLevels<C, typename S::offsets, 1 + C::granularity::size>(at, r);
    for (std::size_t s = 0; s < F::segments; ++s) {
      const std::size_t to = s * stride + r * kLanes;
      const VF scale = AllLevels<C, typename C::granularity, 1>(at, s * F::segment, r, coarse);
      hn::StoreU(scale, DF(), scales + to);
      if constexpr (F::sums) {
        VF offset = AllLevels<C, typename S::offsets, 1 + C::granularity::size>(at, s * F::segment, r, coarse_offset);
        if constexpr (rule == offset_term::subtract_scaled) offset = hn::Mul(offset, scale);
        hn::StoreU(rule == offset_term::add ? offset : hn::Neg(offset), DF(), offsets + to);
      }
    }
  });
}

// Tile `tile` of the slice, in its panel `panel`.
template <class Product>
HWY_NOINLINE void FillSlice(const panel_place<typename Product::codec_type>& at, std::size_t tile, std::size_t panel,
                            weight_slice<Product>& slice) {
  using F = product_facts<Product>;
  using C = typename F::C;
  using Dot = dot_of<Product>;
  constexpr std::size_t rows = weight_slice<Product>::rows, quads = step_cols / quad_cols;
  const std::size_t first = tile * F::segments * rows + panel * tile_rows;
  FillLevels<Product>(at, rows, slice.scales + first, slice.offsets + (F::sums ? first : 0));
  // The slice after this one is fetched while this one is multiplied.
  for (std::size_t i = 0; i < tile_facts<C>::bytes; i += 64)
    hwy::Prefetch(at.tile + weight_slice<Product>::tiles * tile_facts<C>::bytes + i);
  const operands<C, Dot> make;
  const std::uint8_t* step = at.tile + tile_facts<C>::at[0];
  std::int32_t* to = slice.operands + tile * kBlockWords<Product> * rows + panel * tile_rows;
  for (std::size_t st = 0; st < F::block_cols / step_cols; ++st, step += tile_facts<C>::step_bytes) {
    Unroll<static_cast<int>(quads)>([&](auto q) QUERN_INLINE {
      Unroll<kParts>([&](auto r) QUERN_INLINE {
        held<D32> operand[Dot::words];
        make.template Make<q>(step + r * kLanes * 4, operand);
        Unroll<Dot::words>([&](auto k) QUERN_INLINE { hn::StoreU(operand[k], D32(), to + k * rows + r * kLanes); });
      });
      to += Dot::words * rows;
    });
  }
}

// acc[n, row] += the product of so many segments of `words` words, R vectors of the Rows rows of w, and N rows of x,
// x_stride words apart.
template <class Dot, int Rows, int R, int N>
HWY_NOINLINE void MultiplySlice(const std::int32_t* HWY_RESTRICT w, const float* HWY_RESTRICT scales,
                                std::size_t segments, std::size_t words, const std::int32_t* HWY_RESTRICT x,
                                std::size_t x_stride, float* HWY_RESTRICT acc) {
  const std::int32_t* row[N];
  Unroll<N>([&](auto n) QUERN_INLINE { row[n] = x + n * x_stride; });
  for (const float* const end = scales + segments * Rows; scales != end; scales += Rows) {
    typename Dot::sum_type sum[R * N];
    Unroll<R * N>([&](auto i) QUERN_INLINE { sum[i] = Dot::Zero(); });
    for (std::size_t i = 0; i != words; i += Dot::words) {
      Unroll<Dot::words>([&](auto k) QUERN_INLINE {
        held<D32> operand[R];
        Unroll<R>([&](auto r) QUERN_INLINE { operand[r] = hn::LoadU(D32(), w + k * Rows + r * kLanes); });
        Unroll<N>([&](auto n) QUERN_INLINE {
          const V32 xw = hn::Set(D32(), row[n][i + k]);
          Unroll<R>([&](auto r) QUERN_INLINE { sum[n * R + r] = Dot::Add(sum[n * R + r], operand[r], xw); });
        });
      });
      w += Dot::words * Rows;
    }
    Unroll<N>([&](auto n) QUERN_INLINE { row[n] += words; });
    Unroll2<R, N>([&](auto r, auto n) QUERN_INLINE {
      float* const to = acc + n * Rows + r * kLanes;
      hn::StoreU(hn::MulAdd(sum[n * R + r], hn::LoadU(DF(), scales + r * kLanes), hn::LoadU(DF(), to)), DF(), to);
    });
  }
}

// acc[n, row] += the sum over segments of their offsets times the sums of N rows of x.
template <int Rows, int R, int N>
HWY_INLINE void AddOffsets(const float* HWY_RESTRICT offsets, std::size_t segments, const float* HWY_RESTRICT sums,
                           std::size_t sums_stride, float* HWY_RESTRICT acc) {
  held<DF> total[R * N];
  Unroll2<R, N>([&](auto r, auto n) QUERN_INLINE { total[n * R + r] = hn::LoadU(DF(), acc + n * Rows + r * kLanes); });
  for (std::size_t s = 0; s < segments; ++s)
    Unroll2<R, N>([&](auto r, auto n) QUERN_INLINE {
      total[n * R + r] = hn::MulAdd(hn::LoadU(DF(), offsets + s * Rows + r * kLanes),
                                    hn::Set(DF(), sums[n * sums_stride + s]), total[n * R + r]);
    });
  Unroll2<R, N>([&](auto r, auto n) QUERN_INLINE { hn::StoreU(total[n * R + r], DF(), acc + n * Rows + r * kLanes); });
}

// acc[n, row] += the product of a slice, so many tiles from tile b and R vectors of rows, with `count` rows of x.
template <class Product, int R>
HWY_INLINE void MultiplyRows(const weight_slice<Product>& slice, std::size_t b, std::size_t tiles,
                             const activation_view& x, std::size_t count, float* HWY_RESTRICT acc) {
  using F = product_facts<Product>;
  constexpr int rows = static_cast<int>(weight_slice<Product>::rows);
  constexpr std::size_t words = kBlockWords<Product>;
  std::size_t n = 0;
  const auto multiply = [&](auto group) QUERN_INLINE {
    constexpr int N = group;
    for (; n + N <= count; n += N) {
      const activation_view part = x.row(n);
      MultiplySlice<dot_of<Product>, rows, R, N>(slice.operands, slice.scales, tiles * F::segments, words / F::segments,
                                                 part.words + b * words, x.words_stride, acc + n * rows);
      if constexpr (F::sums)
        AddOffsets<rows, R, N>(slice.offsets, tiles * F::segments, part.sums + b * F::segments, x.segments_stride,
                               acc + n * rows);
    }
  };
  if constexpr (kLanes == 16) multiply(std::integral_constant<int, 8>());
  multiply(std::integral_constant<int, 4>());
  multiply(std::integral_constant<int, 2>());
  multiply(std::integral_constant<int, 1>());
}

template <class Product>
HWY_NOINLINE void MatmulSlices(const packed_view<typename Product::codec_type>& w, const activation_view& x,
                               matrix_view<float> y) {
  using T = tile_facts<typename Product::codec_type>;
  using slice_type = weight_slice<Product>;
  constexpr std::size_t rows = slice_type::rows;
  const auto* const base = reinterpret_cast<const std::uint8_t*>(w.array(0).data());
  const std::size_t from = w.first_row(), end = from + w.rows();
  slice_type slice;
  alignas(64) float acc[kMostRowsForSlice * rows];
  for (std::size_t n = 0; n < y.rows(); n += kMostRowsForSlice) {
    const std::size_t count = std::min(kMostRowsForSlice, y.rows() - n);
    for (std::size_t p = from / tile_rows; p * tile_rows < end; p += slice_type::panels) {
      const std::size_t row = p * tile_rows, panels = std::min(slice_type::panels, ceil_div(end - row, tile_rows));
      std::memset(acc, 0, count * rows * sizeof(float));
      for (std::size_t b = 0; b < x.blocks; b += slice_type::tiles) {
        const std::size_t tiles = std::min(slice_type::tiles, x.blocks - b);
        for (std::size_t i = 0; i < panels; ++i)
          for (std::size_t t = b; t < b + tiles; ++t)
            FillSlice<Product>({&w, row + i * tile_rows, t, base + ((p + i) * x.blocks + t) * T::bytes}, t - b, i,
                               slice);
        if (panels == slice_type::panels)
          MultiplyRows<Product, static_cast<int>(rows) / kLanes>(slice, b, tiles, x.row(n), count, acc);
        else MultiplyRows<Product, kParts>(slice, b, tiles, x.row(n), count, acc);
      }
      const std::size_t first = row < from ? from - row : 0, stop = std::min(row + rows, end) - row;
      for (std::size_t i = 0; i < count; ++i)
        std::memcpy(y.row(n + i) + (row + first - from), acc + i * rows + first, (stop - first) * sizeof(float));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
