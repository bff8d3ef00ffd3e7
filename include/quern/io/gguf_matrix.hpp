// A tensor of a GGUF file as a matrix of the codec that its type names.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

#include "quern/api/by_name.hpp"
#include "quern/io/failure.hpp"
#include "quern/io/gguf_reader.hpp"

namespace quern::inline v0::io {

// The codec is looked for in a list. Dimensions beyond the first are rows, one after the other. `room` is used as by
// gguf_file::try_view; the view is valid as long as the file and it. Fails for types that are no codec of the list.
template <class List = catalog>
result<any_view> try_matrix(const gguf_file& file, const gguf_tensor& t, aligned_bytes& room) noexcept {
  return with_memory("a tensor of a GGUF file", [&]() -> result<any_view> {
    if (!std::in_range<std::size_t>(t.rows()) || !std::in_range<std::size_t>(t.cols()))
      return file_failure{"more rows or columns than can be addressed", file.place(t.name), t.rows(), t.cols()};
    const auto bytes = file.try_view(t, room);
    if (!bytes) return bytes.error();
    auto view = any_view::try_make<List>(static_cast<int>(t.type), *bytes, static_cast<std::size_t>(t.rows()),
                                         static_cast<std::size_t>(t.cols()));
    if (view) return *view;
    return file_failure{view.error().what, file.place(t.name), view.error().value, view.error().bound};
  });
}
#if defined(__cpp_exceptions)
template <class List = catalog>
any_view matrix(const gguf_file& file, const gguf_tensor& t, aligned_bytes& room) {
  return value_or_throw(try_matrix<List>(file, t, room));
}
#endif

}  // namespace quern::inline v0::io
