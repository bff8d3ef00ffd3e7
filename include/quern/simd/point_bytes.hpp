// The points of grids as bytes. Constants only, the same for every instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "quern/codec/properties.hpp"
#include "quern/storage/product.hpp"

namespace quern::inline v0 {

// The elements of a point divided by the unit, without signs, plus 128, in the order of memory. 128 stands for zero, since bytes
// without a sign become integers in fewer steps; the negative of a byte stands for the negative value all the same.
template <class N>
inline constexpr auto point_words = [] {
  using word = std::conditional_t<N::dimension == 8, std::uint64_t, std::uint32_t>;
  std::array<word, N::points.size()> table{};
  for (std::size_t i = 0; i < table.size(); ++i)
    for (std::size_t j = 0; j < N::dimension; ++j) {
      const auto byte =
          static_cast<std::uint8_t>(128 + static_cast<int>(point_magnitude<N>(i, j) / as_small_integers<N>.unit));
      const std::size_t place = std::endian::native == std::endian::little ? j : N::dimension - 1 - j;
      table[i] |= static_cast<word>(byte) << 8 * place;
    }
  return table;
}();

// What a byte stands for.
template <class N>
struct point_byte {
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t code) {
    return static_cast<float>(static_cast<int>(code) - 128) * as_small_integers<N>.unit;
  }
};

}  // namespace quern::inline v0
