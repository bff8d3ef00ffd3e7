// From the front of a GGUF file to an index of it: every rule of the format, checked before what it guards is used.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "quern/io/gguf_cursor.hpp"
#include "quern/io/gguf_index.hpp"

namespace quern::inline v0::io {

// Fills an index, whose front is the cursor's. Allocates as it walks, never by a number that the file states.
class gguf_parser {
 public:
  gguf_parser(gguf_cursor& cursor, gguf_index& index) noexcept : c_(cursor), to_(index) {}

  void parse() {
    preamble();
    entries();
    alignment();
    tensors();
    data();
  }

 private:
  static constexpr std::uint64_t preamble_bytes = 24;
  static constexpr std::uint64_t least_entry_bytes = 8 + 1 + 4 + 1;
  static constexpr std::uint64_t least_tensor_bytes = 8 + 1 + 4 + 4 + 8;

  void preamble() noexcept {
    constexpr std::uint32_t magic = 0x46554747;  // "GGUF"
    const std::uint64_t file_size = c_.left();
    if (!c_.has(4, "shorter than the least GGUF file")) return;
    const auto first = c_.number<std::uint32_t>();
    if (first != magic) return c_.refuse("not a GGUF file", first, magic, 0);
    if (file_size < preamble_bytes) return c_.refuse("shorter than the least GGUF file", file_size, preamble_bytes, 0);
    to_.version = c_.number<std::uint32_t>();
    if (!c_.ok()) return;
    if (to_.version != 0 && (to_.version & 0xffff) == 0)
      return c_.refuse("a big-endian GGUF file, and only little-endian ones are read", to_.version, 0, 4);
    if (to_.version == 1) return c_.refuse("version 1 of GGUF, which is obsolete and not read", 1, 0, 4);
    if (to_.version != 2 && to_.version != 3) return c_.refuse("no known version of GGUF", to_.version, 3, 4);
    tensor_count_ = c_.number<std::uint64_t>(), entry_count_ = c_.number<std::uint64_t>();
    if (!c_.ok()) return;
    if (tensor_count_ > c_.left() / least_tensor_bytes)
      return c_.refuse("more tensors than the file has room for", tensor_count_, c_.left() / least_tensor_bytes, 8);
    if (entry_count_ > c_.left() / least_entry_bytes)
      return c_.refuse("more keys than the file has room for", entry_count_, c_.left() / least_entry_bytes, 16);
  }

  void entries() {
    for (std::uint64_t i = 0; i < entry_count_ && c_.ok(); ++i) {
      to_.entries.add(c_.position());
      c_.entry(static_cast<std::size_t>(i));
    }
    if (!c_.ok()) return;
    to_.entries_end = c_.position();
    if (const auto twice = to_.entries.sort(to_.front)) {
      c_.subject("key", to_.entries.name(to_.front, *twice));
      c_.refuse("two keys have one name", 0, 0, to_.entries[*twice]);
    }
  }

  void alignment() noexcept {
    if (!c_.ok()) return;
    const auto i = to_.entries.find(to_.front, "general.alignment");
    if (!i) return;
    const gguf_value v = to_.entry(*i).value;
    c_.subject("key", "general.alignment");
    if (v.type() != gguf_value_type::uint32)
      return c_.refuse("the alignment is not a number of type UINT32", static_cast<std::uint64_t>(v.type()),
                       static_cast<std::uint64_t>(gguf_value_type::uint32), to_.entries[*i]);
    if (const char* const rule = gguf_alignment_breaks(v.bits()))
      return c_.refuse(rule, v.bits(), most_gguf_alignment, to_.entries[*i]);
    to_.alignment = static_cast<std::uint32_t>(v.bits());
  }

  void tensors() {
    for (std::uint64_t i = 0; i < tensor_count_ && c_.ok(); ++i) {
      to_.tensors.add(c_.position());
      tensor(static_cast<std::size_t>(i));
    }
    if (!c_.ok()) return;
    if (const auto twice = to_.tensors.sort(to_.front)) {
      c_.subject("tensor", to_.tensors.name(to_.front, *twice));
      c_.refuse("two tensors have one name", 0, 0, to_.tensors[*twice]);
    }
  }
  void tensor(std::size_t i) noexcept {
    c_.subject("tensor", i);
    const std::uint64_t at = c_.position();
    const std::string_view name = c_.string(most_gguf_name_bytes, "a tensor's name of more than 63 bytes");
    if (!c_.ok()) return;
    c_.subject("tensor", name.empty() ? std::string_view() : name);
    if (const char* const rule = gguf_name_breaks(name)) return c_.refuse(rule, name.size(), 0, at);
    const auto rank = c_.number<std::uint32_t>();
    if (rank > most_gguf_dims) return c_.refuse("more than 4 dimensions", rank, most_gguf_dims, c_.position() - 4);
    std::array<std::uint64_t, most_gguf_dims> dims{1, 1, 1, 1};
    for (std::uint32_t d = 0; d < rank; ++d) dims[d] = c_.number<std::uint64_t>();
    const auto type = c_.number<std::uint32_t>();
    const auto offset = c_.number<std::uint64_t>();
    if (!c_.ok()) return;
    if (const gguf_extent e = gguf_extent_of(type, dims); e.broken != nullptr)
      return c_.refuse(e.broken, e.value, e.bound, at);
    if (offset % to_.alignment != 0)
      return c_.refuse("the offset is not a multiple of the alignment", offset, to_.alignment, at);
  }

  // Data in any order and with gaps, but in the file and each byte of one tensor.
  void data() {
    if (!c_.ok()) return;
    const std::uint64_t end = c_.position(), size = end + c_.left();
    to_.data_offset = end + (to_.alignment - end % to_.alignment) % to_.alignment;
    if (to_.tensors.size() == 0) return;
    const std::uint64_t room = size - std::min(to_.data_offset, size);
    std::uint64_t previous_end = to_.data_offset;
    bool is_in_order = true;
    for (std::size_t i = 0; i < to_.tensors.size(); ++i) {
      const gguf_tensor t = to_.tensor(i);
      const std::uint64_t offset = t.offset - to_.data_offset;
      c_.subject("tensor", t.name);
      if (to_.data_offset > size) return c_.refuse("the file ends before its data", to_.data_offset, size, end);
      if (offset > room) return c_.refuse("the data begins beyond the end of the file", offset, room, to_.tensors[i]);
      if (t.bytes > room - offset)
        return c_.refuse("the data ends beyond the end of the file", t.bytes, room - offset, to_.tensors[i]);
      if (t.bytes == 0) continue;
      is_in_order &= t.offset >= previous_end;
      previous_end = t.offset + t.bytes;
    }
    if (!is_in_order) no_overlap();
  }
  void no_overlap() {
    std::vector<std::uint32_t> order;
    for (std::size_t i = 0; i < to_.tensors.size(); ++i)
      if (to_.tensor(i).bytes != 0) order.push_back(static_cast<std::uint32_t>(i));
    std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair(to_.tensor(i).offset, i); });
    std::uint64_t previous_end = 0;
    for (const std::uint32_t i : order) {
      const gguf_tensor t = to_.tensor(i);
      c_.subject("tensor", t.name);
      if (t.offset < previous_end) return c_.refuse("two tensors share bytes", t.offset, previous_end, to_.tensors[i]);
      previous_end = t.offset + t.bytes;
    }
  }

  gguf_cursor& c_;
  gguf_index& to_;
  std::uint64_t tensor_count_ = 0, entry_count_ = 0;
};

}  // namespace quern::inline v0::io
