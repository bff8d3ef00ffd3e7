// The weights of one region of a matrix, as fits read them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>
#include <span>

#include "quern/base/bits.hpp"
#include "quern/base/matrix_view.hpp"

namespace quern::inline v0 {

// What becomes of infinities and NaNs among the weights.
enum class nonfinite {
  refuse,   // nothing is written; the failure's value is the element's index, row * cols + col
  saturate  // infinity counts as the greatest float of its sign, NaN as 0
};

// x as a fit sees it.
constexpr float saturated(float x) {
  if (is_finite(x)) return x;
  const float most = std::numeric_limits<float>::max();
  return is_nan(x) ? 0 : x < 0 ? -most : most;
}

// Weights [first.row, first.row + size.rows) x [first.col, first.col + size.cols) of a matrix, numbered row by row, and
// their importance: one number for each column of the matrix, or none at all.
class weight_region {
 public:
  constexpr weight_region(matrix_view<const float> x, std::span<const float> importance, coord first, shape size)
      : x_(x), importance_(importance), first_(first), size_(size) {}

  constexpr std::size_t size() const { return size_.count(); }
  constexpr float operator[](std::size_t i) const {
    return saturated(x_(first_.row + i / size_.cols, first_.col + i % size_.cols));
  }
  constexpr bool has_importance() const { return !importance_.empty(); }
  constexpr float importance(std::size_t i) const {
    return has_importance() ? importance_[first_.col + i % size_.cols] : 1.0f;
  }
  // f(x) for every weight.
  constexpr void each(auto f) const {
    for (std::size_t r = first_.row; r < first_.row + size_.rows; ++r)
      for (std::size_t c = first_.col; c < first_.col + size_.cols; ++c) f(saturated(x_(r, c)));
  }
  // The whole first row of the matrix in which the region lies.
  constexpr weight_region row() const { return {x_, importance_, {first_.row, 0}, {1, x_.cols()}}; }

 private:
  matrix_view<const float> x_;
  std::span<const float> importance_;
  coord first_;
  shape size_;
};

}  // namespace quern::inline v0
