// How the owner of a format spreads a matrix over tensors of a safetensors file: names, dtypes, shapes, and what the
// bytes of each are.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "quern/base/shape.hpp"
#include "quern/io/safetensors_types.hpp"

namespace quern::inline v0::io {

// An extent of a tensor: ceil(n / over) * times, where n is the matrix's rows, its columns, its weights, or 1; or the
// length of a text.
struct owner_extent {
  enum class of : std::uint8_t { rows, cols, weights, one, text };
  of what = of::one;
  std::uint64_t over = 1, times = 1;

  // rows x cols and the product with `times` must be known not to overflow.
  constexpr std::uint64_t at(shape matrix) const {
    std::uint64_t n = 1;
    if (what == of::rows) n = matrix.rows;
    if (what == of::cols) n = matrix.cols;
    if (what == of::weights) n = matrix.count();
    return (n / over + (n % over != 0 ? 1 : 0)) * times;
  }
};
constexpr owner_extent rows_over(std::uint64_t n = 1, std::uint64_t times = 1) {
  return {owner_extent::of::rows, n, times};
}
constexpr owner_extent cols_over(std::uint64_t n = 1, std::uint64_t times = 1) {
  return {owner_extent::of::cols, n, times};
}
constexpr owner_extent fixed_extent(std::uint64_t n) { return {owner_extent::of::one, 1, n}; }
constexpr owner_extent weights_over(std::uint64_t n) { return {owner_extent::of::weights, n, 1}; }
// Groups of a row; `all` columns are one group.
constexpr owner_extent groups_of(std::size_t group) { return group == all ? owner_extent{} : cols_over(group); }

// What the bytes of a tensor are. The number in parentheses is `index` of its owner_tensor.
enum class owner_bytes : std::uint8_t {
  array,         // those of an array of the codec (its number)
  values,        // f32: the values of all codes of a part (its number in parts), a zero without a sign
  groups,        // i32: the group that each column is in (columns of a group, or all)
  matrix_shape,  // i64: rows, columns
  zeros,
  quant_state  // the text of bitsandbytes, see owner_quant_state.hpp
};

inline constexpr std::size_t owner_most_extents = 2;

struct owner_tensor {
  std::string_view suffix;  // after the name of the module and a point
  safetensors_dtype dtype = safetensors_dtype::u8;
  std::size_t rank = 0;
  std::array<owner_extent, owner_most_extents> extents{};  // outermost first
  owner_bytes bytes = owner_bytes::array;
  std::size_t index = 0;
  bool is_optional = false;         // a file need not have it
  std::string_view other_suffix{};  // by which it is read where there is none of the first; empty: none

  constexpr owner_tensor optional() const {
    owner_tensor t = *this;
    t.is_optional = true;
    return t;
  }
  constexpr owner_tensor or_as(std::string_view other) const {
    owner_tensor t = *this;
    t.other_suffix = other;
    return t;
  }
};
constexpr owner_tensor owner_scalar(std::string_view suffix, safetensors_dtype dtype, owner_bytes bytes,
                                    std::size_t index) {
  return {suffix, dtype, 0, {}, bytes, index};
}
constexpr owner_tensor owner_vector(std::string_view suffix, safetensors_dtype dtype, owner_extent extent,
                                    owner_bytes bytes, std::size_t index) {
  return {suffix, dtype, 1, {extent}, bytes, index};
}
// An array of the codec, of two extents.
constexpr owner_tensor owner_array(std::string_view suffix, safetensors_dtype dtype, owner_extent outer,
                                   owner_extent inner, std::size_t array) {
  return {suffix, dtype, 2, {outer, inner}, owner_bytes::array, array};
}

// What a declaration has besides `tensors`, an array of owner_tensor of which the first is not optional; one that differs
// hides it.
struct owner_declaration {
  // Of which rows and columns are multiples in every file of the owner.
  static constexpr std::size_t whole_rows = 1, whole_cols = 1;
  // Suffixes of tensors that no matrix of this format has: it is another format, or its columns are in another order.
  static constexpr std::array<std::string_view, 0> foreign{};
  // Whether blocks are counted through the whole tensor. The arrays of a matrix are then those of one long row.
  static constexpr bool runs_through_rows = false;
};

}  // namespace quern::inline v0::io
