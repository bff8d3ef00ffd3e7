// A codec as this program sees it: its type forgotten, so that reading files is compiled once.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/api/any_packed.hpp>
#include <quern/io/safetensors_source.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace inspect {

inline constexpr std::size_t most_arrays = quern::most_arrays;
using const_arrays = std::array<std::span<const std::byte>, most_arrays>;
using array_sizes = std::array<std::size_t, most_arrays>;

// What is found in the values of a tensor, piece after piece.
struct findings {
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  std::uint64_t values = 0;
  std::uint64_t not_finite = 0;
  std::uint64_t first = 0;  // index of the first that is not finite
  double least = infinity;  // of those that are finite; none: infinity
  double greatest = -infinity;
  std::uint64_t scales_not_finite = 0;  // numbers of scales and of offsets
  std::uint64_t padding_bits = 0;       // of those arrays where they can be told from codes
  bool padding_is_zero = true;

  void add(double x) {
    if (std::isfinite(x)) {
      least = std::min(least, x), greatest = std::max(greatest, x);
    } else if (not_finite++ == 0) {
      first = values;
    }
    ++values;
  }
};

// Steps in which an array can be cut along an axis: the extent of a unit; or one of these.
inline constexpr std::size_t same_for_all = 0;  // every piece uses all of the array
inline constexpr std::size_t never = ~std::size_t{0};

struct codec_entry {
  std::string_view name;
  int gguf_id;  // -1: GGUF has no number for it
  std::size_t array_count;
  std::array<std::size_t, most_arrays> row_steps, col_steps;
  // Why a matrix cannot have this shape, or null.
  const char* (*refusal)(quern::shape);
  // Bytes of every array; false where they overflow.
  bool (*bytes)(quern::shape, array_sizes&);
  // The end of the name of an array's tensor in a safetensors file.
  std::string (*suffix)(std::size_t array);
  // Adds what is in the values of a matrix, or of a piece of one. along_rows: pieces follow each other from row to row,
  // else from column to column. is_first: whether it is the first piece.
  quern::result<void> (*scan)(const const_arrays&, quern::shape, bool along_rows, bool is_first, findings&);
};

// The catalogue, and the types of single numbers of safetensors files under their names there.
std::span<const codec_entry> codecs();

// A matrix under its owner's names. Valid as long as its files.
struct owner_matrix {
  quern::shape matrix{0, 0}, coded{0, 0};  // the owner's shape, and that of the codec: the same, or one row
  std::array<quern::io::safetensors_member, most_arrays> arrays{};  // of no tensor: `text` has it
  std::string text;                                                 // the array that stands in a text
  std::vector<quern::io::safetensors_member> tensors;               // all of them, in the owner's order
};
using find_owner = quern::io::result<owner_matrix>(const quern::io::safetensors_source&, std::string_view matrix);
// What finds and checks matrices of a codec of the catalogue, as io::try_find_owner; null: it has no owner's names.
find_owner* owner_of(std::string_view codec);

// describe of the codec of the catalogue with this name.
std::optional<std::string> description(std::string_view name);
std::optional<std::string> gguf_description(std::string_view name);  // of those with a number in GGUF only

// Null where there is none.
inline const codec_entry* find_codec(std::string_view name) {
  const auto at = std::ranges::find(codecs(), name, &codec_entry::name);
  return at == codecs().end() ? nullptr : &*at;
}
inline const codec_entry* find_codec(int gguf_id) {
  const auto at = std::ranges::find(codecs(), gguf_id, &codec_entry::gguf_id);
  return gguf_id < 0 || at == codecs().end() ? nullptr : &*at;
}

}  // namespace inspect
