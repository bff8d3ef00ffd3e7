// What a file says of its matrices under their owners' names, so that a reader need not be told their codecs. The
// owners' software passes over it.
//
// The matrix NAME of rows x cols, whose tensors are those of owner_tensors.hpp:
//   metadata  "quern.owner:NAME"     "1 ROWS COLS CODEC", as of a packed matrix
//             "quern.codec:CODEC"    describe<CODEC>(), as of packed matrices
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "quern/io/owner_tensors.hpp"
#include "quern/io/packed_tensors.hpp"

namespace quern::inline v0::io {

inline constexpr std::string_view owner_matrix_key = "quern.owner:";

// Declares it, beside the tensors of try_add_owner.
template <has_owner_tensors P>
result<void> try_add_owner_metadata(safetensors_contents& contents, std::string_view name, std::size_t rows,
                                    std::size_t cols) noexcept {
  return with_memory("owner's metadata", [&]() -> result<void> {
    if (const auto module = try_owner_module(name); !module) return module.error();
    if (auto ok = try_add_codec<P>(contents); !ok) return ok;
    return contents.try_add_metadata(std::string(owner_matrix_key) + std::string(name),
                                     packed_matrix_text<P>(rows, cols));
  });
}

// The names of the matrices of a file of which it says so, in order. Valid as long as the file.
inline result<std::vector<std::string_view>> try_owner_names(const safetensors_source& file) noexcept {
  return try_packed_names(file, owner_matrix_key);
}

// What the file says of one. Not yet compared with any codec.
inline result<packed_matrix> try_find_owner_metadata(const safetensors_source& file, std::string_view name) noexcept {
  return try_find_packed(file, name, owner_matrix_key);
}

// As try_find_owner, of a matrix of which the file says that its codec is P, and which shape it has.
template <has_owner_tensors P>
result<owner_matrix<P>> try_find_described_owner(const safetensors_source& file, std::string_view name) noexcept {
  const auto said = try_find_owner_metadata(file, name);
  if (!said) return said.error();
  if (const auto same = try_check_codec<P>(file, name, *said); !same) return same.error();
  auto found = try_find_owner<P>(file, name);
  if (!found || found->shapes.matrix == shape{said->rows, said->cols}) return found;
  return with_memory("owner's metadata", [&]() -> result<owner_matrix<P>> {
    return file_failure{"the tensors are of another shape than the metadata say", packed_matrix_place(file, name),
                        found->shapes.matrix.rows, said->rows};
  });
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw file_error.
template <has_owner_tensors P>
void add_owner_metadata(safetensors_contents& contents, std::string_view name, std::size_t rows, std::size_t cols) {
  value_or_throw(try_add_owner_metadata<P>(contents, name, rows, cols));
}
inline std::vector<std::string_view> owner_names(const safetensors_source& file) {
  return value_or_throw(try_owner_names(file));
}
inline packed_matrix find_owner_metadata(const safetensors_source& file, std::string_view name) {
  return value_or_throw(try_find_owner_metadata(file, name));
}
template <has_owner_tensors P>
owner_matrix<P> find_described_owner(const safetensors_source& file, std::string_view name) {
  return value_or_throw(try_find_described_owner<P>(file, name));
}
#endif

}  // namespace quern::inline v0::io
