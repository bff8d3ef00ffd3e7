// A codec as the main job sees it: its type forgotten, so that reading and writing files is compiled once.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/packed_tensors.hpp>
#include <quern/quern.hpp>
#include <quern/storage/row_codes.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "owner.hpp"

namespace quantize {

using arrays = std::array<std::span<std::byte>, most_arrays>;
using const_arrays = std::array<std::span<const std::byte>, most_arrays>;

struct format {
  std::string_view name;
  int gguf_id;              // -1: GGUF has no number for it
  std::size_t array_count;  // arrays that a matrix has
  std::size_t rows_apart;   // so many rows, encoded alone, give the same bytes, one after the other in every array; 0: never
  // Why a matrix cannot have this shape, or null.
  const char* (*refusal)(quern::shape);
  // Bytes of every array; false where they overflow.
  bool (*bytes)(quern::shape, std::array<std::size_t, most_arrays>&);
  quern::result<void> (*encode)(quern::matrix_view<const float>, const arrays&, quern::executor);  // null: there is none
  quern::result<void> (*decode)(const const_arrays&, quern::matrix_view<float>, quern::executor);
  // Packed matrices in safetensors files: what is declared, what the tensors are called, and where they are. They throw.
  void (*declare)(quern::io::safetensors_contents&, std::string_view matrix, quern::shape);
  std::string (*tensor_name)(std::string_view matrix, std::size_t array);
  std::array<quern::io::safetensors_member, most_arrays> (*arrays_in)(const quern::io::safetensors_source&,
                                                                      std::string_view matrix);
  std::optional<quern::io::safetensors_dtype> dtype;  // of single floats: safetensors has a type for them
  std::optional<quantize::owner> owner;               // none: the format has no owner's names
};

// Of a preset or a codec with a name.
template <class C>
constexpr format format_of() {
  using namespace quern;
  constexpr auto gguf_id = [] {
    if constexpr (numbered_codec<C>) return int{C::gguf_id};
    else return -1;
  }();
  constexpr bool in_rows = [] {
    bool ok = true;
    each_array<C>([&]<std::size_t I>() { ok = ok && arranged_by_rows<typename array_of<C, I>::arrangement>; });
    return ok;
  }();
  constexpr std::size_t apart = in_rows && independent_rows<C> != all ? independent_rows<C> : 0;
  format f{C::name, gguf_id, C::layout::arrays, apart, {}, {}, {}, {}, {}, {}, {}, {}, {}};
  if constexpr (std::same_as<C, gguf::f32>) f.dtype = io::safetensors_dtype::f32;
  if constexpr (std::same_as<C, gguf::f16>) f.dtype = io::safetensors_dtype::f16;
  if constexpr (std::same_as<C, gguf::bf16>) f.dtype = io::safetensors_dtype::bf16;
  if constexpr (io::has_owner_tensors<C>) f.owner = owner_of<C>();
  f.refusal = [](shape s) -> const char* {
    if (s.cols % row_multiple<C> != 0) return "a row is no multiple of the format's blocks";
    if constexpr (requires { C::refusal(s); }) return C::refusal(s);
    return nullptr;
  };
  f.bytes = [](shape s, std::array<std::size_t, most_arrays>& out) {
    std::array<std::size_t, C::layout::arrays> need{};
    if (!try_array_bytes<C>(s, need)) return false;
    for (std::size_t i = 0; i < need.size(); ++i) out[i] = need[i];
    return true;
  };
  if constexpr (encodable_codec<C>)
    f.encode = [](matrix_view<const float> x, const arrays& to, executor ex) -> quern::result<void> {
      typename packed_span<C>::spans spans;
      for (std::size_t i = 0; i < spans.size(); ++i) spans[i] = to[i];
      const auto out = packed_span<C>::try_make(spans, x.rows(), x.cols());
      if (!out) return out.error();
      return try_quantize_into<C>(*out, x, {}, ex);
    };
  f.decode = [](const const_arrays& from, matrix_view<float> out, executor ex) -> quern::result<void> {
    typename packed_view<C>::spans spans;
    for (std::size_t i = 0; i < spans.size(); ++i) spans[i] = from[i];
    const auto w = packed_view<C>::try_make(spans, out.rows(), out.cols());
    if (!w) return w.error();
    return try_dequantize(*w, out, ex);
  };
  f.declare = [](io::safetensors_contents& contents, std::string_view matrix, shape s) {
    io::add_packed<C>(contents, matrix, s.rows, s.cols);
  };
  f.tensor_name = [](std::string_view matrix, std::size_t array) {
    std::string name;
    each_array<C>([&]<std::size_t I>() {
      if (I == array) name = io::packed_tensor_name<C, I>(matrix);
    });
    return name;
  };
  f.arrays_in = [](const io::safetensors_source& file, std::string_view matrix) {
    const auto found = io::value_or_throw(io::try_find_packed_arrays<C>(file, matrix));
    std::array<io::safetensors_member, most_arrays> all{};
    for (std::size_t i = 0; i < found.tensors.size(); ++i) all[i] = found.tensors[i];
    return all;
  };
  return f;
}

template <class... C>
constexpr auto formats_of(quern::type_list<C...>) {
  return std::array<format, sizeof...(C)>{format_of<C>()...};
}

// The format of a name, or of a GGUF tensor type; null: none.
constexpr const format* find(std::span<const format> formats, std::string_view name) {
  for (const format& f : formats)
    if (f.name == name) return &f;
  return nullptr;
}
constexpr const format* find(std::span<const format> formats, int gguf_id) {
  for (const format& f : formats)
    if (gguf_id >= 0 && f.gguf_id == gguf_id) return &f;
  return nullptr;
}

}  // namespace quantize
