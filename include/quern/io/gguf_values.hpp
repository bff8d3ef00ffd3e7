// Values of GGUF's metadata: numbers, strings, arrays of either. Strings and arrays are views of bytes that lie
// elsewhere, in a file's metadata as a rule, and are decoded where they are read.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "quern/io/failure.hpp"
#include "quern/io/little_endian.hpp"

namespace quern::inline v0::io {

// Their numbers in files.
enum class gguf_value_type : std::uint32_t {
  uint8, int8, uint16, int16, uint32, int32, float32, boolean, string, array, uint64, int64, float64
};

// Of a number in a file; 0 for strings, arrays and what is no type.
constexpr std::size_t gguf_value_bytes(gguf_value_type t) noexcept {
  constexpr std::array<std::uint8_t, 13> bytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return static_cast<std::size_t>(t) < bytes.size() ? bytes[static_cast<std::size_t>(t)] : 0;
}
constexpr bool is_gguf_integer(gguf_value_type t) noexcept {
  using enum gguf_value_type;
  return gguf_value_bytes(t) != 0 && t != float32 && t != boolean && t != float64;
}

template <class T, class... Us>
concept one_of = (std::same_as<T, Us> || ...);

// What a number of a file can be in a program. Characters are no integers.
template <class T>
concept gguf_number =
    (std::integral<T> && !one_of<T, char, wchar_t, char8_t, char16_t, char32_t>) || one_of<T, float, double>;

template <gguf_number T>
inline constexpr gguf_value_type gguf_value_type_of = [] {
  using enum gguf_value_type;
  if constexpr (std::same_as<T, bool>) return boolean;
  else if constexpr (std::same_as<T, float>) return float32;
  else if constexpr (std::same_as<T, double>) return float64;
  else if constexpr (sizeof(T) == 1) return std::is_signed_v<T> ? int8 : uint8;
  else if constexpr (sizeof(T) == 2) return std::is_signed_v<T> ? int16 : uint16;
  else if constexpr (sizeof(T) == 4) return std::is_signed_v<T> ? int32 : uint32;
  else return std::is_signed_v<T> ? int64 : uint64;
}();

// ---- numbers of 1 to 8 bytes, little-endian, at any address ----

template <gguf_number T>
T gguf_number_of(std::uint64_t bits) noexcept {
  if constexpr (std::same_as<T, bool>) return bits != 0;
  else if constexpr (std::same_as<T, float>) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  else if constexpr (std::same_as<T, double>) return std::bit_cast<double>(bits);
  else return static_cast<T>(bits);
}
template <gguf_number T>
std::uint64_t gguf_bits_of(T x) noexcept {
  if constexpr (std::same_as<T, bool>) return x ? 1 : 0;
  else if constexpr (std::same_as<T, float>) return std::bit_cast<std::uint32_t>(x);
  else if constexpr (std::same_as<T, double>) return std::bit_cast<std::uint64_t>(x);
  else return static_cast<std::make_unsigned_t<T>>(x);
}
template <gguf_number T>
T gguf_load(const std::byte* p) noexcept {
  return gguf_number_of<T>(load_little(p, sizeof(T)));
}
// u64 length, bytes.
inline std::string_view gguf_load_string(const std::byte* p) noexcept {
  return {reinterpret_cast<const char*>(p + 8), static_cast<std::size_t>(gguf_load<std::uint64_t>(p))};
}

// ---- arrays ----

// Numbers of one type.
template <gguf_number T>
class gguf_array {
 public:
  gguf_array() noexcept = default;
  explicit gguf_array(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
  std::size_t size() const noexcept { return bytes_.size() / sizeof(T); }
  // Precondition: i < size().
  T operator[](std::size_t i) const noexcept { return gguf_load<T>(bytes_.data() + i * sizeof(T)); }

 private:
  std::span<const std::byte> bytes_;
};

// Strings one after the other: a range of std::string_view. One in the middle is found by walking.
class gguf_strings {
 public:
  class iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;
    iterator() noexcept = default;
    explicit iterator(const std::byte* p) noexcept : p_(p) {}
    std::string_view operator*() const noexcept { return gguf_load_string(p_); }
    iterator& operator++() noexcept {
      p_ += 8 + (**this).size();
      return *this;
    }
    iterator operator++(int) noexcept {
      const iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const iterator&) const noexcept = default;

   private:
    const std::byte* p_ = nullptr;
  };

  gguf_strings() noexcept = default;
  gguf_strings(std::span<const std::byte> bytes, std::size_t count) noexcept : bytes_(bytes), count_(count) {}
  std::size_t size() const noexcept { return count_; }
  iterator begin() const noexcept { return iterator(bytes_.data()); }
  iterator end() const noexcept { return iterator(bytes_.data() + bytes_.size()); }

 private:
  std::span<const std::byte> bytes_;
  std::size_t count_ = 0;
};

// ---- a value ----

class gguf_value {
 public:
  gguf_value() noexcept = default;  // the number 0, of 1 byte
  template <gguf_number T>
  gguf_value(T x) noexcept : type_(gguf_value_type_of<T>), bits_(gguf_bits_of(x)) {}
  // The characters are not copied.
  template <class S>
    requires std::convertible_to<const S&, std::string_view>
  gguf_value(const S& s) noexcept : type_(gguf_value_type::string) {
    const std::string_view view = s;
    bytes_ = std::as_bytes(std::span(view.data(), view.size())), count_ = bytes_.size();
  }
  // What a file holds. Precondition: of numbers, gguf_value_bytes(type) bytes; of an array's elements, `count` of them.
  static gguf_value number_at(gguf_value_type type, const std::byte* p) noexcept {
    gguf_value v;
    v.type_ = type, v.bits_ = load_little(p, gguf_value_bytes(type));
    return v;
  }
  static gguf_value array_at(gguf_value_type element, std::size_t count, std::span<const std::byte> bytes) noexcept {
    gguf_value v;
    v.type_ = gguf_value_type::array, v.element_ = element, v.count_ = count, v.bytes_ = bytes;
    return v;
  }

