// Models in several GGUF files: their parts are found, agree with each other and make one list of tensors.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/gguf_split.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "io/folder.hpp"
#include "io/gguf_bytes.hpp"

namespace {

using namespace quern;
using namespace support;

std::string name_of(unsigned number, unsigned count) { return io::gguf_part_name{"m", number, count}.text(); }

// Part `number` of `count`, from 0, with tensors of 4 bytes: their name, four times its first letter.
gguf_bytes part(std::uint16_t number, std::uint16_t count, std::int32_t tensors,
                std::initializer_list<const char*> names) {
  gguf_bytes b;
  b.header(names.size(), 3);
  b.key("split.no", u16).number<std::uint16_t>(number).key("split.count", u16).number<std::uint16_t>(count);
  b.key("split.tensors.count", i32).number<std::int32_t>(tensors);
  std::uint64_t offset = 0;
  for (const char* n : names) b.tensor(n, {4}, type_i8, offset), offset += 32;
  b.pad(32);
  for (const char* n : names) b.raw(std::string(4, *n)).pad(32);
  return b;
}
struct model : folder {
  model() {
    write(name_of(1, 3), part(0, 3, 4, {"a", "b"}).text());
    write(name_of(2, 3), part(1, 3, 4, {}).text());
    write(name_of(3, 3), part(2, 3, 4, {"c", "d"}).text());
  }
  std::string said(unsigned number = 1) const {
    const auto m = io::gguf_model::try_open(path() / name_of(number, 3));
    return m ? "" : m.error().what;
  }
};

TEST_CASE("names of parts") {
  CHECK(name_of(1, 3) == "m-00001-of-00003.gguf");
  CHECK(name_of(12345, 65535) == "m-12345-of-65535.gguf");
  const auto n = io::gguf_part_name::parse("a-00001-of-00002-00012-of-00034.gguf");
  REQUIRE(n);
  CHECK(n->prefix == "a-00001-of-00002");
  CHECK(n->number == 12);
  CHECK(n->count == 34);
  for (const char* name : {"", "m.gguf", "m-0001-of-00003.gguf", "m-00001-of-00003", "m-00001-of-0000x.gguf",
                           "m-+0001-of-00003.gguf", "m_00001-of-00003.gguf", "m-00001_of-00003.gguf"})
    CHECK(!io::gguf_part_name::parse(name));
  CHECK(io::gguf_part_name::parse("-00001-of-00003.gguf")->prefix.empty());
}

TEST_CASE("a model is opened by any of its parts") {
  const model here;
  for (const unsigned number : {1u, 2u, 3u})
    for (const io::access how : {io::access::mapped, io::access::read}) {
      const auto m = io::gguf_model::open(here / name_of(number, 3), how);
      CHECK(m.parts().size() == 3);
      CHECK(m.header().get<int>("split.no") == 0);
      REQUIRE(m.tensor_count() == 4);
      aligned_bytes room;
      std::vector<std::byte> piece(2);
      for (std::size_t i = 0; i < 4; ++i) {
        const io::gguf_part_tensor t = m.tensor(i);
        CHECK(t.name == std::string_view("abcd").substr(i, 1));
        CHECK(t.part == (i < 2 ? 0u : 2u));
        CHECK(text_of(m.view(t, room)) == std::string(4, "abcd"[i]));
        CHECK(text_of(m.view(t, 3, 1, room)) == t.name);
        m.read(t, 2, piece);
        CHECK(text_of(piece) == std::string(2, "abcd"[i]));
      }
      CHECK(m.find_tensor("c")->part == 2);
      CHECK(!m.find_tensor("e"));
    }
}

TEST_CASE("a model in one file is one part, whatever its name") {
  const folder here;
  here.write("m.gguf", small_gguf().text());
  here.write("one.gguf", part(0, 1, 2, {"a", "b"}).text());
  const auto m = io::gguf_model::open(here / "m.gguf");
  CHECK(m.parts().size() == 1);
  CHECK(m.tensor_count() == 4);
  CHECK(m.tensor(3).name == "w.i8");
  CHECK(io::gguf_model::open(here / "one.gguf").tensor_count() == 2);
  CHECK(io::gguf_model().tensor_count() == 0);
  CHECK_THROWS_AS(io::gguf_model::open(here / "none.gguf"), io::file_error);
}

TEST_CASE("parts that are missing, broken, or of another model") {
  const model here;
  CHECK(here.said().empty());
  const std::string other = "split.no and the name differ", count = "split.count and the name differ";
  std::filesystem::remove(here / name_of(2, 3));
  CHECK(here.said() == "the file cannot be opened");
  here.write(name_of(2, 3), "GGUF");
  CHECK(here.said() == "shorter than the least GGUF file");
  here.write(name_of(2, 3), small_gguf().text());
  CHECK(here.said() == "there is no such key");
  here.write(name_of(2, 3), part(2, 3, 4, {}).text());
  CHECK(here.said() == other);
  CHECK(here.said(2) == other);
  here.write(name_of(2, 3), part(1, 4, 4, {}).text());
  CHECK(here.said() == count);
  CHECK(here.said(2) == count);
  here.write(name_of(2, 3), part(1, 3, 5, {}).text());
  CHECK(here.said() == "split.tensors.count differs between parts");
  here.write(name_of(2, 3), part(1, 3, 4, {"e"}).text());
  CHECK(here.said() == "the parts have not split.tensors.count tensors");
  here.write(name_of(2, 3), part(5, 3, 4, {}).text());
  CHECK(here.said(2) == "split.no is not below split.count");
  here.write(name_of(2, 3), part(0, 0, 4, {}).text());
  CHECK(here.said(2) == "split.no is not below split.count");
  here.write(name_of(2, 3), part(1, 3, -4, {}).text());
  CHECK(here.said(2) == "the integer does not fit");
}

TEST_CASE("a tensor in two parts, and a part whose name is not that of a part") {
  const model here;
  here.write(name_of(2, 3), part(1, 3, 5, {"d"}).text());
  here.write(name_of(1, 3), part(0, 3, 5, {"a", "b"}).text());
  here.write(name_of(3, 3), part(2, 3, 5, {"c", "d"}).text());
  CHECK(here.said() == "a tensor is in two parts");
  CHECK(io::gguf_model::try_open(here / name_of(1, 3)).error().where == (here / name_of(3, 3)).native() + ", tensor d");
  here.write("renamed.gguf", part(0, 3, 5, {"a", "b"}).text());
  here.write(name_of(9, 3), part(0, 3, 5, {"a", "b"}).text());
  CHECK(here.said(9) == "split.no and the name differ");
  const auto m = io::gguf_model::try_open(here / "renamed.gguf");
  REQUIRE(!m);
  CHECK(std::string(m.error().what) == "the name of a part is not PREFIX-00001-of-00002.gguf");
}

}  // namespace
