// A text of JSON (RFC 8259) becomes events. It is seen once from front to back, a byte at a time; nothing is allocated,
// whatever its length and depth.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "quern/io/failure.hpp"

namespace quern::inline v0::io {

inline constexpr std::size_t json_most_depth = 64;      // of objects and arrays in each other
inline constexpr std::size_t json_most_digits = 1'000;  // bytes of a number

// The events, each of which says whether reading goes on:
//   null()  boolean(bool)  number_unsigned(std::uint64_t)  number_integer(std::int64_t)  number_float(double)
//   string()  key()  start_object()  end_object()  start_array()  end_array()
// number_integer: of those with a minus sign; number_float: also of integers that the other two cannot hold. What
// string() and key() mean came before them by begin_string() and put(char), as UTF-8. malformed(rule, position) and
// broken(file_failure) are called at most once, and last; they return false.
template <class Source, class Events>
class json_reader {
 public:
  // source: see try_read_json.
  json_reader(std::uint64_t size, const Source& source, Events& events)
      : size_(size), source_(source), events_(events) {}

  // Whether it is one value and nothing else but blanks, and no event ended the reading.
  bool read() {
    for (bool is_value = true;;) {
      const int c = token();
      if (is_value) {
        if (c == '{' || c == '[') {
          if (!open(c == '{')) return false;
          if (token() == closing()) is_value = false;  // which the next turn takes
          else if (is_object() && !key()) return false;
          continue;
        }
        if (!scalar(c)) return false;
        is_value = false;
      } else if (depth_ == 0) {
        return (c == end && !is_broken_) || bad();
      } else if (c == closing()) {
        ++at_;
        if (!close()) return false;
      } else {
        if (c != ',') return bad();
        ++at_;
        if (is_object() && !key()) return false;
        is_value = true;
      }
    }
  }

 private:
  static constexpr int end = -1;

  // The byte at at_, or `end`: there is none, or it cannot be read.
  int peek() {
    if (at_ >= piece_end_) {
      if (at_ == size_ || is_broken_) return end;
      const result<std::string_view> more = source_(at_);
      if (!more) {
        is_broken_ = true;
        events_.broken(more.error());
        return end;
      }
      piece_ = *more, piece_begin_ = at_, piece_end_ = at_ + piece_.size();
    }
    return static_cast<unsigned char>(piece_[static_cast<std::size_t>(at_ - piece_begin_)]);
  }
  // The first byte that is no blank.
  int token() {
    for (;; ++at_)
      if (const int c = peek(); c != ' ' && c != '\t' && c != '\n' && c != '\r') return c;
  }
  bool bad() {
    if (is_broken_) return false;
    return events_.malformed(peek() == 0 ? "a zero byte in JSON" : "not JSON", at_);
  }
  bool take(std::string_view word) {
    for (const char c : word) {
      if (peek() != static_cast<unsigned char>(c)) return bad();
      ++at_;
    }
    return true;
  }

  // One bit for each level, the innermost at the end.
  bool is_object() const { return (objects_ & 1) != 0; }
  int closing() const { return is_object() ? '}' : ']'; }
  bool open(bool as_object) {
    if (depth_ == json_most_depth) return events_.malformed("JSON is nested too deeply", at_);
    ++at_, ++depth_;
    objects_ = objects_ << 1 | (as_object ? 1 : 0);
    return as_object ? events_.start_object() : events_.start_array();
  }
  bool close() {
    const bool was_object = is_object();
    --depth_;
    objects_ >>= 1;
    return was_object ? events_.end_object() : events_.end_array();
  }

  // With the colon behind it.
  bool key() {
    if (token() != '"') return bad();
    if (!string() || !events_.key()) return false;
    if (token() != ':') return bad();
    ++at_;
    return true;
  }
  bool scalar(int c) {
    switch (c) {
      case '"':
        return string() && events_.string();
      case 't':
        return take("true") && events_.boolean(true);
      case 'f':
        return take("false") && events_.boolean(false);
      case 'n':
        return take("null") && events_.null();
      default:
        return number();
    }
  }

  // ---- strings ----

