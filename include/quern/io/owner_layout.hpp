// A matrix and the tensors that its owner keeps it in: which shapes there are, names of tensors, and bytes that follow
// from the format and the shape alone. For owner_tensors.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "quern/base/bits.hpp"
#include "quern/io/failure.hpp"
#include "quern/io/little_endian.hpp"
#include "quern/io/owner_formats.hpp"
#include "quern/storage/sizes.hpp"

namespace quern::inline v0::io {

template <class P>
inline constexpr std::size_t owner_tensor_count = owner_tensors<P>::tensors.size();

// Whether an array of the codec is no tensor, but a number in the text.
template <class P, std::size_t Array>
inline constexpr bool owner_array_in_text = [] {
  if constexpr (requires { owner_tensors<P>::mean_array; })
    return owner_tensors<P>::state.nested_block != 0 && owner_tensors<P>::mean_array == Array;
  else return false;
}();
template <class P>
inline constexpr bool owner_text_has_array = [] {
  bool any = false;
  each_array<P>([&]<std::size_t I>() { any = any || owner_array_in_text<P, I>; });
  return any;
}();

// Whether every array has one place.
template <class P>
inline constexpr bool owner_tensors_are_whole = [] {
  bool ok = true;
  each_array<P>([&]<std::size_t I>() {
    std::size_t places = owner_array_in_text<P, I> ? 1 : 0;
    for (const owner_tensor& t : owner_tensors<P>::tensors)
      if (t.bytes == owner_bytes::array && t.index == I) ++places;
    ok = ok && places == 1;
  });
  return ok;
}();

// ---- names ----

// The name of the module and its point, of a matrix "MODULE.weight"; fails where the name does not end so.
inline result<std::string_view> try_owner_module(std::string_view matrix) {
  constexpr std::string_view last = "weight";
  if (matrix == last || matrix.ends_with(".weight")) return matrix.substr(0, matrix.size() - last.size());
  return file_failure{"the name of a matrix ends with .weight", "owner's tensors, matrix " + escaped(matrix)};
}

// ---- shapes ----

// The owner's shape of a matrix, and that which the codec has: another where blocks run on from row to row and the matrix
// is one long row.
template <class P>
struct owner_shapes {
  shape matrix{0, 0}, packed{0, 0};
  std::array<std::size_t, P::layout::arrays> bytes{};  // of the codec's arrays
};

template <class P>
const char* owner_refusal(shape s) {
  if constexpr (requires { P::refusal(s); }) return P::refusal(s);
  return nullptr;
}

template <has_owner_tensors P>
result<owner_shapes<P>> try_owner_shapes(shape s, const std::string& where) {
  using O = owner_tensors<P>;
  static_assert(owner_tensors_are_whole<P>, "owner_tensors: every array of the codec is in one tensor");
  if (s.rows == 0 || s.cols == 0) return file_failure{"the matrix is empty", where, s.rows, s.cols};
  owner_shapes<P> found{s, s, {}};
  if (!try_array_bytes<P>(s, found.bytes)) return file_failure{"rows x cols overflows", where, s.rows, s.cols};
  if (s.rows % O::whole_rows != 0)
    return file_failure{"rows are not whole words of this format", where, s.rows, O::whole_rows};
  if (s.cols % O::whole_cols != 0)
    return file_failure{"columns are not whole groups and words of this format", where, s.cols, O::whole_cols};
  const char* why = owner_refusal<P>(s);
  if (why != nullptr && O::runs_through_rows) {
    found.packed = {1, s.count()};
    why = owner_refusal<P>(found.packed);
    if (!try_array_bytes<P>(found.packed, found.bytes))
      return file_failure{"rows x cols overflows", where, s.rows, s.cols};
  }
  if (why != nullptr) return file_failure{why, where, s.rows, s.cols};
  return found;
}

// The extents of a tensor.
struct owner_extents {
  std::size_t rank = 0;
  std::array<std::uint64_t, owner_most_extents> extents{};
  std::span<const std::uint64_t> span() const { return {extents.data(), rank}; }
};
template <class P>
owner_extents owner_extents_of(const owner_tensor& t, shape matrix) {
  owner_extents e{t.rank, {}};
  for (std::size_t i = 0; i < t.rank; ++i) {
    e.extents[i] = t.extents[i].at(matrix);
    if constexpr (requires { owner_tensors<P>::state; })
      if (t.bytes == owner_bytes::quant_state)
        e.extents[i] = bnb_quant_state_text(owner_tensors<P>::state, matrix, 0).size();
  }
  return e;
}

// ---- bytes ----

// The bits of element i of a tensor that is the same for all matrices of a shape.
template <class P>
std::uint64_t owner_element(const owner_tensor& t, shape matrix, std::uint64_t i) {
  if (t.bytes == owner_bytes::groups) return t.index == all ? 0 : i / t.index;
  if (t.bytes == owner_bytes::matrix_shape) return i == 0 ? matrix.rows : matrix.cols;
  float value = 0;
  if (t.bytes == owner_bytes::values)
    each_part<P>([&]<std::size_t K>() {
      if constexpr (part_number<P, K>::bits <= 8)
        if (K == t.index) value = part_number<P, K>::value(static_cast<std::uint32_t>(i));
    });
  return value == 0 ? 0 : float_to_bits(value);
}

// The bytes of such a tensor, or of the text.
template <class P>
result<std::string> try_owner_constant(const owner_tensor& t, shape matrix,
                                       [[maybe_unused]] std::span<const std::byte> mean, const std::string& where) {
  if constexpr (requires { owner_tensors<P>::state; }) {
    if (t.bytes == owner_bytes::quant_state) {
      const float m = float_from_bits(static_cast<std::uint32_t>(load_little(mean.data(), mean.size())));
      if (!is_finite(m)) return file_failure{"the mean of the absmaxes is not finite", where};
      return bnb_quant_state_text(owner_tensors<P>::state, matrix, m);
    }
  }
  const owner_extents extents = owner_extents_of<P>(t, matrix);
  std::uint64_t elements = 1;
  for (const std::uint64_t e : extents.span()) elements *= e;
  std::string bytes;
  for (std::uint64_t i = 0; i < elements; ++i) put_little(bytes, owner_element<P>(t, matrix, i), bits_of(t.dtype) / 8);
  return bytes;
}

}  // namespace quern::inline v0::io
