// The product of packed weights and prepared activations: cuts it into tiles of the inner loop.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_MATMUL_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_MATMUL_INL_HPP_
#undef QUERN_SIMD_MATMUL_INL_HPP_
#else
#define QUERN_SIMD_MATMUL_INL_HPP_
#endif

#include <cstring>

#include "quern/simd/decode-inl.hpp"
#include "quern/simd/expand-inl.hpp"
#include "quern/simd/row_slice-inl.hpp"
#include "quern/simd/rows-inl.hpp"
#include "quern/simd/slice-inl.hpp"
#include "quern/simd/tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Panels [panel, panel + P) x rows [n, n + N) of x; rows of panels that y lacks are dropped.
template <class Product, int P, int N>
HWY_INLINE void Panels(const packed_view<typename Product::codec_type>& w, std::size_t panel, const activation_view& x,
                       std::size_t n, matrix_view<float> y) {
  const std::size_t row = panel * tile_rows, first = w.first_row(), end = first + w.rows();
  if (row >= first && row + P * tile_rows <= end) {
    TilePlanes<Product, P, N>(w, panel, x, n, y.row(n) + (row - first), y.row_stride());
    return;
  }
  float whole[P * tile_rows * N];
  TilePlanes<Product, P, N>(w, panel, x, n, whole, P * tile_rows);
  const std::size_t from = row < first ? first - row : 0;
  const std::size_t to = row + P * tile_rows > end ? end - row : P * tile_rows;
  for (std::size_t i = 0; i < N; ++i)
    std::memcpy(y.row(n + i) + (row + from - first), whole + i * P * tile_rows + from, (to - from) * sizeof(float));
}

// So many rows of x at a time that they stay in the second-level cache beside a panel.
inline constexpr std::size_t kRowsOfX = 96;

template <class Product>
HWY_INLINE void MatmulPlanes(const packed_view<typename Product::codec_type>& w, const activation_view& x,
                             matrix_view<float> y) {
  constexpr bool integers = product_facts<Product>::integer_words;
  const std::size_t m = y.rows(), first = w.first_row() / tile_rows,
                    end = ceil_div(w.first_row() + w.rows(), tile_rows);
  if constexpr (!integers)
    if (m >= kLeastRowsForSlices) return MatmulSlices<Product>(w, x, y);
  // Vectors of sums of integers in registers: 2 x 4 of 16 lanes, 4 x 2 of 8.
  constexpr int wide = integers ? 4 : 1, tall = integers && kParts == 1 ? 2 : 1;
  for (std::size_t from = 0; from < m; from += kRowsOfX) {
    const std::size_t to = m - from < kRowsOfX ? m : from + kRowsOfX;
    for (std::size_t p = first; p < end; p += tall) {
      std::size_t n = from;
      if (p + tall <= end)
        for (; n + wide <= to; n += wide) Panels<Product, tall, wide>(w, p, x, n, y);
      for (std::size_t q = p; q < end && q < p + tall; ++q)
        for (std::size_t i = n; i < to; ++i) Panels<Product, 1, 1>(w, q, x, i, y);
    }
  }
}

template <class Product>
HWY_INLINE void MatmulExpanded(const packed_view<typename Product::codec_type>& w, const activation_view& x,
                               matrix_view<float> y) {
  const std::size_t m = y.rows(), from = w.first_row(), end = from + w.rows();
  float panel[kRowsOfX * tile_rows];
  for (std::size_t n = 0; n < m; n += kRowsOfX) {
    const std::size_t count = m - n < kRowsOfX ? m - n : kRowsOfX;
    for (std::size_t p = from / tile_rows; p * tile_rows < end; ++p) {
      TileExpanded<Product>(w, p, x, n, count, panel, tile_rows);
      const std::size_t row = p * tile_rows, first = row < from ? from - row : 0;
      const std::size_t last = row + tile_rows > end ? end - row : tile_rows;
      for (std::size_t i = 0; i < count; ++i)
        std::memcpy(y.row(n + i) + (row + first - from), panel + i * tile_rows + first, (last - first) * sizeof(float));
    }
  }
}

// The sum of a[i] * b[i], i < n, in f32: four chains of a vector each, then their sum.
HWY_INLINE float DotF32(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, std::size_t n) {
  const DF df;
  constexpr std::size_t lanes = kLanes;
  VF s0 = hn::Zero(df), s1 = s0, s2 = s0, s3 = s0;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(df, a + i), hn::LoadU(df, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(df, a + i + lanes), hn::LoadU(df, b + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(df, a + i + 2 * lanes), hn::LoadU(df, b + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(df, a + i + 3 * lanes), hn::LoadU(df, b + i + 3 * lanes), s3);
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::MulAdd(hn::LoadU(df, a + i), hn::LoadU(df, b + i), s0);
  float sum = hn::ReduceSum(df, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// The sum of w[0, i] * x[i].
template <class C>
float Dot(packed_view<C> w, const float* x) {
  constexpr std::size_t stretch = 1024;
  alignas(64) float weights[stretch];
  float sum = 0;
  for (std::size_t c = 0; c < w.cols(); c += stretch) {
    const std::size_t count = w.cols() - c < stretch ? w.cols() - c : stretch;
    DecodeStretch(w, 0, c, count, weights);
    sum += DotF32(weights, x + c, count);
  }
  return sum;
}

// A stretch of a row is decoded once and meets all rows of x.
template <class Product>
HWY_INLINE void MatmulDecoded(const packed_view<typename Product::codec_type>& w, const activation_view& x,
                              matrix_view<float> y) {
  constexpr std::size_t stretch = 1024;
  alignas(64) float weights[stretch];
  for (std::size_t r = 0; r < w.rows(); ++r) {
    for (std::size_t n = 0; n < y.rows(); ++n) y(n, r) = 0;
    for (std::size_t c = 0; c < w.cols(); c += stretch) {
      const std::size_t count = w.cols() - c < stretch ? w.cols() - c : stretch;
      DecodeStretch(w, r, c, count, weights);
      for (std::size_t n = 0; n < y.rows(); ++n)
        y(n, r) += DotF32(weights, reinterpret_cast<const float*>(x.words) + n * x.words_stride + c, count);
    }
  }
}

template <class Product>
void Matmul(packed_view<typename Product::codec_type> w, const std::byte* prepared, matrix_view<float> y) {
  using F = product_facts<Product>;
  if (w.rows() == 0 || y.rows() == 0) return;
  const activation_view x = ViewPrepared<Product>(prepared);
  if constexpr (kRowSlices<Product>)
    if (y.rows() >= kLeastRowsForRowSlices) return MatmulRowSlices<Product>(w, x, y);
  if constexpr (F::path == product_path::planes) MatmulPlanes<Product>(w, x, y);
  else if constexpr (F::path == product_path::expanded) MatmulExpanded<Product>(w, x, y);
  else if constexpr (F::path == product_path::rows) MatmulRows<Product>(w, x, y);
  else MatmulDecoded<Product>(w, x, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
