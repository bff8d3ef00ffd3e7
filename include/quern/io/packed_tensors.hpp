// Packed matrices of any codec in safetensors files. Each array of a matrix is a tensor of bytes; metadata says what
// they are, and a reader that means another format by the codec's name refuses them.
//
// The matrix NAME of rows x cols:
//   tensors   "NAME.SUFFIX", U8, of the bytes of one array; suffixes are those of packed_suffix
//   metadata  "quern.matrix:NAME"    "1 ROWS COLS CODEC": the version of this scheme, and the name of the codec
//             "quern.codec:CODEC"    describe<CODEC>(): what every bit of the arrays is
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quern/codec/describe.hpp"
#include "quern/io/safetensors_source.hpp"
#include "quern/io/safetensors_writer.hpp"
#include "quern/storage/packed.hpp"

namespace quern::inline v0::io {

inline constexpr std::string_view packed_matrix_key = "quern.matrix:", packed_codec_key = "quern.codec:";

// What an array of C holds: "packed" where there is one array only; else the parts in it, "codes", "scales", "offsets",
// and for those of a second level and further "scales1", joined by "_"; or "padding" and the number of the array.
template <any_codec C, std::size_t Array>
std::string packed_suffix() {
  if (C::layout::arrays == 1) return "packed";
  std::string s;
  each_part<C>([&]<std::size_t K>() {
    if constexpr (stores<C, Array, K>) {
      constexpr part p = parts<C>[K].what;
      s += s.empty() ? "" : "_";
      s += p.is == role::codes ? "codes" : p.is == role::scale ? "scales" : "offsets";
      if (p.level != 0) s += std::to_string(p.level);
    }
  });
  return s.empty() ? "padding" + std::to_string(Array) : s;
}

// The tensor that holds an array of a matrix.
template <any_codec C, std::size_t Array>
std::string packed_tensor_name(std::string_view matrix) {
  return std::string(matrix) + "." + packed_suffix<C, Array>();
}

// ---- writing ----

template <any_codec C>
std::string packed_matrix_text(std::size_t rows, std::size_t cols) {
  return "1 " + std::to_string(rows) + " " + std::to_string(cols) + " " + std::string(quern::name<C>);
}

// Declares what the file says of a codec, once for all of its matrices.
template <any_codec C>
result<void> try_add_codec(safetensors_contents& contents) noexcept {
  return with_memory("packed tensors", [&]() -> result<void> {
    const std::string key = std::string(packed_codec_key) + std::string(quern::name<C>);
    const auto known = contents.metadata().find(key);
    if (known == contents.metadata().end()) return contents.try_add_metadata(key, describe<C>());
    if (known->second == describe<C>()) return {};
    return file_failure{"two codecs have one name", "packed tensors, codec " + escaped(quern::name<C>)};
  });
}

// Declares the tensors and the metadata of a matrix. Where it fails, some of them may have been added.
template <any_codec C>
result<void> try_add_packed(safetensors_contents& contents, std::string_view name, std::size_t rows,
                            std::size_t cols) noexcept {
  return with_memory("packed tensors", [&]() -> result<void> {
    std::array<std::size_t, C::layout::arrays> bytes{};
    if (!try_array_bytes<C>({rows, cols}, bytes))
      return file_failure{"rows x cols overflows", "packed tensors, matrix " + escaped(name), rows, cols};
    if (auto described = try_add_codec<C>(contents); !described) return described;
    auto ok = contents.try_add_metadata(std::string(packed_matrix_key) + std::string(name),
                                        packed_matrix_text<C>(rows, cols));
    each_array<C>([&]<std::size_t I>() {
      if (ok) ok = contents.try_add(packed_tensor_name<C, I>(name), safetensors_dtype::u8, {bytes[I]});
    });
    return ok;
  });
}

// Writes the arrays of a matrix that was declared, in turn, as try_write of the writer; a part of a matrix is refused.
template <packed_weights W>
result<void> try_write_packed(safetensors_writer& writer, std::string_view name, const W& weights) noexcept {
  using C = codec_of<W>;
  return with_memory("packed tensors", [&]() -> result<void> {
    const packed_view<C> w = weights;
    const std::string where = "packed tensors, matrix " + escaped(name);
    if (w.first_row() != 0 || w.rows() != w.matrix().rows)
      return file_failure{"some rows of a matrix are not written; give it whole", where, w.rows(), w.matrix().rows};
    const auto& metadata = writer.contents().metadata();
    const auto declared = metadata.find(std::string(packed_matrix_key) + std::string(name));
    if (declared == metadata.end() || declared->second != packed_matrix_text<C>(w.rows(), w.cols()))
      return file_failure{"the matrix was not declared, or with another codec or shape", where};
    result<void> ok;
    each_array<C>([&]<std::size_t I>() {
      if (ok) ok = writer.try_write(packed_tensor_name<C, I>(name), w.array(I));
    });
    return ok;
  });
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw file_error.
template <any_codec C>
void add_packed(safetensors_contents& contents, std::string_view name, std::size_t rows, std::size_t cols) {
  value_or_throw(try_add_packed<C>(contents, name, rows, cols));
}
template <packed_weights W>
void write_packed(safetensors_writer& writer, std::string_view name, const W& weights) {
  value_or_throw(try_write_packed(writer, name, weights));
}
#endif

// ---- reading ----

// Matrices are read from one file, or from a model of several: then their tensors may lie in any of them, and what is said
// of them may stand in any.

// What a file says of a matrix. Valid as long as the file.
struct packed_matrix {
  std::string_view codec;
  std::size_t rows = 0, cols = 0;
};

// The names of the packed matrices of a file, in order. Valid as long as the file. key: that of the metadata, before the
// name.
inline result<std::vector<std::string_view>> try_packed_names(const safetensors_source& file,
                                                              std::string_view key = packed_matrix_key) noexcept {
  return with_memory("packed tensors", [&]() -> result<std::vector<std::string_view>> {
    const auto each = [&](auto take) {
      for (const safetensors_file& f : file.files())
        for (const safetensors_metadata& m : f.metadata())
          if (m.key.starts_with(key)) take(m.key.substr(key.size()));
    };
    std::size_t count = 0;
    each([&](std::string_view) { ++count; });
    std::vector<std::string_view> names;
    names.reserve(count);  // a name takes less than its entry in the file
    each([&](std::string_view name) { names.push_back(name); });
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());  // several files may say it
    return names;
  });
}

// The place of a matrix in a file, for failures.
inline std::string packed_matrix_place(const safetensors_source& file, std::string_view name) {
  return escaped(file.path().native()) + ", matrix " + escaped(name);
}

// Not yet compared with any codec. key: that of the metadata, before the name.
inline result<packed_matrix> try_find_packed(const safetensors_source& file, std::string_view name,
                                             std::string_view key = packed_matrix_key) noexcept {
  return with_memory("packed tensors", [&]() -> result<packed_matrix> {
    const auto refuse = [&](const char* what, std::uint64_t value = 0, std::uint64_t bound = 0) {
      return file_failure{what, packed_matrix_place(file, name), value, bound};
    };
    const auto said = file.try_find_metadata(std::string(key) + std::string(name));
    if (!said) return said.error();
    std::optional<std::string_view> text = *said;
    if (!text) return refuse("there is no such packed matrix");
    std::array<std::size_t, 3> numbers{};  // version, rows, cols
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), numbers[i]);
      const auto digits = static_cast<std::size_t>(end - text->data());
      if (error != std::errc() || !text->substr(digits).starts_with(' '))
        return refuse("the metadata of a packed matrix is not \"1 ROWS COLS CODEC\"");
      if (i == 0 && numbers[0] != 1) return refuse("unknown version of packed matrices", numbers[0], 1);
      text->remove_prefix(digits + 1);
    }
    return packed_matrix{*text, numbers[1], numbers[2]};
  });
}

