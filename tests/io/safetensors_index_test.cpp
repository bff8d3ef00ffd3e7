// The index of shards: what it says, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/safetensors_index.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

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
  CHECK(std::vector(i.shards().begin(), i.shards().end()) ==
        std::vector<std::string>{"m-1.safetensors", "m-2.safetensors", "m-3.safetensors"});
  REQUIRE(i.places().size() == 4);
  CHECK(i.places()[0].tensor == "");
  CHECK(i.places()[0].shard == 2);
  CHECK(i.find("a")->shard == 1);
  CHECK(i.find("b")->shard == 0);
  CHECK(i.find("z")->shard == 1);
  CHECK(i.find("y") == nullptr);
  CHECK(rule(R"({"weight_map":{}})") == "");
  CHECK(rule(R"({"weight_map":{},"metadata":{}})") == "");
  CHECK_THROWS_AS(io::safetensors_index::parse("{}"), io::file_error);
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
}

TEST_CASE("a shard has the tensors of the index, and no others") {
  const auto index = io::safetensors_index::parse(R"({"weight_map":{"a":"m","b":"m","c":"n"}})");
  const auto match = [&](std::initializer_list<const char*> names, std::size_t shard) {
    std::string json = "{";
    for (const char* n : names) json += '"' + std::string(n) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)";
    json.back() = '}';
    const auto h = io::safetensors_header::parse(bytes_of(safetensors(json)));
    const auto ok = index.try_match(h, shard);
    return ok ? "" : ok.error().text();
  };
  CHECK(match({"b", "a"}, 0) == "");
  CHECK(match({"c"}, 1) == "");
  CHECK(match({"a"}, 0) == "m, tensor b: the shard does not have a tensor of the index");
  CHECK(match({"a", "b", "d"}, 0) == "m, tensor d: the index does not know a tensor of the shard");
  CHECK(match({"a", "b", "c"}, 0) == "m, tensor c: the index says that a tensor is in another shard");
}

}  // namespace
