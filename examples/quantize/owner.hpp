// How the owner of a format keeps a matrix in a safetensors file, as the main job sees it: the format's type forgotten.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/owner_metadata.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "owner_config.hpp"

namespace quantize {

inline constexpr std::size_t most_arrays = quern::most_arrays;

// A matrix in a file or in several. Valid as long as these.
struct owner_matrix {
  quern::shape matrix{0, 0}, coded{0, 0};  // the owner's shape, and that of the codec
  std::array<quern::io::safetensors_member, most_arrays> arrays{};  // of no tensor: `text` has it
  std::string text;  // the array that stands in a text
  std::vector<quern::io::safetensors_member> tensors;  // all of them
};

struct owner {
  // Why there is no such matrix in the owner's files, or null.
  const char* (*refusal)(std::string_view matrix, quern::shape);
  // The shape that the codec has: one row, where the owner counts blocks through the whole matrix and they do not end
  // with its rows.
  quern::shape (*coded)(quern::shape);
  // Declares the tensors, and metadata that name the codec. Throws.
  void (*declare)(quern::io::safetensors_contents&, std::string_view matrix, quern::shape);
  // Declares the metadata alone. Throws.
  void (*describe)(quern::io::safetensors_contents&, std::string_view matrix, quern::shape);
  // Empty: the array is in the text, and not a tensor.
  std::string (*tensor_name)(std::string_view matrix, std::size_t array);
  // Writes the tensors that are no arrays of the codec. text: the array that is in the text. Throws.
  void (*write_others)(quern::io::safetensors_writer&, std::string_view matrix, quern::shape,
                       std::span<const std::byte> text);
  // The name of the matrix that this tensor may be the first of; empty: none.
  std::string (*matrix_of)(const quern::io::safetensors_tensor&);
  // described: the file says of the matrix that it is of this codec.
  quern::io::result<owner_matrix> (*find)(const quern::io::safetensors_source&, std::string_view matrix,
                                          bool described);
  owner_config config;
};

template <quern::io::has_owner_tensors P>
constexpr owner owner_of() {
  using namespace quern;
  owner o{};
  o.config = config_of<P>();
  o.refusal = [](std::string_view matrix, shape s) -> const char* {
    if (const auto module = io::try_owner_module(matrix); !module) return module.error().what;
    const auto shapes = io::try_owner_shapes<P>(s, std::string());
    return shapes ? nullptr : shapes.error().what;
  };
  o.coded = [](shape s) { return io::value_or_throw(io::try_owner_shapes<P>(s, "owner's tensors")).packed; };
  o.declare = [](io::safetensors_contents& contents, std::string_view matrix, shape s) {
    io::add_owner<P>(contents, matrix, s.rows, s.cols);
    io::add_owner_metadata<P>(contents, matrix, s.rows, s.cols);
  };
  o.describe = [](io::safetensors_contents& contents, std::string_view matrix, shape s) {
    io::add_owner_metadata<P>(contents, matrix, s.rows, s.cols);
  };
  o.tensor_name = [](std::string_view matrix, std::size_t array) -> std::string {
    for (const io::owner_tensor& t : io::owner_tensors<P>::tensors)
      if (t.bytes == io::owner_bytes::array && t.index == array)
        return std::string(io::value_or_throw(io::try_owner_module(matrix))) + std::string(t.suffix);
    return {};
  };
  o.write_others = [](io::safetensors_writer& out, std::string_view matrix, shape s, std::span<const std::byte> text) {
    const std::string module(io::value_or_throw(io::try_owner_module(matrix)));
    for (const io::owner_tensor& t : io::owner_tensors<P>::tensors) {
      if (t.bytes == io::owner_bytes::array) continue;
      const std::string bytes =
          io::value_or_throw(io::try_owner_constant<P>(t, s, text, "matrix " + io::escaped(matrix)));
      out.write(module + std::string(t.suffix), std::as_bytes(std::span(bytes)));
    }
  };
  o.matrix_of = [](const io::safetensors_tensor& t) -> std::string {
    const io::owner_tensor& first = io::owner_tensors<P>::tensors[0];
    if (t.dtype != first.dtype || !t.name.ends_with(first.suffix)) return {};
    const std::string_view module = t.name.substr(0, t.name.size() - first.suffix.size());
    if (!module.empty() && !module.ends_with('.')) return {};
    return std::string(module) + "weight";
  };
  o.find = [](const io::safetensors_source& file, std::string_view matrix, bool described) -> io::result<owner_matrix> {
    const auto found = described ? io::try_find_described_owner<P>(file, matrix) : io::try_find_owner<P>(file, matrix);
    if (!found) return found.error();
    owner_matrix m{found->shapes.matrix, found->shapes.packed, {}, {}, {}};
    for (std::size_t i = 0; i < found->tensors.size(); ++i) {
      if (found->tensors[i].tensor == nullptr) continue;
      const io::owner_tensor& t = io::owner_tensors<P>::tensors[i];
      if (t.bytes == io::owner_bytes::array) m.arrays[t.index] = found->tensors[i];
      m.tensors.push_back(found->tensors[i]);
    }
    if constexpr (io::owner_text_has_array<P>) io::put_little(m.text, float_to_bits(found->mean), 4);
    return m;
  };
  return o;
}

}  // namespace quantize
