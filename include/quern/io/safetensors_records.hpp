// What is kept of the header of a safetensors file: as little as its text has bytes, or less.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ranges>
#include <span>
#include <string_view>
#include <vector>

#include "quern/io/safetensors_shape.hpp"

namespace quern::inline v0::io {

// Valid as long as the header it is from.
struct safetensors_tensor {
  std::string_view name;  // UTF-8, may be empty or hold any character
  safetensors_shape shape;
  std::uint64_t offset = 0;  // of the file, where its bytes begin
  std::uint64_t bytes = 0;   // those of its shape
  safetensors_dtype dtype = safetensors_dtype::u8;

 private:
  friend class safetensors_header;
  std::uint32_t by_name_ = 0;  // of the i-th: where among the tensors the i-th by name is
};
static_assert(sizeof(safetensors_tensor) <= 48);  // the rule for memory of safetensors_header
struct safetensors_metadata {
  std::string_view key, value;
};

// Entries, made where they are asked for. Valid as long as the header.
class safetensors_metadata_list {
 public:
  // Key and value lie one after the other in the header's text, each with this byte behind it, which is in no UTF-8.
  static constexpr char end_of_text = '\xff';
  static std::string_view text_at(std::string_view text, std::size_t at) noexcept {
    const std::string_view rest = text.substr(at);
    return rest.substr(0, rest.find(end_of_text));
  }
  // The text, or so much of it as tells it from one of `most` bytes.
  static std::string_view text_at(std::string_view text, std::size_t at, std::size_t most) noexcept {
    return text_at(text.substr(0, most < text.size() - at ? at + most + 1 : text.size()), at);
  }
  // The order of the texts at a and b by their bytes. No more of them is read than is the same in both.
  static std::strong_ordering compare(std::string_view text, std::size_t a, std::size_t b) noexcept {
    while (text[a] == text[b] && text[a] != end_of_text) ++a, ++b;
    const auto rank = [&](std::size_t i) {
      return text[i] == end_of_text ? -1 : static_cast<int>(static_cast<unsigned char>(text[i]));
    };
    return rank(a) <=> rank(b);
  }

  class iterator {
   public:
    using value_type = safetensors_metadata;
    using difference_type = std::ptrdiff_t;
    using reference = safetensors_metadata;
    using pointer = void;
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;

    iterator() noexcept = default;
    safetensors_metadata operator*() const noexcept { return entry(text_, *at_); }
    iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++at_;
      return before;
    }
    bool operator==(const iterator&) const noexcept = default;

   private:
    friend class safetensors_metadata_list;
    iterator(std::string_view text, const std::uint32_t* at) noexcept : text_(text), at_(at) {}
    std::string_view text_;
    const std::uint32_t* at_ = nullptr;
  };

  // text: a header's; at: where in it each begins, as put there by safetensors_events.
  safetensors_metadata_list(std::string_view text, std::span<const std::uint32_t> at) noexcept : text_(text), at_(at) {}

  std::size_t size() const noexcept { return at_.size(); }
  bool empty() const noexcept { return at_.empty(); }
  iterator begin() const noexcept { return {text_, at_.data()}; }
  iterator end() const noexcept { return {text_, at_.data() + at_.size()}; }
  // Precondition: i < size().
  safetensors_metadata operator[](std::size_t i) const noexcept { return entry(text_, at_[i]); }

 private:
  static safetensors_metadata entry(std::string_view text, std::size_t at) noexcept {
    const std::string_view key = text_at(text, at);
    return {key, text_at(text, at + key.size() + 1)};
  }
  std::string_view text_;
  std::span<const std::uint32_t> at_;
};

struct safetensors_records {
  std::vector<char> text;  // names, each with its shape behind it; and metadata. Moved, it stays where it is
  std::vector<safetensors_tensor> tensors;
  std::vector<std::uint32_t> metadata;  // where in the text each begins

  std::string_view view() const noexcept { return {text.data(), text.size()}; }
  std::string_view text_at(std::uint32_t at, std::size_t most) const noexcept {
    return safetensors_metadata_list::text_at(view(), at, most);
  }
};

}  // namespace quern::inline v0::io

// Its iterators do not need it.
template <>
inline constexpr bool std::ranges::enable_borrowed_range<quern::io::safetensors_metadata_list> = true;
