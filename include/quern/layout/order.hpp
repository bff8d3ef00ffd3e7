// Orders: from a storage position to a coordinate in the unit's grid of codes, and back.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <concepts>

#include "quern/base/shape.hpp"

namespace quern::inline v0 {

// at and position are inverse to each other on every grid the order is used for; codec checks it.
template <class O>
concept order = requires(coord c, shape grid) {
  { O::at(std::size_t{}, grid) } -> std::same_as<coord>;
  { O::position(c, grid) } -> std::same_as<std::size_t>;
};

struct row_major {
  static constexpr coord at(std::size_t p, shape grid) { return {p / grid.cols, p % grid.cols}; }
  static constexpr std::size_t position(coord c, shape grid) { return c.row * grid.cols + c.col; }
};

// Columns in runs of Run; within a run of columns, rows one below the other. interleaved<1> is column-major.
template <std::size_t Run>
struct interleaved {
  static constexpr coord at(std::size_t p, shape grid) {
    return {p / Run % grid.rows, p / (Run * grid.rows) * Run + p % Run};
  }
  static constexpr std::size_t position(coord c, shape grid) {
    return (c.col / Run * grid.rows + c.row) * Run + c.col % Run;
  }
};

// In every run of sizeof...(To) positions, position p holds what row-major order would hold at To[p].
template <std::size_t... To>
struct permuted {
  static constexpr std::size_t n = sizeof...(To);
  static constexpr std::array<std::size_t, n> to{To...};
  static constexpr coord at(std::size_t p, shape grid) { return row_major::at(p / n * n + to[p % n], grid); }
  static constexpr std::size_t position(coord c, shape grid) {
    const std::size_t i = row_major::position(c, grid);
    std::size_t p = 0;
    while (p < n && to[p] != i % n) ++p;
    return i / n * n + p;
  }
};

}  // namespace quern::inline v0
