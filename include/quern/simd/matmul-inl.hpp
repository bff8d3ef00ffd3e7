// The product of packed weights and prepared activations: cuts it into tiles of the inner loop.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_MATMUL_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_MATMUL_INL_HPP_
#undef QUERN_SIMD_MATMUL_INL_HPP_
#else
#define QUERN_SIMD_MATMUL_INL_HPP_
#endif

#include <cstring>

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

template <class Product>
void Matmul(packed_view<typename Product::codec_type> w, const std::byte* prepared, matrix_view<float> y) {
  if (w.rows() == 0 || y.rows() == 0) return;
  const activation_view x = ViewPrepared<Product>(prepared);
  const std::size_t m = y.rows(), first = w.first_row() / tile_rows, end = ceil_div(w.first_row() + w.rows(), tile_rows);
  constexpr int wide = 4, tall = kParts == 1 ? 2 : 1;  // register tile: 2 x 4 vectors of sums and their operands
  if (m == 1) {
    for (std::size_t p = first; p < end; ++p) Panels<Product, 1, 1>(w, p, x, 0, y);
    return;
  }
  // So many rows of x that they stay in the second-level cache beside a panel.
  constexpr std::size_t most = 96;
  for (std::size_t from = 0; from < m; from += most) {
    const std::size_t to = m - from < most ? m : from + most;
    std::size_t p = first;
    for (; p + tall <= end; p += tall) {
      std::size_t n = from;
      for (; n + wide <= to; n += wide) Panels<Product, tall, wide>(w, p, x, n, y);
      for (; n < to; ++n) Panels<Product, tall, 1>(w, p, x, n, y);
    }
    for (; p < end; ++p) {
      std::size_t n = from;
      for (; n + wide <= to; n += wide) Panels<Product, 1, wide>(w, p, x, n, y);
      for (; n < to; ++n) Panels<Product, 1, 1>(w, p, x, n, y);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
