// Coordinates and extents of a matrix. No policy is known here.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <limits>

namespace quern::inline v0 {

// The whole extent of the matrix, where a policy gives a number of rows or columns.
inline constexpr std::size_t all = 0;

struct coord {
  std::size_t row, col;
  bool operator==(const coord&) const = default;
};

struct shape {
  std::size_t rows, cols;
  bool operator==(const shape&) const = default;
  constexpr std::size_t count() const { return rows * cols; }
};

// s with `all` replaced by the matrix's extent.
constexpr shape within(shape s, shape matrix) {
  return {s.rows == all ? matrix.rows : s.rows, s.cols == all ? matrix.cols : s.cols};
}

// a / b, rounded up; 0 / 0 is 0, so that an empty matrix has no units.
constexpr std::size_t ceil_div(std::size_t a, std::size_t b) { return a == 0 ? 0 : (a - 1) / b + 1; }
constexpr std::size_t round_up(std::size_t a, std::size_t multiple) { return ceil_div(a, multiple) * multiple; }

// Whole parts of n in a; none where n is all.
constexpr std::size_t whole_parts(std::size_t a, std::size_t n) { return n == all ? 0 : a / n; }

// a * b and a + b, or false where that does not fit into std::size_t; `out` is then unchanged.
constexpr bool multiply(std::size_t a, std::size_t b, std::size_t& out) {
  if (a != 0 && b > std::numeric_limits<std::size_t>::max() / a) return false;
  out = a * b;
  return true;
}
constexpr bool add(std::size_t a, std::size_t b, std::size_t& out) {
  if (b > std::numeric_limits<std::size_t>::max() - a) return false;
  out = a + b;
  return true;
}

}  // namespace quern::inline v0
