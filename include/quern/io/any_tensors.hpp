// Packed matrices in safetensors files whose codec is known only when a file is read: found by the name that the file
// gives, in the catalogue or a list of one's own. any_view names the kernels of every codec of the list: see
// quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "quern/api/by_name.hpp"
#include "quern/io/packed_tensors.hpp"

namespace quern::inline v0::io {

// f.operator()<C>() for the codec of a matrix, which gives a result of R.
template <class R, class List, class F>
result<R> try_with_codec_of(const safetensors_source& file, std::string_view name, F f) noexcept {
  const auto m = try_find_packed(file, name);
  if (!m) return m.error();
  return with_memory("packed tensors", [&]() -> result<R> {
    result<R> out = file_failure{"no codec of the list has this name",
                                 packed_matrix_place(file, name) + ", codec " + escaped(m->codec)};
    visit<List>(m->codec, [&]<class C>() { out = f.template operator()<C>(); });
    return out;
  });
}

// As try_view_packed and try_read_packed, of the codec that the file names.
template <class List = catalog>
result<any_view> try_view_any(const safetensors_source& file, std::string_view name) noexcept {
  return try_with_codec_of<any_view, List>(file, name, [&]<class C>() -> result<any_view> {
    const auto w = try_view_packed<C>(file, name);
    if (!w) return w.error();
    return any_view(*w);
  });
}
template <class List = catalog>
result<any_packed> try_read_any(const safetensors_source& file, std::string_view name) noexcept {
  return try_with_codec_of<any_packed, List>(file, name, [&]<class C>() -> result<any_packed> {
    auto w = try_read_packed<C>(file, name);
    if (!w) return w.error();
    return any_packed(std::move(*w));
  });
}

// As try_add_packed and try_write_packed, of the codec of a view.
template <class List = catalog>
result<void> try_add_any(safetensors_contents& contents, std::string_view name, const any_view& w) noexcept {
  return with_memory("packed tensors", [&]() -> result<void> {
    result<void> out = file_failure{"no codec of the list has this name",
                                    "packed tensors, matrix " + escaped(name) + ", codec " + escaped(w.name())};
    visit<List>(w.name(), [&]<class C>() { out = try_add_packed<C>(contents, name, w.rows(), w.cols()); });
    return out;
  });
}
template <class List = catalog>
result<void> try_write_any(safetensors_writer& writer, std::string_view name, const any_view& w) noexcept {
  return with_memory("packed tensors", [&]() -> result<void> {
    const std::string where = "packed tensors, matrix " + escaped(name) + ", codec " + escaped(w.name());
    result<void> out = file_failure{"no codec of the list has this name", where};
    visit<List>(w.name(), [&]<class C>() {
      typename packed_view<C>::spans arrays;
      for (std::size_t i = 0; i < arrays.size(); ++i) arrays[i] = w.array(i);
      // Of some rows of a matrix the arrays are still those of all.
      const auto view = packed_view<C>::try_make(arrays, w.rows(), w.cols());
      if (!view) out = file_failure{"some rows of a matrix are not written; give it whole", where};
      else out = try_write_packed(writer, name, *view);
    });
    return out;
  });
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw file_error.
template <class List = catalog>
any_view view_any(const safetensors_source& file, std::string_view name) {
  return value_or_throw(try_view_any<List>(file, name));
}
template <class List = catalog>
any_packed read_any(const safetensors_source& file, std::string_view name) {
  return value_or_throw(try_read_any<List>(file, name));
}
template <class List = catalog>
void add_any(safetensors_contents& contents, std::string_view name, const any_view& w) {
  value_or_throw(try_add_any<List>(contents, name, w));
}
template <class List = catalog>
void write_any(safetensors_writer& writer, std::string_view name, const any_view& w) {
  value_or_throw(try_write_any<List>(writer, name, w));
}
#endif

}  // namespace quern::inline v0::io
