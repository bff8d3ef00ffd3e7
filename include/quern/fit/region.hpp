// The weights of one region of a matrix, as fits read them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <limits>
#include <span>

#include "quern/base/bits.hpp"
#include "quern/base/exact.hpp"
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

// The sum of squares of the row that was last asked for it.
struct row_memory {
  std::size_t row = static_cast<std::size_t>(-1);
  float sum_of_squares = 0;
};

// Weights [first.row, first.row + size.rows) x [first.col, first.col + size.cols) of a matrix, numbered row by row, and
// their importance: one number for each column of the matrix, or none at all.
class weight_region {
 public:
  constexpr weight_region(matrix_view<const float> x, std::span<const float> importance, coord first, shape size,
                          row_memory* memory = nullptr)
      : x_(x), importance_(importance), first_(first), size_(size), memory_(memory) {}

  constexpr std::size_t size() const { return size_.count(); }
  constexpr float operator[](std::size_t i) const {
    if (size_.rows == 1) return saturated(x_(first_.row, first_.col + i));
    return saturated(x_(first_.row + i / size_.cols, first_.col + i % size_.cols));
  }
  constexpr bool has_importance() const { return !importance_.empty(); }
  constexpr float importance(std::size_t i) const {
    return !has_importance() ? 1.0f : importance_[first_.col + (size_.rows == 1 ? i : i % size_.cols)];
  }
  // The weights as they are, side by side, where the region is a run of one row; else null.
  constexpr const float* run() const { return size_.rows == 1 ? x_.row(first_.row) + first_.col : nullptr; }
  // f(x) for every weight.
  constexpr void each(auto f) const {
    for (std::size_t r = first_.row; r < first_.row + size_.rows; ++r)
      for (std::size_t c = first_.col; c < first_.col + size_.cols; ++c) f(saturated(x_(r, c)));
  }
  // f(first, count, x, e) for every Size neighbours in a row, of which `count` are there, the first being number `first`; x
  // and e are arrays of the weights and their importance, filled up with 0.
  template <std::size_t Size>
  constexpr void each_vector(auto f) const {
    for (std::size_t r = 0; r < size_.rows; ++r)
      for (std::size_t c = 0; c < size_.cols; c += Size) {
        std::array<float, Size> x{}, e{};
        const std::size_t first = r * size_.cols + c, count = size_.cols - c < Size ? size_.cols - c : Size;
        for (std::size_t j = 0; j < count; ++j) x[j] = (*this)[first + j], e[j] = importance(first + j);
        f(first, count, x, e);
      }
  }
  // Added one after the other in f32.
  constexpr float sum_of_squares() const {
    float sum = 0;
    each([&](float x) { sum += exact(x * x); });
    return sum;
  }
  // The mean of the squares of the whole first row of the matrix in which the region lies.
  constexpr float mean_square_of_row() const {
    const weight_region row{x_, importance_, {first_.row, 0}, {1, x_.cols()}};
    if (memory_ == nullptr) return row.sum_of_squares() / static_cast<float>(x_.cols());
    if (memory_->row != first_.row) *memory_ = {first_.row, row.sum_of_squares()};
    return memory_->sum_of_squares / static_cast<float>(x_.cols());
  }

 private:
  matrix_view<const float> x_;
  std::span<const float> importance_;
  coord first_;
  shape size_;
  row_memory* memory_;
};

}  // namespace quern::inline v0
