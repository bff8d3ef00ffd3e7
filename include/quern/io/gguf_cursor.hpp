// Walks over the front of a GGUF file, of which nothing is believed: no step is taken without the bytes that it needs.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "quern/io/failure.hpp"
#include "quern/io/gguf_types.hpp"
#include "quern/io/gguf_values.hpp"

namespace quern::inline v0::io {

// After the first rule that is broken, nothing more is read, and numbers are 0.
class gguf_cursor {
 public:
  // `front`: the first bytes of a file of file_size bytes. Precondition: no more than that.
  gguf_cursor(std::span<const std::byte> front, std::uint64_t file_size) noexcept
      : front_(front), file_size_(file_size) {}

  bool ok() const noexcept { return broken_.what == nullptr; }
  std::uint64_t position() const noexcept { return position_; }
  const std::byte* here() const noexcept { return front_.data() + position_; }
  // Of the file.
  std::uint64_t left() const noexcept { return file_size_ - position_; }
  // Where the front is too short, although the file is not: how much of it is needed. Else 0.
  std::uint64_t needed() const noexcept { return needed_; }

  // What is being read, for messages: the i-th of its kind, from 0, or one whose name is known.
  void subject(const char* kind, std::size_t i) noexcept { kind_ = kind, name_ = {}, index_ = i; }
  void subject(const char* kind, std::string_view name) noexcept { kind_ = kind, name_ = name; }
  void refuse(const char* what, std::uint64_t value, std::uint64_t bound, std::uint64_t offset) noexcept {
    if (ok()) broken_ = {what, value, bound, offset};
  }
  // As refuse, at the present position, unless the rule is nullptr, which is none.
  bool keeps(const char* rule, std::uint64_t value = 0, std::uint64_t bound = 0) noexcept {
    if (rule != nullptr) refuse(rule, value, bound, position_);
    return ok();
  }
  file_failure failure(std::string_view file) const {
    std::string where(file);
    if (*kind_ != '\0') where.append(", ").append(kind_).append(" ");
    if (*kind_ != '\0') where += name_.empty() ? "number " + std::to_string(index_) : escaped(name_);
    return {broken_.what, where, broken_.value, broken_.bound, broken_.offset};
  }

  // Whether n more bytes are there; `beyond`: the rule that is broken if the file is too short for them.
  bool has(std::uint64_t n, const char* beyond) noexcept {
    if (!ok()) return false;
    if (n > left()) return keeps(beyond, n, left());
    if (n > most_gguf_metadata_bytes - position_)
      return keeps("more than 1 GiB of metadata", n, most_gguf_metadata_bytes - position_);
    if (n <= front_.size() - position_) return true;
    needed_ = position_ + n;
    return keeps("the front of the file is too short", n, front_.size() - position_);
  }
  // Precondition: has(n).
  void skip(std::uint64_t n) noexcept { position_ += n; }

  template <gguf_number T>
  T number() noexcept {
    if (!has(sizeof(T), "the file ends within its metadata")) return T{};
    const T x = gguf_load<T>(here());
    skip(sizeof(T));
    return x;
  }
  // A string that has at most `most` bytes.
  std::string_view string(std::uint64_t most, const char* too_long) noexcept {
    const std::uint64_t size = number<std::uint64_t>();
    if (size > most) refuse(too_long, size, most, position_ - 8);
    if (!has(size, "a string is longer than the rest of the file")) return {};
    const std::string_view s = gguf_load_string(here() - 8);
    skip(size);
    return s;
  }

  // The i-th key, its type, its value.
  void entry(std::size_t i) noexcept {
    subject("key", i);
    const std::string_view key = string(most_gguf_key_bytes, "a key of more than 65535 bytes");
    if (!ok()) return;
    subject("key", key);
    if (!keeps(gguf_key_breaks(key))) return;
    const auto type = static_cast<gguf_value_type>(number<std::uint32_t>());
    if (type == gguf_value_type::array) array();
    else value(type, 1, "no type of values has this number");
  }

 private:
  struct rule {
    const char* what = nullptr;
    std::uint64_t value = 0, bound = 0, offset = 0;
  };

  void array() noexcept {
    const auto element = static_cast<gguf_value_type>(number<std::uint32_t>());
    const std::uint64_t count = number<std::uint64_t>();
    if (element == gguf_value_type::array) return refuse("an array of arrays", 0, 0, position_);
    const std::uint64_t least = element == gguf_value_type::string ? 8 : gguf_value_bytes(element);
    if (least != 0 && count > left() / least)
      return refuse("an array is longer than the rest of the file", count, left() / least, position_ - 8);
    value(element, count, "no type of elements has this number");
  }
  // Precondition: the bytes of `count` numbers can be counted.
  void value(gguf_value_type type, std::uint64_t count, const char* unknown) noexcept {
    if (!ok()) return;
    if (type == gguf_value_type::string) {
      for (std::uint64_t i = 0; i < count && ok(); ++i)
        static_cast<void>(string(most_gguf_metadata_bytes, "a string of more than 1 GiB"));
      return;
    }
    const std::size_t bytes = gguf_value_bytes(type);
    if (bytes == 0) return refuse(unknown, static_cast<std::uint64_t>(type), 0, position_);
    if (!has(count * bytes, "the file ends within its metadata")) return;
    if (type == gguf_value_type::boolean) {
      for (std::uint64_t i = 0; i < count; ++i)
        if (here()[i] > std::byte{1})
          return refuse("a bool that is neither 0 nor 1", std::to_integer<std::uint64_t>(here()[i]), 1, position_ + i);
    }
    skip(count * bytes);
  }

  std::span<const std::byte> front_;
  std::uint64_t file_size_;
  std::uint64_t position_ = 0;
  std::uint64_t needed_ = 0;
  rule broken_;
  const char* kind_ = "";
  std::string_view name_;
  std::size_t index_ = 0;
};

}  // namespace quern::inline v0::io
