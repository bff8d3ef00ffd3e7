// The product of many rows of int8 activations and weights that become bytes first, rows as they lie and tiles of grids: a
// chunk of 16 rows of bytes, which lie beside each other, meets all rows of x; a lane is a row.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ROW_SLICE_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ROW_SLICE_INL_HPP_
#undef QUERN_SIMD_ROW_SLICE_INL_HPP_
#else
#define QUERN_SIMD_ROW_SLICE_INL_HPP_
#endif

#include <algorithm>
#include <cstring>

#include "quern/simd/activations-inl.hpp"
#include "quern/simd/expand-inl.hpp"
#include "quern/simd/rows-inl.hpp"
#include "quern/simd/slice-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Fewer rows of x than this meet rows of bytes, and tiles, without slices.
inline constexpr std::size_t kLeastRowsForRowSlices = 8;

// So many rows of x at a time that their sums of integers and of floats are in registers together.
inline constexpr int kWideRows = kLanes == 16 ? 8 : kLanes == 8 ? 2 : 1;

// As byte_dot, where the target has none: of bytes of rows, and of tiles.
template <class N>
struct row_dot {
  static HWY_INLINE V32 Add(V32 sum, V32 w, V32 x) { return RowDot<N>(sum, hn::BitCast(D8(), w), x); }
};
template <class N>
struct tile_dot {
  static HWY_INLINE V32 Add(V32 sum, V32 w, V32 x) { return AddPairs(sum, BytePairs<N>(hn::BitCast(D8(), w), x)); }
};
template <class Product, class N = typename Product::codec_type::number>
using slice_dot = std::conditional_t<
    kByteDot, byte_dot, std::conditional_t<is_tiled<typename Product::codec_type>, tile_dot<N>, row_dot<N>>>;

// Whether products are made of slices where there are many rows of x.
template <class Product>
inline constexpr bool kRowSlices = product_facts<Product>::path == product_path::rows ||
                                   (product_facts<Product>::path == product_path::expanded &&
                                    product_facts<Product>::integer_words &&
                                    product_facts<Product>::segment % quad_cols == 0);

// A chunk of 16 rows: words and segments one after the other; for each, the rows beside each other.
template <class Product>
struct row_slice {
  using F = product_facts<Product>;
  static constexpr std::size_t chunk = is_tiled<typename F::C> ? F::block_cols : kChunk<typename F::C>,
                               words = chunk / quad_cols, segments = chunk / F::segment;

  alignas(64) std::int32_t operands[words * tile_rows];
  alignas(64) float scales[segments * tile_rows];
  alignas(64) float terms[F::sums ? segments * tile_rows : 1];  // what is added for each unit of the sum of x
};

// Columns [col, col + n) of `rows` rows, at most 16; what the slice has of others is not defined.
template <class Product>
HWY_NOINLINE void FillRowSlice(const packed_view<typename Product::codec_type>& w, std::size_t row, std::size_t rows,
                               std::size_t col, std::size_t n, row_slice<Product>& slice) {
  using F = product_facts<Product>;
  using C = typename F::C;
  row_chunk<Product> chunk;
  row_constants<C> constants;
  HWY_ALIGN std::uint8_t bytes[4][row_slice<Product>::chunk + 64];
  HWY_ALIGN float own[row_slice<Product>::segments + 64];
  const std::size_t words = ceil_div(n, quad_cols), segments = ceil_div(n, F::segment);
  for (std::size_t r = 0, started = 0; r < rows; ++r) {
    if (r == started) {
      const std::size_t together = std::min(rows - r, kPanel<C> - (row + r) % kPanel<C>);
      chunk.Start(w, row + r, together, col, n);
      started += together;
    }
    constants.load(w, row + r);
    chunk.Read(w, constants, row + r);
    for (std::size_t q = 0; q < words; q += kLanes) hn::StoreU(chunk.Bytes(q), D8(), bytes[r % 4] + 4 * q);
    const float* const scales = chunk.Scales(own);
    for (std::size_t s = 0; s < segments; ++s) slice.scales[s * tile_rows + r] = scales[s];
    if constexpr (F::sums)
      for (std::size_t s = 0; s < segments; ++s) slice.terms[s * tile_rows + r] = chunk.Terms()[s];
    if (r % 4 != 3 && r + 1 != rows) continue;
    auto* const to = reinterpret_cast<std::uint8_t*>(slice.operands + r / 4 * 4);
    for (std::size_t q = 0; q < words; q += kLanes)
      TransposeWords(D32(), bytes[0] + 4 * q, bytes[1] + 4 * q, bytes[2] + 4 * q, bytes[3] + 4 * q,
                     to + q * tile_rows * 4, tile_rows * 4);
  }
}

// The tile of these columns; `row` is the first of its panel.
template <class Product>
HWY_NOINLINE void FillTileSlice(const packed_view<typename Product::codec_type>& w, std::size_t row, std::size_t col,
                                row_slice<Product>& slice) {
  using F = product_facts<Product>;
  using C = typename F::C;
  const std::size_t blocks = ceil_div(w.cols(), F::block_cols), tile = row / tile_rows * blocks + col / F::block_cols;
  const panel_place<C> at{&w, row, col / F::block_cols,
                          reinterpret_cast<const std::uint8_t*>(w.array(0).data()) + tile * tile_facts<C>::bytes};
  ExpandTile<C>(at.tile, reinterpret_cast<std::uint8_t*>(slice.operands), true);
  FillLevels<Product>(at, tile_rows, slice.scales, slice.terms);
}

