// JSON from a file, read as events: nothing is kept that a reader does not keep, nothing is thrown, and what a reader
// does not expect ends the reading.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "quern/io/failure.hpp"
#include "quern/io/json_reader.hpp"

namespace quern::inline v0::io {

// What readers have in common. A reader is a class derived from this one with the events as members, each of which says
// whether reading goes on:
//   null()  boolean(bool)  number_unsigned(std::uint64_t)  number_integer(std::int64_t)  number_float(double)
//   string(std::string_view)  key(std::string_view)  start_object()  end_object()  start_array()  end_array()
// number_integer: of those with a minus sign; number_float: also of integers that the other two cannot hold. Strings are
// UTF-8. They are called for one value after the other, never nested: depth costs no stack.
class json_events {
 public:
  // file: its name, for failures; begin: the byte of the file where the text begins.
  json_events(std::string_view file, std::uint64_t begin) : file_(file), begin_(begin) {}

  const file_failure& failure() const noexcept { return failure_; }
  bool refuse(const char* what, const std::string& of = {}, std::uint64_t value = 0, std::uint64_t bound = 0) {
    failure_ = {what, escaped(file_) + of, value, bound};
    return false;
  }
  // The text breaks a rule of JSON at this byte of it.
  bool malformed(const char* what, std::uint64_t position) {
    refuse(what);
    failure_.offset = begin_ + position;
    return false;
  }
  // The text cannot be read.
  bool broken(file_failure why) {
    failure_ = std::move(why);
    return false;
  }

 protected:
  // So much of a name as escaped() shows, and a byte more, so that it shows that it is cut.
  static std::string beginning_of(std::string_view name) { return std::string(name.substr(0, most_shown + 1)); }

 private:
  std::string_view file_;
  std::uint64_t begin_;
  file_failure failure_;
};

// ", tensor NAME", to follow the name of a file.
inline std::string of_tensor(std::string_view name) { return ", tensor " + escaped(name); }

// Reads a text, one value and nothing else but blanks. source(at): its bytes from `at` on, one at least, as
// result<std::string_view>, valid until the next call. Precondition: size is the length of the text.
template <class Source, class Events>
result<void> try_read_json(std::uint64_t size, const Source& source, Events& events) {
  json_text<Source> text(size, source);
  json_handler<Source, Events> handler(text, events);
  const bool is_read = nlohmann::json::sax_parse(json_iterator<Source>(text), json_iterator<Source>(), &handler);
  if (!is_read || !handler.is_whole()) return events.failure();
  return {};
}
// A text in memory.
template <class Events>
result<void> try_read_json(std::string_view text, Events& events) {
  const auto source = [=](std::uint64_t at) -> result<std::string_view> {
    return text.substr(static_cast<std::size_t>(at));
  };
  return try_read_json(text.size(), source, events);
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
