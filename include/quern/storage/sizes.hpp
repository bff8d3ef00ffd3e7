// Sizes in bytes, derived from a declaration.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <type_traits>

#include "quern/codec/codec.hpp"

namespace quern::inline v0 {

// Units of an array, and the extent of one, for a matrix. Units at the right and lower edge may be partly filled.
template <class C, std::size_t Array>
constexpr shape unit_extent(shape matrix) {
  return within(array_of<C, Array>::unit, matrix);
}
template <class C, std::size_t Array>
constexpr shape units_of(shape matrix) {
  const shape u = unit_extent<C, Array>(matrix);
  return {ceil_div(matrix.rows, u.rows), ceil_div(matrix.cols, u.cols)};
}

// Bytes of an array of a matrix. The matrix's extents must be checked (try_array_bytes) before this may be called.
template <class C, std::size_t Array>
constexpr std::size_t array_bytes(shape matrix) {
  const shape units = units_of<C, Array>(matrix);
  return units.count() == 0 ? 0 : units.count() * unit_bytes<C, Array>(matrix);
}

// Bytes of every array of a matrix; false where a product overflows.
template <class C>
constexpr bool try_array_bytes(shape matrix, std::array<std::size_t, C::layout::arrays>& out) {
  // The bytes of a field grow no faster than its codes. So a unit's bytes are at most those it would have if its extents
  // `all` were 1, times the matrix's extents there; and with 64 times as much, counts of bits fit, too.
  std::size_t n = 0;
  bool ok = true;
  each_array<C>([&]<std::size_t I>() {
    constexpr shape u = array_of<C, I>::unit, least = within(u, {1, 1});
    std::size_t padded = 0;  // kernels count in padded extents
    ok = ok && add(matrix.rows, least.rows, padded) && add(matrix.cols, least.cols, padded) &&
         multiply(ceil_div(matrix.rows, least.rows), ceil_div(matrix.cols, least.cols), n) &&
         multiply(n, unit_bytes<C, I>({1, 1}), n) && multiply(n, 64, n);
  });
  if (!ok) return false;
  each_array<C>([&]<std::size_t I>() { out[I] = array_bytes<C, I>(matrix); });
  return true;
}

// What the columns of a matrix are a multiple of: the columns of a block where a row is whole blocks, else 1.
template <any_codec C>
inline constexpr std::size_t row_multiple = [] {
  if constexpr (requires { requires C::whole_blocks; }) return array_of<C, 0>::unit.cols;
  else return std::size_t{1};
}();

// Codecs of one array of bounded units: a block is a unit (GGUF's).
template <class C>
concept block_codec = any_codec<C> && C::layout::arrays == 1 && unit_is_fixed<C, 0>;

template <block_codec C>
inline constexpr std::size_t block_elements = array_of<C, 0>::unit.count();
template <block_codec C>
inline constexpr std::size_t block_bytes = unit_bytes<C, 0>(sample);

// Bits per weight of a matrix so large that partial units do not count and neither do arrays of one code for a row, a
// column or the whole matrix.
template <any_codec C>
inline constexpr double bits_per_weight = [] {
  constexpr shape large{40960, 40960};
  double bits = 0;
  each_array<C>([&]<std::size_t I>() {
    bool bounded = true;
    each_part<C>([&]<std::size_t K>() {
      if (stores<C, I, K> && (parts<C>[K].region.rows == all || parts<C>[K].region.cols == all)) bounded = false;
    });
    if (bounded)
      bits += 8.0 * static_cast<double>(unit_bytes<C, I>(large)) /
              static_cast<double>(within(array_of<C, I>::unit, large).count());
  });
  return bits;
}();

}  // namespace quern::inline v0