  gguf_value_type type() const noexcept { return type_; }
  bool is_array() const noexcept { return type_ == gguf_value_type::array; }
  // Of an array: its elements' type, and how many there are.
  gguf_value_type element_type() const noexcept { return element_; }
  std::size_t count() const noexcept { return is_array() ? count_ : 1; }
  // Of a number: its bits as the file has them, sign not extended.
  std::uint64_t bits() const noexcept { return bits_; }
  // Of a string its characters; of an array its elements as the file has them: numbers little-endian, strings each
  // behind its length in 8 bytes.
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

  // T is
  //   bool;
  //   an integer: of any integer that it can hold;
  //   float or double: of either, where float can hold the number;
  //   std::string_view;
  //   gguf_array<U>: of an array with elements of exactly that type;
  //   gguf_strings.
  // Everything else is refused. Views are valid as long as the bytes.
  template <class T>
  result<T> try_get() const noexcept {
    if constexpr (std::same_as<T, std::string_view>) {
      if (type_ != gguf_value_type::string) return other_type("the value is not a string");
      return std::string_view(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
    } else if constexpr (std::same_as<T, gguf_strings>) {
      if (!is_array() || element_ != gguf_value_type::string) return other_type("the value is not an array of strings");
      return gguf_strings(bytes_, count_);
    } else if constexpr (gguf_number<T>) {
      return try_number<T>();
    } else {
      return try_array(static_cast<const T*>(nullptr));
    }
  }
  // Element i of an array of numbers, converted as by try_get.
  template <gguf_number T>
  result<T> try_at(std::size_t i) const noexcept {
    if (!is_array()) return other_type("the value is not an array");
    if (element_ == gguf_value_type::string) return other_type("the elements are strings, not numbers");
    if (i >= count_) return file_failure{"beyond the end of the array", "metadata", i, count_};
    return number_at(element_, bytes_.data() + i * gguf_value_bytes(element_)).try_get<T>();
  }
#if defined(__cpp_exceptions)
  template <class T>
  T get() const {
    return value_or_throw(try_get<T>());
  }
  template <gguf_number T>
  T at(std::size_t i) const {
    return value_or_throw(try_at<T>(i));
  }
#endif

  // Of the same type, and the same to the bit.
  friend bool operator==(const gguf_value& a, const gguf_value& b) noexcept {
    return a.type_ == b.type_ && a.element_ == b.element_ && a.count_ == b.count_ && a.bits_ == b.bits_ &&
           a.bytes_.size() == b.bytes_.size() &&
           (a.bytes_.empty() || std::memcmp(a.bytes_.data(), b.bytes_.data(), a.bytes_.size()) == 0);
  }

 private:
  file_failure other_type(const char* what) const noexcept {
    return {what, "metadata", static_cast<std::uint64_t>(is_array() ? element_ : type_)};
  }
  template <class U>
  result<gguf_array<U>> try_array(const gguf_array<U>*) const noexcept {
    if (!is_array()) return other_type("the value is not an array");
    if (element_ != gguf_value_type_of<U>) return other_type("the array's elements are of another type");
    return gguf_array<U>(bytes_);
  }
  template <class T>
  result<T> try_number() const noexcept {
    if constexpr (std::same_as<T, bool>) {
      if (type_ != gguf_value_type::boolean) return other_type("the value is not a bool");
      return bits_ != 0;
    } else if constexpr (std::integral<T>) {
      if (!is_gguf_integer(type_)) return other_type("the value is not an integer");
      const bool fits = type_ == gguf_value_type::uint64 ? std::in_range<T>(bits_) : std::in_range<T>(as_signed());
      if (!fits) return file_failure{"the integer does not fit", "metadata", bits_};
      return static_cast<T>(as_signed());
    } else {
      if (type_ == gguf_value_type::float32) return static_cast<T>(gguf_number_of<float>(bits_));
      if (type_ != gguf_value_type::float64) return other_type("the value is not a float");
      const double x = gguf_number_of<double>(bits_);
      if constexpr (std::same_as<T, float>) {
        if (x == x && !is_float(x)) return file_failure{"the number does not fit a float", "metadata", bits_};
      }
      return static_cast<T>(x);
    }
  }
  static bool is_float(double x) noexcept {
    constexpr double largest = std::numeric_limits<float>::max(), infinity = std::numeric_limits<double>::infinity();
    const double magnitude = x < 0 ? -x : x;
    return magnitude > largest ? magnitude == infinity : static_cast<double>(static_cast<float>(x)) == x;
  }
  std::int64_t as_signed() const noexcept {
    switch (type_) {
      case gguf_value_type::int8: return static_cast<std::int8_t>(bits_);
      case gguf_value_type::int16: return static_cast<std::int16_t>(bits_);
      case gguf_value_type::int32: return static_cast<std::int32_t>(bits_);
      default: return static_cast<std::int64_t>(bits_);
    }
  }

  gguf_value_type type_ = gguf_value_type::uint8;
  gguf_value_type element_ = gguf_value_type::uint8;  // uint8 for what is no array
  std::uint64_t bits_ = 0;
  std::span<const std::byte> bytes_;
  std::size_t count_ = 0;
};

}  // namespace quern::inline v0::io
