// Reading and writing files: bounds, both ways of access, and what is left when something goes wrong.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/file.hpp"

#include <doctest/doctest.h>

#include <string>

#include "io/folder.hpp"

namespace {

using namespace quern;
namespace fs = std::filesystem;
using support::bytes_of;
using support::text_of;

io::output_file created(const fs::path& path) {
  auto f = io::output_file::try_create(path);
  REQUIRE(f);
  return std::move(*f);
}

TEST_CASE("bytes of a file are read where they lie, mapped or not") {
  const support::folder here;
  here.write("a", "0123456789");
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto f = io::input_file::try_open(here / "a", how);
    REQUIRE(f);
    CHECK(f->size() == 10);
    CHECK(f->is_mapped() == (how == io::access::mapped));
    aligned_bytes room;
    const auto view = f->try_view(3, 4, room);
    REQUIRE(view);
    CHECK(text_of(*view) == "3456");
    CHECK(room.span().empty() == f->is_mapped());
    CHECK(f->try_view(10, 0, room));
    const auto beyond = f->try_view(7, 4, room);
    REQUIRE(!beyond);
    CHECK(beyond.error().value == 4);
    CHECK(beyond.error().bound == 10);
    CHECK(beyond.error().offset == 7);
    CHECK(!f->try_view(11, 0, room));
    CHECK(!f->try_view(~std::uint64_t{0}, 2, room));
  }
}

TEST_CASE("an empty file has no bytes, and what is no file is refused by name") {
  const support::folder here;
  here.write("empty", "");
  const auto f = io::input_file::try_open(here / "empty");
  REQUIRE(f);
  CHECK(f->size() == 0);
  CHECK(!io::input_file::try_open(here / "missing"));
  const auto folder = io::input_file::try_open(here.path());
  REQUIRE(!folder);
  CHECK(std::string(folder.error().what) == "not a regular file");
  CHECK_THROWS_AS(io::value_or_throw(io::input_file::try_open(here / "missing")), io::file_error);
}

TEST_CASE("a file that became shorter is an error, not a crash, where it is read") {
  const support::folder here;
  here.write("a", "0123456789");
  const auto f = io::input_file::try_open(here / "a", io::access::read);
  REQUIRE(f);
  fs::resize_file(here / "a", 5);
  aligned_bytes room;
  CHECK(f->try_view(0, 5, room));
  const auto beyond = f->try_view(0, 10, room);
  REQUIRE(!beyond);
  CHECK(std::string(beyond.error().what) == "the file has become shorter");
}

TEST_CASE("a written file has its name only when it is whole") {
  const support::folder here;
  here.write("a", "before");
  {
    io::output_file f = created(here / "a");
    REQUIRE(f.try_write(bytes_of("after")));
    CHECK(f.offset() == 5);
    REQUIRE(f.try_pad(8));
    CHECK(f.offset() == 8);
    REQUIRE(f.try_pad(8));
    CHECK(f.offset() == 8);
    CHECK(here.read("a") == "before");
    REQUIRE(f.try_commit());
  }
  CHECK(here.read("a") == std::string("after\0\0\0", 8));
  {
    io::output_file given_up = created(here / "a");
    REQUIRE(given_up.try_write(bytes_of("never")));
  }
  CHECK(here.read("a") == std::string("after\0\0\0", 8));
  CHECK(here.names() == std::vector<std::string>{"a"});
}

TEST_CASE("a file is written at places, too") {
  const support::folder here;
  io::output_file f = created(here / "a");
  REQUIRE(f.try_write(bytes_of("12")));
  REQUIRE(f.try_write_at(5, bytes_of("67")));
  REQUIRE(f.try_write_at(3, bytes_of("4")));
  CHECK(f.offset() == 2);
  REQUIRE(f.try_write(bytes_of("3")));
  const auto beyond = f.try_write_at(~std::uint64_t{0}, bytes_of("8"));
  REQUIRE(!beyond);
  CHECK(std::string(beyond.error().what) == "the file would be larger than a file can be");
  REQUIRE(f.try_commit());
  CHECK(here.read("a") == std::string("1234\0" "67", 7));
}

TEST_CASE("two writers of one name do not meet") {
  const support::folder here;
  io::output_file one = created(here / "a"), two = created(here / "a");
  REQUIRE(one.try_write(bytes_of("one")));
  REQUIRE(two.try_write(bytes_of("two")));
  REQUIRE(two.try_commit());
  CHECK(here.read("a") == "two");
  REQUIRE(one.try_commit());
  CHECK(here.read("a") == "one");
  CHECK(here.names() == std::vector<std::string>{"a"});
}

TEST_CASE("a file that is read is not written over, whatever its name") {
  const support::folder here;
  here.write("a", "source");
  fs::create_symlink("a", here / "link");
  fs::create_hard_link(here / "a", here / "other");
  const auto source = io::input_file::try_open(here / "a");
  REQUIRE(source);
  const io::file_identity reads[] = {source->identity()};
  for (const char* name : {"a", "link", "other"}) CHECK(!io::output_file::try_create(here / name, reads));
  CHECK(io::output_file::try_create(here / "another", reads));
  CHECK(!io::output_file::try_create(here.path()));
  CHECK(!io::output_file::try_create(here / "no folder" / "a"));
}

TEST_CASE("names from files are printed escaped, and not without end") {
  CHECK(io::escaped("blk.0.attn_q.weight") == "blk.0.attn_q.weight");
  CHECK(io::escaped(std::string_view("a\0\n\x1b[31m\\", 9)) == "a\\x00\\x0a\\x1b[31m\\x5c");
  CHECK(io::escaped(std::string(1000, 'a')) == std::string(200, 'a') + "...");
  CHECK(io::file_failure{"too large", "m.gguf, tensor a", 7, 5, 24}.text() ==
        "m.gguf, tensor a: too large (7, against 5), at byte 24");
  CHECK(io::file_failure{"wrong", "m.gguf"}.text() == "m.gguf: wrong");
}

}  // namespace