// That the codec of a matrix is C, in the name and in what the file says of it.
template <any_codec C>
result<void> try_check_codec(const safetensors_source& file, std::string_view name, const packed_matrix& m) noexcept {
  return with_memory("packed tensors", [&]() -> result<void> {
    const auto refuse = [&](const char* what) {
      return file_failure{what, packed_matrix_place(file, name) + ", codec " + escaped(m.codec)};
    };
    if (m.codec != quern::name<C>) return refuse("the matrix is of another codec");
    const auto text = file.try_find_metadata(std::string(packed_codec_key) + std::string(m.codec));
    if (!text) return text.error();
    if (!*text) return refuse("the file does not describe the codec");
    if (**text != describe<C>()) return refuse("the file means another format by the name of the codec");
    return {};
  });
}

// The tensors of a matrix whose codec is C, which is checked, as are their sizes.
template <any_codec C>
struct packed_arrays {
  packed_matrix matrix;
  std::array<safetensors_member, C::layout::arrays> tensors{};
};
template <any_codec C>
result<packed_arrays<C>> try_find_packed_arrays(const safetensors_source& file, std::string_view name) noexcept {
  const auto m = try_find_packed(file, name);
  if (!m) return m.error();
  return with_memory("packed tensors", [&]() -> result<packed_arrays<C>> {
    const auto refuse = [&](const char* what, const std::string& of = {}, std::uint64_t value = 0,
                            std::uint64_t bound = 0) {
      return file_failure{what, packed_matrix_place(file, name) + of, value, bound};
    };
    if (const auto same = try_check_codec<C>(file, name, *m); !same) return same.error();
    packed_arrays<C> found{*m};
    std::array<std::size_t, C::layout::arrays> bytes{};
    if (!try_array_bytes<C>({m->rows, m->cols}, bytes)) return refuse("rows x cols overflows", {}, m->rows, m->cols);
    result<void> ok;
    each_array<C>([&]<std::size_t I>() {
      if (!ok) return;
      const std::string tensor = packed_tensor_name<C, I>(name);
      found.tensors[I] = file.find(tensor).value_or(safetensors_member());
      const safetensors_tensor* const t = found.tensors[I].tensor;
      if (t == nullptr) ok = refuse("the matrix has no such tensor", of_tensor(tensor));
      else if (t->dtype != safetensors_dtype::u8) ok = refuse("the tensor is not of bytes, U8", of_tensor(tensor));
      else if (t->bytes != bytes[I])
        ok = refuse("the tensor does not have the bytes of the matrix", of_tensor(tensor), t->bytes, bytes[I]);
    });
    if (!ok) return ok.error();
    return found;
  });
}

