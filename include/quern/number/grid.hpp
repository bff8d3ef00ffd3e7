// Vector formats: a code names a point of a grid (an E8-like lattice, say) and the signs of its coordinates.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>
#include <concepts>
#include <cstddef>

#include "quern/base/bits.hpp"
#include "quern/number/number.hpp"

namespace quern::inline v0 {

// Which of a grid's signs are stored: none; one bit each; all but the last, which makes the number of minus signs even.
enum class signs { none, each, even };

// Points of a table, side by side, and signs: `grid`, or a user's number with the same members.
template <class N>
concept point_format = vector_format<N> && requires {
  { N::points.size() } -> std::convertible_to<std::size_t>;
  { N::magnitudes.size() } -> std::convertible_to<std::size_t>;
  { N::level_bits } -> std::convertible_to<unsigned>;
  { N::sign_rule } -> std::convertible_to<signs>;
  requires N::elements == N::dimension * N::vectors;
};

// Vectors that can be rounded to a code: by points, or by trying every code.
template <class N>
concept searchable_format = point_format<N> || (vector_format<N> && N::bits <= 20);

// The magnitude of coordinate j of a point.
template <class N>
constexpr float point_magnitude(std::size_t point, std::size_t j) {
  return static_cast<float>(N::magnitudes[N::points[point] >> (j * N::level_bits) & low_bits(N::level_bits)]);
}

// Vectors points of a grid side by side, then their signs. Points lists each point's levels, lowest bits first, as many
// bits as Levels needs; Levels gives the magnitude of a level. A code, low bits first: index of each point, signs.
template <const auto& Points, const auto& Levels, std::size_t Dimension, signs Signs, std::size_t Vectors = 1>
struct grid {
  static constexpr std::size_t elements = Dimension * Vectors;
  static constexpr unsigned index_bits = static_cast<unsigned>(std::bit_width(Points.size() - 1));
  static constexpr unsigned level_bits = static_cast<unsigned>(std::bit_width(Levels.size() - 1));
  static constexpr unsigned sign_bits =
      Signs == signs::none ? 0 : static_cast<unsigned>(Signs == signs::each ? elements : elements - 1);
  static constexpr unsigned bits = static_cast<unsigned>(index_bits * Vectors) + sign_bits;
  static_assert(Points.size() == std::size_t{1} << index_bits, "grid: the number of points must be a power of two");
  static_assert(bits <= 32, "grid: a code has at most 32 bits");

  // What SIMD look-ups read: the tables behind the template arguments.
  static constexpr std::size_t dimension = Dimension, vectors = Vectors;
  static constexpr signs sign_rule = Signs;
  static constexpr const auto& points = Points;
  static constexpr const auto& magnitudes = Levels;

  static constexpr float value(std::uint32_t code, std::size_t j) {
    const std::uint32_t point = code >> (j / Dimension * index_bits) & low_bits(index_bits);
    const float magnitude = point_magnitude<grid>(point, j % Dimension);
    std::uint32_t minus = index_bits * Vectors >= 32 ? 0 : code >> (index_bits * Vectors);
    if (Signs == signs::even) minus |= (static_cast<std::uint32_t>(std::popcount(minus)) & 1) << sign_bits;
    return Signs != signs::none && (minus >> j & 1) ? -magnitude : magnitude;
  }
};

}  // namespace quern::inline v0