// acc[n, row] += the product of a slice of so many segments and N rows of x.
template <class Dot, int Words, bool Sums, int N>
HWY_NOINLINE void MultiplyRowSlice(const std::int32_t* HWY_RESTRICT w, const float* HWY_RESTRICT scales,
                                   const float* HWY_RESTRICT terms, std::size_t segments, const activation_view& x,
                                   float* HWY_RESTRICT acc) {
  constexpr int rows = static_cast<int>(tile_rows);
  const std::int32_t* words[N];
  held<DF> total[kParts * N];
  Unroll<N>([&](auto n) QUERN_INLINE {
    words[n] = x.words + n * x.words_stride;
    Unroll<kParts>([&](auto r) QUERN_INLINE { total[n * kParts + r] = hn::LoadU(DF(), acc + n * rows + r * kLanes); });
  });
  for (std::size_t s = 0; s < segments; ++s) {
    held<D32> sum[kParts * N];
    Unroll<N>([&](auto n) QUERN_INLINE {
      Unroll<kParts>([&](auto r) QUERN_INLINE {
        sum[n * kParts + r] = hn::Set(D32(), x.starts[n * x.segments_stride + s]);
      });
    });
    Unroll<Words>([&](auto i) QUERN_INLINE {
      held<D32> bytes[kParts];
      Unroll<kParts>([&](auto r) QUERN_INLINE { bytes[r] = hn::LoadU(D32(), w + i * rows + r * kLanes); });
      Unroll<N>([&](auto n) QUERN_INLINE {
        const V32 xw = hn::Set(D32(), words[n][i]);
        Unroll<kParts>([&](auto r) QUERN_INLINE {
          sum[n * kParts + r] = Dot::Add(sum[n * kParts + r], bytes[r], xw);
        });
      });
    });
    w += Words * rows;
    Unroll<N>([&](auto n) QUERN_INLINE { words[n] += Words; });
    Unroll<kParts>([&](auto r) QUERN_INLINE {
      const VF scale = hn::LoadU(DF(), scales + r * kLanes);
      Unroll<N>([&](auto n) QUERN_INLINE {
        const VF by = hn::Mul(scale, hn::Set(DF(), x.scales[n * x.segments_stride + s]));
        total[n * kParts + r] = hn::MulAdd(hn::ConvertTo(DF(), sum[n * kParts + r]), by, total[n * kParts + r]);
      });
      if constexpr (Sums) {
        const VF term = hn::LoadU(DF(), terms + r * kLanes);
        Unroll<N>([&](auto n) QUERN_INLINE {
          total[n * kParts + r] =
              hn::MulAdd(term, hn::Set(DF(), x.sums[n * x.segments_stride + s]), total[n * kParts + r]);
        });
      }
    });
    scales += rows;
    if constexpr (Sums) terms += rows;
  }
  Unroll<N>([&](auto n) QUERN_INLINE {
    Unroll<kParts>([&](auto r) QUERN_INLINE { hn::StoreU(total[n * kParts + r], DF(), acc + n * rows + r * kLanes); });
  });
}

template <class Product>
HWY_NOINLINE void MatmulRowSlices(const packed_view<typename Product::codec_type>& w, const activation_view& x,
                                  matrix_view<float> y) {
  using F = product_facts<Product>;
  using slice_type = row_slice<Product>;
  constexpr bool tiles = is_tiled<typename F::C>;
  const ieee_mode mode;
  const std::size_t first = w.first_row(), end = first + w.rows();
  slice_type slice{};
  alignas(64) float acc[kMostRowsForSlice * tile_rows];
  for (std::size_t from = 0; from < y.rows(); from += kMostRowsForSlice) {
    const std::size_t count = std::min(kMostRowsForSlice, y.rows() - from);
    // Slices of tiles begin where panels do.
    for (std::size_t row = tiles ? first / tile_rows * tile_rows : first; row < end; row += tile_rows) {
      std::memset(acc, 0, count * tile_rows * sizeof(float));
      for (std::size_t c = 0; c < w.cols(); c += slice_type::chunk) {
        const std::size_t cols = std::min(slice_type::chunk, w.cols() - c), segment = c / F::segment;
        if constexpr (tiles) FillTileSlice<Product>(w, row, c, slice);
        else FillRowSlice<Product>(w, row, std::min(tile_rows, end - row), c, cols, slice);
        std::size_t n = 0;
        const auto multiply = [&](auto group) QUERN_INLINE {
          constexpr int N = group;
          for (; n + N <= count; n += N) {
            activation_view part = x.row(from + n);
            part.words += c / quad_cols, part.starts += segment, part.scales += segment;
            if constexpr (F::sums) part.sums += segment;
            MultiplyRowSlice<slice_dot<Product>, static_cast<int>(F::segment / quad_cols), F::sums, N>(
                slice.operands, slice.scales, slice.terms, ceil_div(cols, F::segment), part, acc + n * tile_rows);
          }
        };
        multiply(std::integral_constant<int, kWideRows>());
        if constexpr (kWideRows > 4) multiply(std::integral_constant<int, 4>());
        if constexpr (kWideRows > 1) multiply(std::integral_constant<int, 1>());
      }
      const std::size_t skip = row < first ? first - row : 0, stop = std::min(row + tile_rows, end) - row;
      for (std::size_t n = 0; n < count; ++n)
        std::memcpy(y.row(from + n) + (row + skip - first), acc + n * tile_rows + skip, (stop - skip) * sizeof(float));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
