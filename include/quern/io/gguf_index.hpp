// Where the entries and the tensors of a GGUF file lie in its front, and how they are decoded and found.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "quern/io/gguf_types.hpp"
#include "quern/io/gguf_values.hpp"

namespace quern::inline v0::io {

struct gguf_entry {
  std::string_view key;
  gguf_value value;
};

// dims[0] is the length of a row, whose weights lie side by side; dims that the file does not name are 1. offset: in
// the file, not in its data. A tensor with a dimension of 0 has no bytes.
struct gguf_tensor {
  std::string_view name;
  std::array<std::uint64_t, most_gguf_dims> dims{1, 1, 1, 1};
  std::uint32_t rank = 0;
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;

  std::uint64_t cols() const noexcept { return dims[0]; }
  std::uint64_t rows() const noexcept { return dims[1] * dims[2] * dims[3]; }
  std::string_view type_name() const noexcept {
    const gguf_tensor_type* const t = find_gguf_tensor_type(type);
    return t == nullptr ? std::string_view() : t->name;
  }
};

// Things with names, in the order of the file. 4 bytes of memory for each, and 4 more when they are sorted.
class gguf_names {
 public:
  std::size_t size() const noexcept { return positions_.size(); }
  std::uint32_t operator[](std::size_t i) const noexcept { return positions_[i]; }
  // A thing that begins with its name at this position of the front.
  void add(std::uint64_t position) { positions_.push_back(static_cast<std::uint32_t>(position)); }
  std::string_view name(std::span<const std::byte> front, std::size_t i) const noexcept {
    return gguf_load_string(front.data() + positions_[i]);
  }

  // Sorted by name, so that finding takes its logarithm, whatever names a file chooses. Returns the later one of two
  // that have one name.
  std::optional<std::size_t> sort(std::span<const std::byte> front) {
    order_.resize(size());
    std::iota(order_.begin(), order_.end(), std::uint32_t{0});
    std::ranges::sort(order_, {}, [&](std::uint32_t i) { return std::pair(name(front, i), i); });
    const auto two = std::ranges::adjacent_find(order_, {}, [&](std::uint32_t i) { return name(front, i); });
    if (two == order_.end()) return std::nullopt;
    return two[1];
  }
  // Precondition: sorted.
  std::optional<std::size_t> find(std::span<const std::byte> front, std::string_view wanted) const noexcept {
    const auto at = std::ranges::lower_bound(order_, wanted, {}, [&](std::uint32_t i) { return name(front, i); });
    if (at == order_.end() || name(front, *at) != wanted) return std::nullopt;
    return *at;
  }

 private:
  std::vector<std::uint32_t> positions_, order_;
};

struct gguf_index {
  std::span<const std::byte> front;
  std::uint32_t version = 3, alignment = 32;
  std::uint64_t data_offset = 0;
  gguf_names entries, tensors;
  std::uint64_t entries_end = 0;

  // Precondition: i < entries.size().
  gguf_entry entry(std::size_t i) const noexcept {
    const std::string_view key = entries.name(front, i);
    const std::byte* const p = front.data() + entries[i] + 8 + key.size();
    const auto type = static_cast<gguf_value_type>(gguf_load<std::uint32_t>(p));
    if (type == gguf_value_type::string) return {key, gguf_load_string(p + 4)};
    if (type != gguf_value_type::array) return {key, gguf_value::number_at(type, p + 4)};
    const std::byte* const end = front.data() + (i + 1 < entries.size() ? entries[i + 1] : entries_end);
    return {key, gguf_value::array_at(static_cast<gguf_value_type>(gguf_load<std::uint32_t>(p + 4)),
                                      static_cast<std::size_t>(gguf_load<std::uint64_t>(p + 8)), {p + 16, end})};
  }
  // Precondition: i < tensors.size().
  gguf_tensor tensor(std::size_t i) const noexcept {
    gguf_tensor t;
    t.name = tensors.name(front, i);
    const std::byte* p = front.data() + tensors[i] + 8 + t.name.size();
    t.rank = gguf_load<std::uint32_t>(p), p += 4;
    for (std::uint32_t d = 0; d < t.rank; ++d, p += 8) t.dims[d] = gguf_load<std::uint64_t>(p);
    t.type = gguf_load<std::uint32_t>(p);
    t.offset = data_offset + gguf_load<std::uint64_t>(p + 4);
    t.bytes = gguf_extent_of(t.type, t.dims).bytes;
    return t;
  }
};

}  // namespace quern::inline v0::io
