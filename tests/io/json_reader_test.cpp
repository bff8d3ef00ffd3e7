// JSON as events: the same ones whatever the pieces that it is read in; what is refused beside what the library refuses.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/json_reader.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "quern/io/json_events.hpp"

namespace {

using namespace quern;

// Events as a text; all are welcome.
class log_events : public io::json_events {
 public:
  log_events() : json_events("m", 100) {}
  std::string log;

  bool null() { return add("null"); }
  bool boolean(bool b) { return add(b ? "true" : "false"); }
  bool number_unsigned(std::uint64_t n) { return add("u" + std::to_string(n)); }
  bool number_integer(std::int64_t n) { return add("i" + std::to_string(n)); }
  bool number_float(double x) { return add("f" + nlohmann::json(x).dump()); }
  bool string(std::string_view s) { return add("s" + std::string(s) + "\""); }
  bool key(std::string_view s) { return add("k" + std::string(s) + "\""); }
  bool start_object() { return add("{"); }
  bool end_object() { return add("}"); }
  bool start_array() { return add("["); }
  bool end_array() { return add("]"); }

 private:
  bool add(const std::string& event) {
    log += event + " ";
    return true;
  }
};

struct outcome {
  bool ok = false;
  std::string log, rule;
  std::uint64_t offset = 0;
};
// Of a text that is seen in pieces of so many bytes.
outcome read(const std::string& text, std::size_t piece) {
  log_events events;
  std::string seen;  // a copy, so that what lies beyond the piece is not read
  const auto source = [&](std::uint64_t at) -> io::result<std::string_view> {
    seen = text.substr(static_cast<std::size_t>(at), piece);
    return std::string_view(seen);
  };
  const auto ok = io::try_read_json(text.size(), source, events);
  if (ok) return {true, events.log, "", 0};
  return {false, events.log, ok.error().what, ok.error().offset};
}
std::string rule(const std::string& text) { return read(text, 1000).rule; }

const std::vector<std::string> texts = {
    R"({"a":[1,-2,3.5,-0,0,1e3,1E-2,0.1e+4,-1.5],"b":{"":null,"c":[true,false,[],{}]}})",
    R"(  [ "x\"\\\/\b\f\n\r\t" , "\u0041\u00e9\u20AC\ud83d\ude00" , "é€😀" ]  )",
    "[18446744073709551615,18446744073709551616,-9223372036854775808,-9223372036854775809,1e308]",
    "\t\r\n 7 ",
    "\"\"",
    "-1e-400",
    R"([[[[[[{"a":{"b":[{"c":[[1]]}]}}]]]]]])",
};

TEST_CASE("values, keys and what holds them become events, one after the other") {
  CHECK(read(texts[0], 1000).log ==
        "{ ka\" [ u1 i-2 f3.5 i0 u0 f1000.0 f0.01 f1000.0 f-1.5 ] kb\" { k\" null kc\" [ true false [ ] { } ] } } ");
  CHECK(read(texts[1], 1000).log ==
        "[ sx\"\\/\b\f\n\r\t\" sA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\" s\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\" ] ");
  CHECK(read(texts[2], 1000).log ==
        "[ u18446744073709551615 f1.8446744073709552e+19 i-9223372036854775808 f-9.223372036854776e+18 f1e+308 ] ");
  CHECK(read(texts[3], 1).log == "u7 ");
  CHECK(read(texts[4], 1).log == "s\" ");
  CHECK(read(texts[5], 1).log == "f-0.0 ");
  for (const std::string& text : texts) CHECK(read(text, 1000).ok);
  CHECK(read("[\"\\u0000\"]", 3).log == std::string("[ s\0\" ] ", 8));
}

TEST_CASE("blanks within strings are theirs, and quotes behind backslashes end none") {
  CHECK(read(R"([  "a  b" , "\\"  , "\"  \"" ])", 2).log == R"([ sa  b" s\" s"  "" ] )");
}

TEST_CASE("what a text becomes does not depend on its pieces") {
  for (const std::string& text : texts)
    for (const std::string& t : {text, text + "x", text.substr(0, text.size() - 1)}) {
      const outcome whole = read(t, t.size() + 1);
      for (const std::size_t piece : {1u, 2u, 3u, 7u}) {
        CAPTURE(t);
        CAPTURE(piece);
        const outcome other = read(t, piece);
        CHECK(other.log == whole.log);
        CHECK(other.rule == whole.rule);
        CHECK(other.offset == whole.offset);
      }
    }
}

TEST_CASE("a refusal names its rule, and the byte") {
  CHECK(rule("") == "not JSON");
  CHECK(rule("[1,]") == "not JSON");
  CHECK(read("[1,]", 1).offset == 100 + 3);
  CHECK(read("{\"a\":]", 2).offset == 100 + 5);
  CHECK(read("[1] x", 2).offset == 100 + 4);
  CHECK(rule(std::string("[1\0]", 4)) == "a zero byte in JSON");
  CHECK(rule(std::string("\"\0\"", 3)) == "a zero byte in JSON");
  CHECK(rule(std::string("1\0", 2)) == "a zero byte in JSON");
  CHECK(rule("\xef\xbb\xbf{}") == "not JSON");
  CHECK(rule("[1e400]") == "a number is out of range");
  CHECK(rule("-1e999") == "a number is out of range");
  for (const char* const text : {"\"\\ud800\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "01", "tru", "[1 2]", "{1:2}", "nul"})
    CHECK(rule(text) == "not JSON");
  constexpr const char* too_long = "a string or a number of JSON is too long";
  const std::string most(io::json_most_bytes - 1, '1');
  CHECK(read("\"" + most + "\"", 100'000).ok);
  CHECK(read("\"" + most + "\", \"" + most, 100'000).rule == "not JSON");
  CHECK(rule("[\"" + most + "11\"]") == too_long);
  CHECK(rule("[" + most + "11]") == too_long);
  CHECK(read("[\"a\"," + std::string(io::json_most_bytes + 9, ' ') + "\"" + most + "\"]", 100'000).ok);
  CHECK(read(std::string(64, '[') + std::string(64, ']'), 5).ok);
  CHECK(rule(std::string(65, '[')) == "JSON is nested too deeply");
  std::string deep, log;
  for (int i = 0; i < 32; ++i) deep += "[{\"a\":", log += "[ { ka\" ";
  CHECK(read(deep + "1", 9).log == log + "u1 ");
}

TEST_CASE("a text that cannot be read to its end is refused as its source says") {
  const auto check = [](std::string_view text, const char* log) {
    log_events events;
    const auto source = [=](std::uint64_t at) -> io::result<std::string_view> {
      if (at == 0) return text;
      return io::file_failure{"the file has become shorter", "m", at};
    };
    const auto ok = io::try_read_json(100, source, events);
    REQUIRE(!ok);
    CHECK(std::string(ok.error().what) == "the file has become shorter");
    CHECK(ok.error().value == text.size());
    CHECK(events.log == log);
  };
  check("[1,\"ab", "[ u1 ");
  check("[1", "[ u1 ");
  check("[1]", "[ u1 ] ");
  check("[1] ", "[ u1 ] ");
}

}  // namespace
