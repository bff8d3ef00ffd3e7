// What stands before the data of a GGUF file, version 2 or 3, little-endian: the metadata, and a description of each
// tensor. Everything is checked before anything is shown; then it is decoded where it is asked for.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "quern/io/failure.hpp"
#include "quern/io/gguf_cursor.hpp"
#include "quern/io/gguf_index.hpp"
#include "quern/io/gguf_parse.hpp"

namespace quern::inline v0::io {

// A view of the bytes that it was made from, valid as long as they are and do not change. Besides them it takes 8 to 12
// bytes of memory for each entry and each tensor, which is less than these take in the file.
class gguf_header {
 public:
  gguf_header() noexcept = default;

  // Of a whole file in memory. `file`: its name, for messages.
  static result<gguf_header> try_parse(std::span<const std::byte> bytes, std::string_view file = "GGUF") noexcept {
    std::uint64_t needed = 0;
    return try_parse_front(bytes, bytes.size(), file, needed);
  }
  // Of the first bytes of a file. Where it fails because they are too few, `needed` is how many it takes to come
  // further; else 0.
  static result<gguf_header> try_parse_front(std::span<const std::byte> front, std::uint64_t file_size,
                                             std::string_view file, std::uint64_t& needed) noexcept {
    needed = 0;
    return with_memory("metadata of a GGUF file", [&]() -> result<gguf_header> {
      gguf_header h;
      h.file_ = escaped(file);
      h.index_.front = front.first(static_cast<std::size_t>(std::min<std::uint64_t>(front.size(), file_size)));
      gguf_cursor cursor(h.index_.front, file_size);
      gguf_parser(cursor, h.index_).parse();
      needed = cursor.needed();
      if (!cursor.ok()) return cursor.failure(h.file_);
      return h;
    });
  }

  std::uint32_t version() const noexcept { return index_.version; }
  std::uint32_t alignment() const noexcept { return index_.alignment; }
  // Where the data of the tensors begins.
  std::uint64_t data_offset() const noexcept { return index_.data_offset; }

  // Metadata, in the order of the file. Precondition: i < entry_count().
  std::size_t entry_count() const noexcept { return index_.entries.size(); }
  gguf_entry entry(std::size_t i) const noexcept { return index_.entry(i); }
  std::optional<gguf_value> find(std::string_view key) const noexcept {
    const auto i = index_.entries.find(index_.front, key);
    if (!i) return std::nullopt;
    return entry(*i).value;
  }
  // The value of a key as a T; see gguf_value::try_get. Fails where there is no such key.
  template <class T>
  result<T> try_get(std::string_view key) const noexcept {
    return with_memory("metadata of a GGUF file", [&]() -> result<T> {
      const std::optional<gguf_value> v = find(key);
      if (!v) return file_failure{"there is no such key", file_ + ", key " + escaped(key)};
      result<T> x = v->template try_get<T>();
      if (x) return x;
      return file_failure{x.error().what, file_ + ", key " + escaped(key), x.error().value, x.error().bound};
    });
  }

  // Tensors, in the order of the file. Precondition: i < tensor_count().
  std::size_t tensor_count() const noexcept { return index_.tensors.size(); }
  gguf_tensor tensor(std::size_t i) const noexcept { return index_.tensor(i); }
  std::optional<gguf_tensor> find_tensor(std::string_view name) const noexcept {
    const auto i = index_.tensors.find(index_.front, name);
    if (!i) return std::nullopt;
    return tensor(*i);
  }

  // The name of the file, escaped; and with that of a tensor, for messages.
  const std::string& file_name() const noexcept { return file_; }
  std::string place(std::string_view tensor) const { return file_ + ", tensor " + escaped(tensor); }

#if defined(__cpp_exceptions)
  static gguf_header parse(std::span<const std::byte> bytes, std::string_view file = "GGUF") {
    return value_or_throw(try_parse(bytes, file));
  }
  template <class T>
  T get(std::string_view key) const {
    return value_or_throw(try_get<T>(key));
  }
#endif

 private:
  gguf_index index_;
  std::string file_ = "GGUF";
};

}  // namespace quern::inline v0::io
