// The header of a safetensors file: what tensors there are, and where. Parsed from memory; nothing else of the file is
// looked at.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "quern/io/failure.hpp"
#include "quern/io/safetensors_types.hpp"

namespace quern::inline v0::io {

// Valid as long as the header it is from.
struct safetensors_tensor {
  std::string_view name;  // UTF-8, may be empty or hold any character
  safetensors_dtype dtype = safetensors_dtype::u8;
  std::span<const std::uint64_t> shape;  // row-major; none for a scalar
  std::uint64_t offset = 0;              // of the file, where its bytes begin
  std::uint64_t bytes = 0;               // those of its shape
};
struct safetensors_metadata {
  std::string_view key, value;
};

// Invariant: the tensors have different names, and their bytes follow each other from the end of the header to the end
// of the file, without holes or overlaps. So offset + bytes of each is not more than the size of the file.
class safetensors_header {
 public:
  // Of a whole file in memory. Offsets are those in `bytes`.
  static result<safetensors_header> try_parse(std::span<const std::byte> bytes,
                                              std::string_view file = "safetensors") noexcept;
  // Of the JSON at bytes [8, 8 + json.size()) of a file.
  static result<safetensors_header> try_parse(std::string_view json, std::uint64_t file_bytes,
                                              std::string_view file = "safetensors") noexcept;
  // The length of the JSON, from the first 8 bytes of a file.
  static result<std::uint64_t> try_length(std::span<const std::byte> first, std::uint64_t file_bytes,
                                          std::string_view file = "safetensors") noexcept;

  safetensors_header() noexcept = default;
  safetensors_header(safetensors_header&&) noexcept = default;
  safetensors_header& operator=(safetensors_header&&) noexcept = default;
  safetensors_header(const safetensors_header&) = delete;  // its tensors are views into it

  // In the order of their bytes; empty ones before the one that begins at the same byte, and by name.
  std::span<const safetensors_tensor> tensors() const noexcept { return tensors_; }
  // In the order of their keys.
  std::span<const safetensors_metadata> metadata() const noexcept { return metadata_; }
  // Null where there is none.
  const safetensors_tensor* find(std::string_view name) const noexcept {
    const auto at = std::ranges::lower_bound(by_name_, name, {}, [&](std::size_t i) { return tensors_[i].name; });
    return at != by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
  }
  std::optional<std::string_view> find_metadata(std::string_view key) const noexcept {
    const auto at = std::ranges::lower_bound(metadata_, key, {}, &safetensors_metadata::key);
    if (at == metadata_.end() || at->key != key) return {};
    return at->value;
  }

#if defined(__cpp_exceptions)
  // As the try_ spellings; throw file_error.
  static safetensors_header parse(std::span<const std::byte> bytes, std::string_view file = "safetensors") {
    return value_or_throw(try_parse(bytes, file));
  }
  static safetensors_header parse(std::string_view json, std::uint64_t file_bytes,
                                  std::string_view file = "safetensors") {
    return value_or_throw(try_parse(json, file_bytes, file));
  }
  static std::uint64_t length(std::span<const std::byte> first, std::uint64_t file_bytes,
                              std::string_view file = "safetensors") {
    return value_or_throw(try_length(first, file_bytes, file));
  }
#endif

 private:
  friend class safetensors_events;
  result<void> try_arrange(std::uint64_t begin, std::uint64_t end, std::string_view file);

  std::vector<char> text_;  // names, keys and values; moved, it stays where it is
  std::vector<std::uint64_t> extents_;
  std::vector<safetensors_tensor> tensors_;
  std::vector<std::size_t> by_name_;
  std::vector<safetensors_metadata> metadata_;
};

}  // namespace quern::inline v0::io

#include "quern/io/safetensors_parse.hpp"