  // Precondition: the byte is a quote.
  bool string() {
    ++at_;
    events_.begin_string();
    for (;;) {
      const int c = peek();
      if (c < 0x20) return bad();  // also where the text ends
      if (c >= 0x80) {
        if (!utf8(static_cast<unsigned>(c))) return false;
        continue;
      }
      ++at_;
      if (c == '"') return true;
      if (c != '\\') events_.put(static_cast<char>(c));
      else if (!escape()) return false;
    }
  }
  // A character of several bytes, the first of which is `lead`: none that is longer than it need be, no surrogate, none
  // beyond U+10FFFF.
  bool utf8(unsigned lead) {
    if (lead < 0xc2 || lead > 0xf4) return bad();
    const unsigned more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    int least = 0x80, most = 0xbf;  // of the next byte
    if (lead == 0xe0) least = 0xa0;
    if (lead == 0xed) most = 0x9f;
    if (lead == 0xf0) least = 0x90;
    if (lead == 0xf4) most = 0x8f;
    events_.put(static_cast<char>(lead));
    ++at_;
    for (unsigned i = 0; i < more; ++i) {
      const int c = peek();
      if (c < least || c > most) return bad();
      events_.put(static_cast<char>(c));
      ++at_;
      least = 0x80, most = 0xbf;
    }
    return true;
  }
  // What follows a backslash.
  bool escape() {
    const int c = peek();
    if (c == 'u') {
      ++at_;
      return unicode();
    }
    constexpr std::string_view written = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
    const std::size_t i = c > 0 ? written.find(static_cast<char>(c)) : written.npos;
    if (i == written.npos) return bad();
    events_.put(meant[i]);
    ++at_;
    return true;
  }
  bool unicode() {
    std::uint32_t code = 0;
    if (!hex(code)) return false;
    if (code >= 0xdc00 && code < 0xe000) return bad();
    if (code >= 0xd800 && code < 0xdc00) {
      std::uint32_t low = 0;
      if (!take("\\u") || !hex(low)) return false;
      if (low < 0xdc00 || low >= 0xe000) return bad();
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    const auto put = [&](std::uint32_t byte) { events_.put(static_cast<char>(byte)); };
    const auto put_rest = [&](unsigned count) {
      while (count-- != 0) put(0x80 | (code >> 6 * count & 0x3f));
    };
    if (code < 0x80) put(code);
    else if (code < 0x800) put(0xc0 | code >> 6), put_rest(1);
    else if (code < 0x10000) put(0xe0 | code >> 12), put_rest(2);
    else put(0xf0 | code >> 18), put_rest(3);
    return true;
  }
  bool hex(std::uint32_t& code) {
    for (int i = 0; i < 4; ++i) {
      const int c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return bad();
      code = code << 4 | static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return true;
  }

  // ---- numbers ----

  bool number() {
    const std::uint64_t begin = at_;
    std::size_t n = 0;
    bool is_integer = true;
    const auto next = [&] {
      if (n < digits_.size()) digits_[n] = static_cast<char>(peek());
      ++n, ++at_;
    };
    const auto digits = [&] {
      const std::uint64_t first = at_;
      while (peek() >= '0' && peek() <= '9') next();
      return at_ != first || bad();
    };
    if (peek() == '-') next();
    if (peek() == '0') next();
    else if (!digits()) return false;
    if (peek() == '.') {
      is_integer = false, next();
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      is_integer = false, next();
      if (peek() == '+' || peek() == '-') next();
      if (!digits()) return false;
    }
    if (is_broken_) return false;
    if (n > digits_.size()) return events_.malformed("a number of too many digits", begin);
    const char *const first = digits_.data(), *const last = first + n;
    if (is_integer && digits_[0] == '-') {
      std::int64_t x = 0;
      if (std::from_chars(first, last, x).ec == std::errc()) return events_.number_integer(x);
    } else if (is_integer) {
      std::uint64_t x = 0;
      if (std::from_chars(first, last, x).ec == std::errc()) return events_.number_unsigned(x);
    }
    const auto x = nlohmann::json::parse(first, last, nullptr, false);
    if (!x.is_number()) return events_.malformed("a number is out of range", begin);
    return events_.number_float(x.template get<double>());
  }

  std::uint64_t size_;
  const Source& source_;
  Events& events_;
  std::uint64_t at_ = 0, piece_begin_ = 0, piece_end_ = 0;
  std::string_view piece_;
  std::uint64_t objects_ = 0;
  std::size_t depth_ = 0;
  bool is_broken_ = false;
  std::array<char, json_most_digits> digits_;
};

}  // namespace quern::inline v0::io
