// JSON from a file, read as events: nothing is kept that a reader does not keep, nothing is thrown, and what a reader
// does not expect ends the reading.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "quern/io/failure.hpp"

namespace quern::inline v0::io {

// What readers have in common. A reader is a class derived from this one with the members of nlohmann::json_sax; those
// that it does not need it inherits. They are called for one value after the other, never nested: depth costs no stack.
class json_events {
 public:
  // file: its name, for failures; begin: the byte of the file where the text begins.
  json_events(std::string_view file, std::uint64_t begin) : file_(file), begin_(begin) {}

  const file_failure& failure() const noexcept { return failure_; }
  bool refuse(const char* what, const std::string& of = {}, std::uint64_t value = 0, std::uint64_t bound = 0) {
    failure_ = {what, escaped(file_) + of, value, bound};
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& e) {
    constexpr int number_out_of_range = 406;  // nlohmann/json's number for 1e400 and the like
    refuse(e.id == number_out_of_range ? "a number is out of range" : "not JSON");
    failure_.offset = begin_ + (position == 0 ? 0 : position - 1);
    return false;
  }
  bool binary(nlohmann::json::binary_t&) { return refuse("not JSON"); }  // no part of text

 private:
  std::string_view file_;
  std::uint64_t begin_;
  file_failure failure_;
};

// ", tensor NAME", to follow the name of a file.
inline std::string of_tensor(std::string_view name) { return ", tensor " + escaped(name); }

// Reads `text`, one value and nothing else but blanks.
template <class Events>
result<void> try_read_json(std::string_view text, Events& events) {
  // nlohmann's lexer takes a zero byte for the end of the text, whatever follows.
  if (text.find('\0') != text.npos) {
    events.refuse("a zero byte in JSON");
    return events.failure();
  }
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &events)) return events.failure();
  return {};
}

// `text` as a JSON string, its quotes included; false where it is not UTF-8.
inline bool try_put_json_string(std::string& out, std::string_view text) {
  using json = nlohmann::json;
  const json value(text);
  // Both spellings are the same unless there is something to leave out or to replace.
  std::string s = value.dump(-1, ' ', false, json::error_handler_t::ignore);
  if (s != value.dump(-1, ' ', false, json::error_handler_t::replace)) return false;
  out += s;
  return true;
}

}  // namespace quern::inline v0::io
