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
#include <vector>

#include "quern/io/failure.hpp"
#include "quern/io/safetensors_records.hpp"

namespace quern::inline v0::io {

// Invariant: the tensors have different names, and their bytes follow each other from the end of the header to the end
// of the file, without holes or overlaps. So offset + bytes of each is not more than the size of the file.
//
// Memory: names, shapes and metadata in one text, 48 bytes for each tensor and 4 for each entry of metadata. Together that
// is no more than the length of the JSON, whatever is in it, and parsing takes no more than that and 8 KiB.
class safetensors_header {
 public:
  // Of a whole file in memory. Offsets are those in `bytes`.
  static result<safetensors_header> try_parse(std::span<const std::byte> bytes,
                                              std::string_view file = "safetensors") noexcept;
  // Of the JSON at bytes [8, 8 + json.size()) of a file.
  static result<safetensors_header> try_parse(std::string_view json, std::uint64_t file_bytes,
                                              std::string_view file = "safetensors") noexcept;
  // The same, of JSON that is read in pieces. source: as of try_read_json; it is read twice.
  template <class Source>
  static result<safetensors_header> try_parse_pieces(std::uint64_t json_bytes, const Source& source,
                                                     std::uint64_t file_bytes, std::string_view file) noexcept;
  // The length of the JSON, from the first 8 bytes of a file.
  static result<std::uint64_t> try_length(std::span<const std::byte> first, std::uint64_t file_bytes,
                                          std::string_view file = "safetensors") noexcept;

  safetensors_header() noexcept = default;
  safetensors_header(safetensors_header&&) noexcept = default;
  safetensors_header& operator=(safetensors_header&&) noexcept = default;
  safetensors_header(const safetensors_header&) = delete;  // its tensors are views into it

  // In the order of their bytes; empty ones before the one that begins at the same byte, and by name.
  std::span<const safetensors_tensor> tensors() const noexcept { return records_.tensors; }
  // In the order of their keys.
  safetensors_metadata_list metadata() const noexcept { return {records_.view(), records_.metadata}; }
  // Null where there is none.
  const safetensors_tensor* find(std::string_view name) const noexcept {
    const std::vector<safetensors_tensor>& all = records_.tensors;
    const auto at =
        std::ranges::lower_bound(all, name, {}, [&](const safetensors_tensor& t) { return all[t.by_name_].name; });
    return at != all.end() && all[at->by_name_].name == name ? &all[at->by_name_] : nullptr;
  }
  std::optional<std::string_view> find_metadata(std::string_view key) const noexcept {
    const std::vector<std::uint32_t>& all = records_.metadata;
    const auto text = [&](std::uint32_t i) { return records_.text_at(i, key.size()); };
    const auto at = std::ranges::lower_bound(all, key, {}, text);
    if (at == all.end() || text(*at) != key) return {};
    return metadata()[static_cast<std::size_t>(at - all.begin())].value;
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
  result<void> try_arrange(std::uint64_t begin, std::uint64_t end, std::string_view file);
  const safetensors_tensor* arrange_names();  // one of two that have one name; else null

  safetensors_records records_;
};

}  // namespace quern::inline v0::io

#include "quern/io/safetensors_parse.hpp"
