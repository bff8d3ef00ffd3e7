// Arrangements: where the bytes of the unit at (row, col) of the grid of units lie in the array.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>

#include "quern/base/shape.hpp"

namespace quern::inline v0 {

// byte(u, units, b, size): the array's byte that holds byte b of the unit at u, of `size` bytes, in a grid of `units`.
// Optional promises: rows_are_contiguous, that a row of units lies together, one whole unit after the other; regular, that
// from a unit to the next of its row, and to the next of its column, all bytes move by the same step; together(size), that
// bytes [i * n, (i + 1) * n) of a unit lie together, where n is its result and divides `size`.
template <class A>
concept arrangement = requires(coord u, shape units, std::size_t n) {
  { A::byte(u, units, n, n) } -> std::same_as<std::size_t>;
};

struct by_rows {
  static constexpr bool rows_are_contiguous = true, regular = true;
  static constexpr std::size_t together(std::size_t size) { return size; }
  static constexpr std::size_t byte(coord u, shape units, std::size_t b, std::size_t size) {
    return (u.row * units.cols + u.col) * size + b;
  }
};
struct by_columns {
  static constexpr bool regular = true;
  static constexpr std::size_t together(std::size_t size) { return size; }
  static constexpr std::size_t byte(coord u, shape units, std::size_t b, std::size_t size) {
    return (u.col * units.rows + u.row) * size + b;
  }
};

// By columns, and the words of a unit lie one row of the array apart: a 2-D array of words, packed along its first axis
// (GPTQ's qweight).
template <std::size_t Word>
struct word_rows {
  static constexpr bool regular = true;
  static constexpr std::size_t word = Word;
  static constexpr std::size_t together(std::size_t) { return Word; }
  static constexpr std::size_t byte(coord u, shape units, std::size_t b, std::size_t size) {
    return ((u.col * (size / Word) + b / Word) * units.rows + u.row) * Word + b % Word;
  }
};

}  // namespace quern::inline v0
