// The index of shards: what it says, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/safetensors_index.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "io/folder.hpp"
#include "io/safetensors.hpp"

namespace {

using namespace quern;
using support::bytes_of;
using support::safetensors;

std::string rule(std::string_view json) {
  const auto i = io::safetensors_index::try_parse(json);
  return i ? "" : i.error().what;
}
// The index of one tensor in `file`.
std::string in_file(const std::string& file) { return R"({"weight_map":{"t":")" + file + "\"}}"; }

TEST_CASE("an index says which shard holds which tensor") {
  const auto i = io::safetensors_index::parse(
      R"({"metadata":{"total_size":1e3,"n":-1,"a":null,"b":true,"c":"d"},)"
      R"( "weight_map":{"z":"m-2.safetensors","a":"m-2.safetensors","b":"m-1.safetensors","":"m-3.safetensors"}} )");
  std::string all;
  for (std::size_t n = 0; n < i.size(); ++n) all += std::string(i[n].tensor) + " " + std::string(i[n].shard) + "\n";
  CHECK(all == "b m-1.safetensors\na m-2.safetensors\nz m-2.safetensors\n m-3.safetensors\n");
  CHECK(i.places_of("m-1.safetensors") == std::pair<std::size_t, std::size_t>{0, 1});
  CHECK(i.places_of("m-2.safetensors") == std::pair<std::size_t, std::size_t>{1, 3});
  CHECK(i.places_of("m-3.safetensors") == std::pair<std::size_t, std::size_t>{3, 4});
  CHECK(i.places_of("m-0.safetensors") == std::pair<std::size_t, std::size_t>{0, 0});
  CHECK(i.places_of("m-2").first == i.places_of("m-2").second);
  CHECK(i.find("a")->shard == "m-2.safetensors");
  CHECK(i.find("b")->shard == "m-1.safetensors");
  CHECK(i.find("z")->shard == "m-2.safetensors");
  CHECK(i.find("")->shard == "m-3.safetensors");
  CHECK(!i.find("y"));
  CHECK(io::safetensors_index().size() == 0);
  CHECK(!io::safetensors_index().find("a"));
  CHECK(rule(R"({"weight_map":{}})") == "");
  CHECK(rule(R"({"weight_map":{},"metadata":{}})") == "");
  CHECK_THROWS_AS(io::safetensors_index::parse("{}"), io::file_error);
}

TEST_CASE("names that begin alike are in the order of their bytes") {
  const std::string names[] = {"", "a", "aa", "aaa", "ab", "a\xc3\xa9", "b", "\xc3\xa9"};
  std::string map;
  for (const std::string& name : names) map = "\"" + name + "\":\"m\"" + (map.empty() ? "" : "," + map);
  const auto i = io::safetensors_index::parse(R"({"weight_map":{)" + map + "}}");
  REQUIRE(i.size() == std::size(names));
  for (std::size_t n = 0; n < i.size(); ++n) {
    CHECK(i[n].tensor == names[n]);
    CHECK(i.find(names[n])->tensor == names[n]);
  }
  CHECK(!i.find("aaaa"));
  CHECK(!i.find("a\xc3"));
  CHECK(rule(R"({"weight_map":{"aa":"m","b":"m","a":"n","aa":"n"}})") == "a key stands twice");
}

