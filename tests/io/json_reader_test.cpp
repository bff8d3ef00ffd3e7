// JSON as events: the same ones, and the same texts refused, as by nlohmann/json; in pieces of any length.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/json_reader.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
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
  bool string() { return add("s" + held_ + "\""); }
  bool key() { return add("k" + held_ + "\""); }
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

// The same of nlohmann/json.
struct peer_events : nlohmann::json_sax<nlohmann::json> {
  std::string log;
  bool add(const std::string& event) {
    log += event + " ";
    return true;
  }
  bool null() override { return add("null"); }
  bool boolean(bool b) override { return add(b ? "true" : "false"); }
  bool number_unsigned(std::uint64_t n) override { return add("u" + std::to_string(n)); }
  bool number_integer(std::int64_t n) override { return add("i" + std::to_string(n)); }
  bool number_float(double x, const std::string&) override { return add("f" + nlohmann::json(x).dump()); }
  bool string(std::string& s) override { return add("s" + s + "\""); }
  bool key(std::string& s) override { return add("k" + s + "\""); }
  bool start_object(std::size_t) override { return add("{"); }
  bool end_object() override { return add("}"); }
  bool start_array(std::size_t) override { return add("["); }
  bool end_array() override { return add("]"); }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }
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
// That it is read as by the other, events before a refusal included.
bool same(const std::string& text) {
  peer_events peer;
  const bool ok = nlohmann::json::sax_parse(text, &peer);
  const outcome whole = read(text, text.size() + 1);
  return whole.ok == ok && whole.log == peer.log;
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

TEST_CASE("texts are read as nlohmann/json reads them") {
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(read(text, 1000).ok);
    CHECK(same(text));
  }
  CHECK(read(texts[3], 1).log == "u7 ");
  CHECK(read("[\"\\u0000\"]", 3).log == std::string("[ s\0\" ] ", 8));
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

TEST_CASE("any byte may be any other, and any two: read or refused as by nlohmann/json") {
  // A zero byte and a byte-order mark are refused here, and a zero byte ends the text there.
  std::size_t read_all = 0, different = 0;
  std::string first;
  const auto compare = [&](const std::string& text) {
    if (text.find('\0') != text.npos || text.starts_with("\xef\xbb\xbf")) return;
    ++read_all;
    if (same(text)) return;
    if (different++ == 0) first = text;
  };
  for (const std::string& text : texts)
    for (std::size_t i = 0; i < text.size(); ++i)
      for (int b = 1; b < 256; ++b) {
        std::string other = text;
        other[i] = static_cast<char>(b);
        compare(other);
      }
  std::minstd_rand random(7);
  constexpr std::string_view likely = "\"\\u{}[]:,0123456789.eE+-dDaAtrfn \xc2\xe0\xa0\x80\xed\xbf\xf0\x90\xf4\x8f";
  for (int i = 0; i < 100'000; ++i) {
    std::string other = texts[random() % texts.size()];
    for (auto changes = 1 + random() % 3; changes-- != 0 && !other.empty();) {
      const std::size_t at = random() % other.size();
      const char c = likely[random() % likely.size()];
      switch (random() % 3) {
        case 0:
          other[at] = c;
          break;
        case 1:
          other.insert(other.begin() + static_cast<std::ptrdiff_t>(at), c);
          break;
        default:
          other.erase(at, 1);
      }
    }
    compare(other);
  }
  CAPTURE(first);
  CHECK(different == 0);
  CHECK(read_all > 100'000);
}

TEST_CASE("every character in UTF-8, as it is and escaped") {
  constexpr char digits[] = "0123456789abcdef";
  const auto unit = [&](unsigned u) {
    return std::string("\\u") + digits[u >> 12 & 15] + digits[u >> 8 & 15] + digits[u >> 4 & 15] + digits[u & 15];
  };
  std::size_t different = 0;
  for (std::uint32_t c = 0x20; c < 0x110000; c += c < 0x3000 || (c >= 0xd700 && c < 0xe100) ? 1 : 61) {
    const std::string escape =
        c < 0x10000 ? unit(c) : unit(0xd800 + ((c - 0x10000) >> 10)) + unit(0xdc00 + (c - 0x10000) % 0x400);
    different += !same("\"" + escape + "\"");
  }
  // All first bytes with all second ones.
  for (int a = 0x80; a < 256; ++a)
    for (int b = 1; b < 256; ++b)
      for (const std::string end : {"", "\x80", "\x80\x80", "\xbf\xbf"})
        different += !same("\"" + std::string{static_cast<char>(a), static_cast<char>(b)} + end + "\"");
  CHECK(different == 0);
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
  CHECK(read("0." + std::string(io::json_most_digits - 2, '1'), 10).ok);
  CHECK(rule("0." + std::string(io::json_most_digits - 1, '1')) == "a number of too many digits");
  CHECK(rule(std::string(5000, '1')) == "a number of too many digits");
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
  check("[1", "[ ");
  check("[1]", "[ u1 ] ");
  check("[1] ", "[ u1 ] ");
}

}  // namespace