// The matrix where the file is mapped; valid as long as the file.
template <any_codec C>
result<packed_view<C>> try_view_packed(const safetensors_source& file, std::string_view name) noexcept {
  const auto found = try_find_packed_arrays<C>(file, name);
  if (!found) return found.error();
  return with_memory("packed tensors", [&]() -> result<packed_view<C>> {
    typename packed_view<C>::spans arrays;
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      if (!file.file_of(found->tensors[i]).input().is_mapped())
        return file_failure{"the file is not mapped, its matrices can only be read", packed_matrix_place(file, name)};
      aligned_bytes none;
      const auto bytes = file.try_view(found->tensors[i], none);
      if (!bytes) return bytes.error();
      arrays[i] = *bytes;
    }
    const auto view = packed_view<C>::try_make(arrays, found->matrix.rows, found->matrix.cols);
    if (!view)
      return file_failure{view.error().what, packed_matrix_place(file, name), view.error().value, view.error().bound};
    return *view;
  });
}

// The matrix, copied.
template <any_codec C>
result<packed<C>> try_read_packed(const safetensors_source& file, std::string_view name) noexcept {
  const auto found = try_find_packed_arrays<C>(file, name);
  if (!found) return found.error();
  return with_memory("packed tensors", [&]() -> result<packed<C>> {
    auto w = packed<C>::try_make(found->matrix.rows, found->matrix.cols);
    if (!w) return file_failure{w.error().what, packed_matrix_place(file, name), w.error().value, w.error().bound};
    for (std::size_t i = 0; i < found->tensors.size(); ++i)
      if (auto ok = file.try_read(found->tensors[i], 0, w->array(i)); !ok) return ok.error();
    return std::move(*w);
  });
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw file_error.
inline std::vector<std::string_view> packed_names(const safetensors_source& file) {
  return value_or_throw(try_packed_names(file));
}
inline packed_matrix find_packed(const safetensors_source& file, std::string_view name) {
  return value_or_throw(try_find_packed(file, name));
}
template <any_codec C>
packed_view<C> view_packed(const safetensors_source& file, std::string_view name) {
  return value_or_throw(try_view_packed<C>(file, name));
}
template <any_codec C>
packed<C> read_packed(const safetensors_source& file, std::string_view name) {
  return value_or_throw(try_read_packed<C>(file, name));
}
#endif

}  // namespace quern::inline v0::io