TEST_CASE("what breaks a rule of an index is refused by that rule") {
  const std::string outside = "a shard is not the plain name of a file in the index's folder";
  for (const std::string name : {"", ".", "..", "/etc/passwd", "../m", "a/b", "a/", "./m", "a\\\\b", "..\\\\m",
                                 "m\\u0000", "m\\n", "\\u001bm", "m\\u007f", "\\u002e\\u002e", "a\\u002fb", "a\\/b"}) {
    CAPTURE(name);
    CHECK(rule(in_file(name)) == outside);
  }
  for (const std::string name : {"m.safetensors", "a b", "...", "..m", ".m", "\xc3\xa9", "-m", "~"}) {
    CAPTURE(name);
    CHECK(rule(in_file(name)) == "");
  }
  struct malformed {
    std::string json;
    const char* what;
  };
  const malformed all[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {R"({"weight_map":{}}x)", "not JSON"},
      {R"({"weight_map":{"a":"b",}})", "not JSON"},
      {R"({"weight_map":{"a":"b"})", "not JSON"},
      {R"({"metadata":{"a":.5},"weight_map":{}})", "not JSON"},
      {std::string("{\"weight_map\":{}}\0x", 19), "a zero byte in JSON"},
      {R"({"metadata":{"a":1e999},"weight_map":{}})", "a number is out of range"},
      {"[]", "the index is not an object"},
      {"1", "the index is not an object"},
      {"null", "the index is not an object"},
      {"\"a\"", "the index is not an object"},
      {"{}", "the index has no weight_map"},
      {R"({"metadata":{}})", "the index has no weight_map"},
      {R"({"metadata":1,"weight_map":{}})", "the metadata is not an object"},
      {R"({"metadata":[],"weight_map":{}})", "the metadata is not an object"},
      {R"({"metadata":{"a":{}},"weight_map":{}})", "a value of metadata is an object or an array"},
      {R"({"metadata":{"a":[1]},"weight_map":{}})", "a value of metadata is an object or an array"},
      {R"({"weight_map":[]})", "the weight_map is not an object"},
      {R"({"weight_map":null})", "the weight_map is not an object"},
      {R"({"weight_map":{"a":1}})", "a shard is not a string"},
      {R"({"weight_map":{"a":null}})", "a shard is not a string"},
      {R"({"weight_map":{"a":["m"]}})", "a shard is not a string"},
      {R"({"weight_map":{"a":{"b":"m"}}})", "a shard is not a string"},
      {R"({"weight_map":{},"weights":{}})", "unknown key of an index"},
      {R"({"":{},"weight_map":{}})", "unknown key of an index"},
      {R"({"weight_map":{},"weight_map":{}})", "a key stands twice"},
      {R"({"metadata":{},"metadata":{},"weight_map":{}})", "a key stands twice"},
      {R"({"metadata":{"a":1,"b":2,"a":1},"weight_map":{}})", "a key stands twice"},
      {R"({"weight_map":{"a":"m","b":"m","a":"m"}})", "a key stands twice"},
      {R"({"weight_map":{"a":"m","\u0061":"n"}})", "a key stands twice"},
      {R"({"metadata":{"a":1,"\u0061":2},"weight_map":{}})", "a key stands twice"},
      {R"({"weight_map":)" + std::string(1'000'000, '['), "the weight_map is not an object"},
      {R"({"metadata":{"a":)" + std::string(1'000'000, '['), "a value of metadata is an object or an array"},
  };
  for (const malformed& m : all) {
    CAPTURE(m.json.substr(0, 100));
    CHECK(rule(m.json) == m.what);
  }
}

TEST_CASE("an index cut anywhere is refused") {
  const std::string whole = R"({"metadata":{"total_size":12},"weight_map":{"a":"m","b":"n"}})";
  REQUIRE(rule(whole) == "");
  for (std::size_t n = 0; n < whole.size(); ++n) CHECK(rule(whole.substr(0, n)) == "not JSON");
}

TEST_CASE("a failure says where") {
  const auto i = io::safetensors_index::try_parse(in_file("../x"), "m.index.json");
  REQUIRE(!i);
  CHECK(i.error().where == "m.index.json, tensor t, file ../x");
  const auto where = [](const std::string& json) {
    const auto index = io::safetensors_index::try_parse(json, "m");
    REQUIRE(!index);
    return index.error().where;
  };
  CHECK(where(R"({"weight_map":{"b":"m","a\n":"m","b":"n"}})") == "m, tensor b");
  CHECK(where(R"({"metadata":{"b":1,"a":{}}})") == "m, metadata a");
  CHECK(where(R"({"metadata":{"b":1,"a\u0000":2,"a\u0000":3},"weight_map":{}})") == "m, metadata a\\x00");
  CHECK(where(R"({"other":1})") == "m, key other");
  CHECK(where(R"({"weight_map":{"a":1}})") == "m, tensor a");
  // No more of a name than 200 bytes.
  const std::string name(1000, 'x'), shown = name.substr(0, 200) + "...";
  CHECK(where(R"({"weight_map":{")" + name + R"(":"/)" + name + R"("}})") ==
        "m, tensor " + shown + ", file /" + name.substr(0, 199) + "...");
  CHECK(where("{\"" + name + "\":1}") == "m, key " + shown);
}

