// Models of one file and of several.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/safetensors_shards.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "io/folder.hpp"
#include "io/safetensors.hpp"

namespace {

using namespace quern;
using support::safetensors;
using support::text_of;

std::string tensor(const std::string& name, int begin) {
  return '"' + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(begin) + "," +
         std::to_string(begin + 1) + "]}";
}
void write_shards(const support::folder& here) {
  here.write("m-1", safetensors("{" + tensor("z", 0) + "," + tensor("b", 1) + "}", 2));
  here.write("m-2", safetensors("{" + tensor("a", 0) + "}", 1));
  here.write("m.index.json", R"({"metadata":{"total_size":3},"weight_map":{"a":"m-2","b":"m-1","z":"m-1"}})");
}
std::string rule(const support::folder& here, const std::string& name = "m.index.json") {
  const auto s = io::safetensors_shards::try_open(here / name);
  return s ? "" : s.error().what;
}

TEST_CASE("tensors of all shards are one list") {
  const support::folder here;
  write_shards(here);
  for (const io::access how : {io::access::mapped, io::access::read}) {
    io::safetensors_shards opened = io::safetensors_shards::open(here / "m.index.json", how);
    const io::safetensors_shards s = std::move(opened);
    CHECK(s.files().size() == 2);
    REQUIRE(s.tensors().size() == 3);
    std::string names;
    for (const io::safetensors_member& m : s.tensors()) names += m.tensor->name;
    CHECK(names == "zba");
    for (std::size_t i = 0; const io::safetensors_member& m : s.tensors()) {
      CHECK(s.tensors()[i] == m);
      CHECK(s.tensors().index_of(m) == i++);
    }
    CHECK(s.path() == here / "m.index.json");
    CHECK(s.find("a")->file == 1);
    CHECK(s.find("a")->tensor->name == "a");
    CHECK(s.find("b")->file == 0);
    CHECK(!s.find("c"));
    const io::safetensors_member b = *s.find("b");
    aligned_bytes room;
    CHECK(text_of(s.file_of(b).view(*b.tensor, room)) == "\1");
  }
}

TEST_CASE("one file is a model, too") {
  const support::folder here;
  write_shards(here);
  const auto s = io::safetensors_shards::open(here / "m-1");
  CHECK(s.files().size() == 1);
  CHECK(s.tensors().size() == 2);
  CHECK(s.find("z")->file == 0);
  CHECK(!s.find("a"));
  here.write("none", safetensors("{}"));
  const auto none = io::safetensors_shards::open(here / "none");
  CHECK(none.tensors().empty());
  CHECK(none.tensors().size() == 0);
  CHECK(!none.find("a"));
  here.write("none.json", R"({"weight_map":{}})");
  CHECK(io::safetensors_shards::open(here / "none.json").files().empty());
  CHECK(!io::safetensors_shards::open(here / "none.json").find("a"));
  CHECK(io::safetensors_shards().tensors().empty());
  CHECK(!io::safetensors_shards().find("a"));
}

TEST_CASE("shards may be links, and an index may be opened from its own folder") {
  const support::folder here;
  write_shards(here);
  std::filesystem::rename(here / "m-2", here / "blob");
  std::filesystem::create_symlink("blob", here / "m-2");
  CHECK(rule(here) == "");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(here.path());
  CHECK(io::safetensors_shards::try_open("m.index.json"));
  std::filesystem::current_path(before);
}

TEST_CASE("shards and index must agree") {
  const support::folder here;
  write_shards(here);
  here.write("m-2", safetensors("{" + tensor("a", 0) + "," + tensor("c", 1) + "}", 2));
  CHECK(rule(here) == "the index does not know a tensor of the shard");
  here.write("m-2", safetensors("{" + tensor("a", 0) + "," + tensor("b", 1) + "}", 2));
  CHECK(rule(here) == "the index says that a tensor is in another shard");
  here.write("m-2", safetensors("{}"));
  CHECK(rule(here) == "the shard does not have a tensor of the index");
  here.write("m-2", safetensors("{" + tensor("a", 0) + "}", 2));
  CHECK(rule(here) == "bytes that belong to no tensor follow the last tensor");
  std::filesystem::remove(here / "m-2");
  CHECK(rule(here) == "the file cannot be opened");
  std::filesystem::create_directory(here / "m-2");
  CHECK(rule(here) == "not a regular file");
  here.write("m.index.json", R"({"weight_map":{"a":"../m-2"}})");
  CHECK(rule(here) == "a shard is not the plain name of a file in the index's folder");
  here.write("m.index.json", "");
  CHECK(rule(here) == "not JSON");
  CHECK(rule(here, "n.index.json") == "the file cannot be opened");
  CHECK_THROWS_AS(io::safetensors_shards::open(here / "m.index.json"), io::file_error);
  std::filesystem::resize_file(here / "m.index.json", 100'000'001);  // a hole, not read
  CHECK(rule(here) == "the index is too large");
}

}  // namespace
