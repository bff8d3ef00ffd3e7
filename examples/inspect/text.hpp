// Numbers, names and metadata as text. All that comes from a file is escaped.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/gguf_values.hpp>
#include <quern/io/little_endian.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace inspect {

inline constexpr std::size_t most_text = 72;     // bytes of a value that are shown
inline constexpr std::size_t most_elements = 4;  // of an array

// The shortest decimals that are this number and no other.
template <class T>
std::string shortest(T x) {
  std::array<char, 64> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), x).ptr};
}
inline std::string fixed(double x, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, x);
  return text.data();
}

inline std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string s;
  for (const std::uint64_t extent : shape) s += (s.empty() ? "" : " x ") + std::to_string(extent);
  return s.empty() ? "scalar" : s;
}

// In quotes; of a long one the beginning, and how many bytes it has.
inline std::string quoted(std::string_view text) {
  std::string s = "\"" + quern::io::escaped(text.substr(0, most_text)) + "\"";
  return text.size() > most_text ? s + "... (" + std::to_string(text.size()) + " bytes)" : s;
}

inline std::string_view type_name(quern::io::gguf_value_type t) {
  constexpr std::array<std::string_view, 13> names{"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                   "bool", "string", "array", "u64", "i64", "f64"};
  const auto i = static_cast<std::size_t>(t);
  return i < names.size() ? names[i] : "?";
}

inline std::string number_of(quern::io::gguf_value_type type, std::uint64_t bits) {
  using enum quern::io::gguf_value_type;
  switch (type) {
    case boolean:
      return bits != 0 ? "true" : "false";
    case float32:
      return shortest(quern::io::gguf_number_of<float>(bits));
    case float64:
      return shortest(quern::io::gguf_number_of<double>(bits));
    case int8:
      return shortest(static_cast<int>(static_cast<std::int8_t>(bits)));
    case int16:
      return shortest(static_cast<std::int16_t>(bits));
    case int32:
      return shortest(static_cast<std::int32_t>(bits));
    case int64:
      return shortest(static_cast<std::int64_t>(bits));
    default:
      return shortest(bits);
  }
}

// "u32", "string", "f32[12]".
inline std::string type_text(const quern::io::gguf_value& v) {
  if (!v.is_array()) return std::string(type_name(v.type()));
  return std::string(type_name(v.element_type())) + "[" + std::to_string(v.count()) + "]";
}

inline std::string value_text(const quern::io::gguf_value& v) {
  if (const auto text = v.try_get<std::string_view>()) return quoted(*text);
  if (!v.is_array()) return number_of(v.type(), v.bits());
  std::string s;
  std::size_t shown = 0;
  const auto add = [&](const std::string& element) { s += (shown++ == 0 ? "" : ", ") + element; };
  if (const auto strings = v.try_get<quern::io::gguf_strings>()) {
    for (const std::string_view text : *strings) {
      if (shown == most_elements) break;
      add(quoted(text));
    }
  } else {
    const std::size_t size = quern::io::gguf_value_bytes(v.element_type());
    for (std::size_t i = 0; size != 0 && i < std::min(v.count(), most_elements); ++i)
      add(number_of(v.element_type(), quern::io::load_little(v.bytes().data() + i * size, size)));
  }
  return s + (v.count() > shown ? ", ..." : "");
}

// A table with columns as wide as what is in them; the last one is as long as it is.
class table {
 public:
  // right: columns whose text ends at one place.
  explicit table(std::string_view right) : right_(right) {}
  void add(std::vector<std::string> row) {
    width_.resize(std::max(width_.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) width_[i] = std::max(width_[i], std::min(row[i].size(), most_width));
    rows_.push_back(std::move(row));
  }
  void print() const {
    for (const std::vector<std::string>& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string blanks(width_[i] - std::min(row[i].size(), width_[i]), ' ');
        const bool right = i < right_.size() && right_[i] == 'r';
        line += (i == 0 ? "" : "  ") + (right ? blanks + row[i] : row[i] + blanks);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      std::puts(line.c_str());
    }
  }

 private:
  static constexpr std::size_t most_width = 64;  // a longer cell moves the rest of its line
  std::string_view right_;
  std::vector<std::size_t> width_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace inspect