TEST_CASE("names of any length") {
  const std::string name(1000, 'x'), most(255, 'x');
  const auto i = io::safetensors_index::parse(R"({"weight_map":{")" + name + R"(":")" + most + R"("}})");
  REQUIRE(i.size() == 1);
  CHECK(i[0].tensor == name);
  CHECK(i[0].shard == most);
  CHECK(rule(in_file(most + "x")) == "the name of a shard is longer than a file's can be");
  const auto longer = io::safetensors_index::try_parse(in_file(name));
  REQUIRE(!longer);
  CHECK(longer.error().value == 1000);
  CHECK(longer.error().bound == 255);
  // What makes a name another one than that of a file may stand at its end.
  CHECK(rule(in_file(name + "/x")) == "a shard is not the plain name of a file in the index's folder");
}

TEST_CASE("an index in pieces") {
  const std::string json = R"({"metadata":{"a":1},"weight_map":{"\u00e9":"m","b":"n"}})";
  const auto parse = [&](std::size_t piece, const std::string& second) {
    std::size_t times = 0;  // that the text was begun
    const auto source = [&](std::uint64_t at) -> io::result<std::string_view> {
      times += at == 0;
      if (times == 2 && second.empty()) return io::file_failure{"gone", "m"};
      return std::string_view(times == 2 ? second : json).substr(static_cast<std::size_t>(at), piece);
    };
    return io::safetensors_index::try_parse_pieces(json.size(), source, "m");
  };
  for (std::size_t piece = 1; piece <= json.size(); ++piece) {
    const auto i = parse(piece, json);
    REQUIRE(i);
    CHECK(i->size() == 2);
    CHECK((*i)[0].tensor == "\xc3\xa9");
    CHECK((*i)[1].shard == "n");
  }
  CHECK(std::string(parse(7, "").error().what) == "gone");
  // Another text of this length: more bytes, more tensors, more metadata than were counted.
  for (const std::string text :
       {R"({"metadata":{"a":1},"weight_map":{"eeee":"m","b":"n"}})",
        R"({"metadata":{"a":1},"weight_map":{"e":"","e":"n"}})", R"({"weight_map":{"a":"m","b":"n","c":"o","d":"p"}})",
        R"({"metadata":{"a":1,"b":2,"c":3},"weight_map":{}})"}) {
    CAPTURE(text);
    const auto i = parse(7, text + std::string(json.size() - text.size(), ' '));
    REQUIRE(!i);
    CHECK(std::string(i.error().what) == (text.find("\"\"") == text.npos
                                              ? "the file has changed while it was read"
                                              : "a shard is not the plain name of a file in the index's folder"));
  }
}

TEST_CASE("a shard has the tensors of the index, and no others") {
  const auto index = io::safetensors_index::parse(R"({"weight_map":{"a":"m","b":"m","c":"n"}})");
  const auto match = [&](std::initializer_list<const char*> names, std::string_view shard) {
    std::string json = "{";
    for (const char* n : names) json += '"' + std::string(n) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)";
    json.back() = '}';
    const auto h = io::safetensors_header::parse(bytes_of(safetensors(json)));
    const auto ok = index.try_match(h, shard);
    return ok ? "" : ok.error().text();
  };
  CHECK(match({"b", "a"}, "m") == "");
  CHECK(match({"c"}, "n") == "");
  CHECK(match({"a"}, "m") == "m, tensor b: the shard does not have a tensor of the index");
  CHECK(match({"a", "b", "d"}, "m") == "m, tensor d: the index does not know a tensor of the shard");
  CHECK(match({"a", "b", "c"}, "m") == "m, tensor c: the index says that a tensor is in another shard");
  CHECK(match({"a"}, "o") == "o, tensor a: the index says that a tensor is in another shard");
}

}  // namespace
