// How the header of a safetensors file is parsed: its JSON is read twice, and then what must hold of all tensors is checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "quern/io/little_endian.hpp"
#include "quern/io/safetensors_events.hpp"
#include "quern/io/safetensors_header.hpp"

namespace quern::inline v0::io {

// That the names differ, and where each is among the tensors, which are sorted by name first.
inline const safetensors_tensor* safetensors_header::arrange_names() {
  std::vector<safetensors_tensor>& all = records_.tensors;
  std::ranges::sort(all, {}, &safetensors_tensor::name);
  const auto twice = std::ranges::adjacent_find(all, {}, &safetensors_tensor::name);
  if (twice != all.end()) return &*twice;
  for (std::size_t i = 0; i < all.size(); ++i) all[i].by_name_ = static_cast<std::uint32_t>(i);
  std::ranges::sort(all, [](const safetensors_tensor& a, const safetensors_tensor& b) {
    return std::tie(a.offset, a.bytes, a.by_name_) < std::tie(b.offset, b.bytes, b.by_name_);
  });
  // Now by_name_ says of each place which name stands there, and must say of each name at which place: the inverse of a
  // permutation, cycle after cycle, in which bit 31 is set where it is done.
  constexpr std::uint32_t done = std::uint32_t{1} << 31;
  const auto count = static_cast<std::uint32_t>(all.size());
  for (std::uint32_t first = 0; first < count; ++first)
    for (std::uint32_t at = first, name = all[at].by_name_; (name & done) == 0;)
      at = std::exchange(name, std::exchange(all[name].by_name_, at | done));
  for (safetensors_tensor& t : all) t.by_name_ &= ~done;
  return nullptr;
}

// Of what the events left: tensors and metadata in order, offsets as they are to be. [begin, end): the data.
inline result<void> safetensors_header::try_arrange(std::uint64_t begin, std::uint64_t end, std::string_view file) {
  if (const safetensors_tensor* const twice = arrange_names())
    return file_failure{"two tensors have one name", escaped(file) + of_tensor(twice->name)};

  std::uint64_t next = 0;
  for (safetensors_tensor& t : records_.tensors) {
    const auto refuse = [&](const char* what, std::uint64_t value, std::uint64_t bound) {
      return file_failure{what, escaped(file) + of_tensor(t.name), value, bound};
    };
    if (t.offset < next) return refuse("a tensor overlaps another", t.offset, next);
    if (t.offset > next) return refuse("bytes that belong to no tensor come before a tensor", t.offset, next);
    if (t.bytes > end - begin - next)
      return refuse("a tensor reaches beyond the end of the file", t.bytes, end - begin - next);
    next += t.bytes;
    t.offset += begin;
  }
  if (next != end - begin)
    return file_failure{"bytes that belong to no tensor follow the last tensor", escaped(file), end - begin, next,
                        begin + next};

  std::ranges::sort(records_.metadata, [text = records_.view()](std::uint32_t a, std::uint32_t b) {
    return safetensors_metadata_list::compare(text, a, b) < 0;
  });
  const auto again = std::ranges::adjacent_find(metadata(), {}, &safetensors_metadata::key);
  if (again != metadata().end())
    return file_failure{"a key stands twice", escaped(file) + ", metadata " + escaped((*again).key)};
  return {};
}

template <class Source>
result<safetensors_header> safetensors_header::try_parse_pieces(std::uint64_t json_bytes, const Source& source,
                                                                std::uint64_t file_bytes,
                                                                std::string_view file) noexcept {
  return with_memory("safetensors header", [&]() -> result<safetensors_header> {
    if (json_bytes > safetensors_most_header_bytes)
      return file_failure{"the header is too large", escaped(file), json_bytes, safetensors_most_header_bytes};
    if (file_bytes < 8 || file_bytes - 8 < json_bytes)
      return file_failure{"the header reaches beyond the end of the file", escaped(file), json_bytes, file_bytes};
    result<std::string_view> front = std::string_view();
    if (json_bytes != 0) front = source(0);
    if (!front) return front.error();
    if (!front->starts_with('{')) return file_failure{"the header does not begin with {", escaped(file), 0, 0, 8};
    // First it is counted, so that what is kept is allocated once, of the size that it has.
    safetensors_events counted(file, nullptr, {});
    if (auto ok = try_read_json(json_bytes, source, counted); !ok) return ok.error();
    const safetensors_counts& room = counted.counts();
    safetensors_header h;
    h.records_.text.reserve(room.text), h.records_.tensors.reserve(room.tensors);
    h.records_.metadata.reserve(room.metadata);
    safetensors_events filled(file, &h.records_, room);
    if (auto ok = try_read_json(json_bytes, source, filled); !ok) return ok.error();
    if (auto ok = h.try_arrange(8 + json_bytes, file_bytes, file); !ok) return ok.error();
    return h;
  });
}
inline result<safetensors_header> safetensors_header::try_parse(std::string_view json, std::uint64_t file_bytes,
                                                                std::string_view file) noexcept {
  const auto source = [=](std::uint64_t at) -> result<std::string_view> {
    return json.substr(static_cast<std::size_t>(at));
  };
  return try_parse_pieces(json.size(), source, file_bytes, file);
}

inline result<std::uint64_t> safetensors_header::try_length(std::span<const std::byte> first, std::uint64_t file_bytes,
                                                            std::string_view file) noexcept {
  return with_memory("safetensors header", [&]() -> result<std::uint64_t> {
    if (first.size() < 8 || file_bytes < 8)
      return file_failure{"the file has no room for the length of a header", escaped(file), file_bytes, 8};
    const std::uint64_t n = load_little(first.data(), 8);
    if (n > safetensors_most_header_bytes)
      return file_failure{"the header is too large", escaped(file), n, safetensors_most_header_bytes, 0};
    if (n > file_bytes - 8)
      return file_failure{"the header reaches beyond the end of the file", escaped(file), n, file_bytes - 8, 0};
    return n;
  });
}

inline result<safetensors_header> safetensors_header::try_parse(std::span<const std::byte> bytes,
                                                                std::string_view file) noexcept {
  const auto n = try_length(bytes, bytes.size(), file);
  if (!n) return n.error();
  const std::span<const std::byte> json = bytes.subspan(8, static_cast<std::size_t>(*n));
  return try_parse(std::string_view(reinterpret_cast<const char*>(json.data()), json.size()), bytes.size(), file);
}

}  // namespace quern::inline v0::io
