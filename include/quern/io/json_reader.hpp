// JSON (RFC 8259) from a file, by nlohmann/json, as events: the text is seen once from front to back, and no more of it is
// held than one string.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "quern/io/failure.hpp"

namespace quern::inline v0::io {

inline constexpr std::size_t json_most_depth = 64;                    // of objects and arrays in each other
inline constexpr std::size_t json_most_bytes = std::size_t{4} << 20;  // of a string or a number, as they are written

// A text, byte by byte, as the library is to see it: blanks in a row are one. It ends before what the library would let
// pass, or would hold without bound.
template <class Source>
class json_text {
 public:
  // source: see try_read_json.
  json_text(std::uint64_t size, const Source& source) : size_(size), source_(source) {}

  // Of the byte that was skipped last, or of the end once it was met.
  std::uint64_t position() const { return is_over_ ? at_ : at_ - 1; }
  // Why it ended before its end: a rule that it breaks, and a failure of the source. At most one of them is there.
  const char* rule() const { return rule_; }
  const file_failure* failure() const { return is_broken_ ? &failure_ : nullptr; }

  bool has_next() {
    if (is_over_) return false;
    if (at_ >= piece_end_) is_over_ = !next_piece();
    if (is_over_) return false;
    if (next() == '\0') rule_ = "a zero byte in JSON";
    else if (at_ == 0 && next() == '\xef') rule_ = "not JSON";  // a byte-order mark
    else if (length_ > json_most_bytes) rule_ = "a string or a number of JSON is too long";
    is_over_ = rule_ != nullptr;
    return !is_over_;
  }
  // Precondition of these: has_next().
  char next() const { return piece_[static_cast<std::size_t>(at_ - piece_begin_)]; }
  void skip() {
    const char c = next();
    ++at_, ++length_;
    if (is_string_) {
      is_string_ = is_escaped_ || c != '"';
      is_escaped_ = !is_escaped_ && c == '\\';
    } else if (c == '"') {
      is_string_ = true, length_ = 0;
    } else if (std::string_view("{}[],:").find(c) != std::string_view::npos) {
      length_ = 0;
    } else if (is_blank(c)) {
      length_ = 0;
      while (has_next() && is_blank(next())) ++at_;
    }
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  bool next_piece() {
    if (at_ == size_) return false;
    result<std::string_view> more = source_(at_);
    if (!more) {
      is_broken_ = true, failure_ = more.error();
      return false;
    }
    piece_ = *more, piece_begin_ = at_, piece_end_ = at_ + piece_.size();
    return true;
  }

  std::uint64_t size_;
  const Source& source_;
  std::uint64_t at_ = 0, piece_begin_ = 0, piece_end_ = 0, length_ = 0;  // length_: of the string or the number up to here
  std::string_view piece_;
  const char* rule_ = nullptr;
  file_failure failure_;
  bool is_string_ = false, is_escaped_ = false, is_broken_ = false, is_over_ = false;
};

// The library's way through a text. The end is where the text has no next byte.
template <class Source>
class json_iterator {
 public:
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using reference = char;
  using pointer = const char*;
  using iterator_category = std::input_iterator_tag;

  json_iterator() = default;
  explicit json_iterator(json_text<Source>& text) : text_(&text) {}

  char operator*() const { return text_->next(); }
  json_iterator& operator++() {
    text_->skip();
    return *this;
  }
  bool operator==(const json_iterator&) const { return !text_->has_next(); }

 private:
  json_text<Source>* text_ = nullptr;
};

// The library's events, passed on; see json_events.
template <class Source, class Events>
class json_handler {
 public:
  json_handler(const json_text<Source>& text, Events& events) : text_(text), events_(events) {}

  bool null() { return events_.null(); }
  bool boolean(bool b) { return events_.boolean(b); }
  bool number_unsigned(std::uint64_t n) { return events_.number_unsigned(n); }
  bool number_integer(std::int64_t n) { return events_.number_integer(n); }
  bool number_float(double x, const std::string&) { return events_.number_float(x); }
  bool string(const std::string& s) { return events_.string(s); }
  bool key(const std::string& s) { return events_.key(s); }
  bool binary(const nlohmann::json::binary_t&) { return false; }  // of no JSON
  bool start_object(std::size_t) { return open() && events_.start_object(); }
  bool end_object() { return close() && events_.end_object(); }
  bool start_array(std::size_t) { return open() && events_.start_array(); }
  bool end_array() { return close() && events_.end_array(); }

  // Whether the text did not end early; else it is refused for that.
  bool is_whole() {
    if (text_.failure() != nullptr) return events_.broken(*text_.failure());
    return text_.rule() == nullptr || events_.malformed(text_.rule(), text_.position());
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& what) {
    if (!is_whole()) return false;
    constexpr int number_overflows = 406;
    return events_.malformed(what.id == number_overflows ? "a number is out of range" : "not JSON", text_.position());
  }

 private:
  bool open() {
    return depth_++ < json_most_depth || events_.malformed("JSON is nested too deeply", text_.position());
  }
  bool close() {
    --depth_;
    return true;
  }

  const json_text<Source>& text_;
  Events& events_;
  std::size_t depth_ = 0;
};

}  // namespace quern::inline v0::io
