// Writing safetensors: the bytes, what is refused, and what the reader makes of it.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/safetensors_writer.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "io/folder.hpp"
#include "io/safetensors.hpp"
#include "quern/io/safetensors_reader.hpp"

namespace {

using namespace quern;
using io::safetensors_dtype;
using support::bytes_of;
using support::text_of;

std::string rule(const io::result<void>& r) { return r ? "" : r.error().what; }

TEST_CASE("the file is what the format says, byte for byte") {
  const support::folder here;
  io::safetensors_contents c;
  c.add("small", safetensors_dtype::u8, {3});
  c.add("s", safetensors_dtype::f32, {});
  c.add("none", safetensors_dtype::f32, {2, 0});
  c.add_metadata("z", "1");
  c.add_metadata("format", "a \"q\"\n\xc3\xa9");
  auto w = io::safetensors_writer::create(here / "m", c);
  CHECK(w.contents().tensors()[0].name == "s");
  CHECK(w.contents().tensors()[1].name == "none");
  CHECK(w.contents().tensors()[2].name == "small");
  w.write("s", bytes_of("1234"));
  w.write("none", {});
  w.write("small", bytes_of("a"));
  w.write("small", {});
  w.write("small", bytes_of("bc"));
  CHECK(here.names().size() <= 1);
  CHECK(!std::filesystem::exists(here / "m"));
  w.commit();
  const std::string json =
      "{\"__metadata__\":{\"format\":\"a \\\"q\\\"\\n\xc3\xa9\",\"z\":\"1\"},"
      R"("s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("none":{"dtype":"F32","shape":[2,0],"data_offsets":[4,4]},)"
      R"("small":{"dtype":"U8","shape":[3],"data_offsets":[4,7]}})";
  const std::string padded = json + std::string((8 - json.size() % 8) % 8, ' ');
  CHECK(here.read("m") == support::length_of_header(padded.size()) + padded + "1234abc");
}

TEST_CASE("files without tensors") {
  const support::folder here;
  io::safetensors_writer::create(here / "m", {}).commit();
  CHECK(here.read("m") == support::length_of_header(8) + "{}      ");
  io::safetensors_contents c;
  c.add_metadata("", "");
  io::safetensors_writer::create(here / "m", c).commit();
  CHECK(io::safetensors_file::open(here / "m").find_metadata("") == "");
}

TEST_CASE("every dtype is written, aligned to its elements, and read again") {
  const support::folder here;
  io::safetensors_contents c;
  for (std::size_t i = 0; i < io::safetensors_dtypes.size(); ++i) {
    const auto t = static_cast<safetensors_dtype>(i);
    c.add("odd." + std::string(io::name_of(t)), t, {8, 3 + i % 3});
    c.add("a." + std::string(io::name_of(t)), t, {8});
  }
  auto w = io::safetensors_writer::create(here / "m", c);
  char next = 0;
  for (const io::safetensors_declaration& t : w.contents().tensors())
    for (std::uint64_t left = t.bytes; left != 0;) {  // in pieces
      const std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(left, 7)), next++);
      w.write(t.name, bytes_of(piece));
      left -= piece.size();
    }
  w.commit();
  const io::safetensors_file f = io::safetensors_file::open(here / "m", io::access::read);
  REQUIRE(f.tensors().size() == c.tensors().size());
  next = 0;
  for (std::size_t i = 0; i < f.tensors().size(); ++i) {
    const io::safetensors_tensor& t = f.tensors()[i];
    const io::safetensors_declaration& d = w.contents().tensors()[i];
    CHECK(t.name == d.name);
    CHECK(t.dtype == d.dtype);
    CHECK(std::vector(t.shape.begin(), t.shape.end()) == d.shape);
    CHECK(t.bytes == d.bytes);
    if (io::bits_of(t.dtype) % 8 == 0) CHECK(t.offset % (io::bits_of(t.dtype) / 8) == 0);
    aligned_bytes room;
    const std::string bytes = text_of(f.view(t, room));
    for (std::size_t k = 0; k < bytes.size(); k += 7) CHECK(bytes[k] == next++);
  }
}

TEST_CASE("what a reader refuses is not declared") {
  io::safetensors_contents c;
  c.add("a", safetensors_dtype::u8, {4});
  c.add_metadata("k", "v");
  CHECK(rule(c.try_add("a", safetensors_dtype::f32, {1})) == "two tensors have one name");
  CHECK(rule(c.try_add("__metadata__", safetensors_dtype::f32, {1})) == "a tensor cannot have this name");
  CHECK(rule(c.try_add("b", safetensors_dtype::f4, {3})) == "a tensor is not a whole number of bytes");
  CHECK(rule(c.try_add("b", safetensors_dtype::f4, {1ull << 32, 1ull << 32})) == "the product of a shape overflows");
  CHECK(rule(c.try_add("b", safetensors_dtype::f4, {1ull << 63})) == "the size of a tensor in bits overflows");
  CHECK(rule(c.try_add("b", safetensors_dtype::u8, std::vector<std::uint64_t>(65, 1))) ==
        "a shape has too many extents");
  CHECK(rule(c.try_add_metadata("k", "w")) == "a key stands twice");
  for (const std::string_view bad :
       {"\xff", "a\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xe2\x82"}) {
    const auto refused = c.try_add(bad, safetensors_dtype::u8, {1});
    REQUIRE(!refused);
    CHECK(std::string(refused.error().what) == "a text is not UTF-8");
    CHECK(refused.error().where == "safetensors contents, tensor " + io::escaped(bad));
    CHECK(rule(c.try_add_metadata(bad, "")) == "a text is not UTF-8");
    CHECK(rule(c.try_add_metadata("bad", bad)) == "a text is not UTF-8");
  }
  CHECK_THROWS_AS(c.add("a", safetensors_dtype::u8, {4}), io::file_error);
  CHECK_THROWS_AS(c.add_metadata("k", "w"), io::file_error);
  // Nothing of it was added.
  CHECK(c.tensors().size() == 1);
  CHECK(c.metadata().size() == 1);
  CHECK(c.find("b") == nullptr);
  CHECK(c.find("a")->dtype == safetensors_dtype::u8);

  for (const char* name : {"1", "2", "3", "4", "5", "6", "7"}) c.add(name, safetensors_dtype::u8, {1ull << 60});
  CHECK(rule(c.try_add("8", safetensors_dtype::u8, {1ull << 60})) == "the tensors are larger than a file can be");
}

TEST_CASE("names hold any UTF-8 and come back") {
  const support::folder here;
  std::string controls;
  for (char i = 0; i < 0x20; ++i) controls += i;
  const std::string names[] = {"", controls + "\x7f\"\\/", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "a b", "\\u0041"};
  io::safetensors_contents c;
  for (const std::string& n : names) c.add(n, safetensors_dtype::u8, {0}), c.add_metadata(n, n);
  io::safetensors_writer::create(here / "m", c).commit();
  const auto f = io::safetensors_file::open(here / "m");
  for (const std::string& n : names) {
    CHECK(f.find(n) != nullptr);
    CHECK(f.find_metadata(n) == n);
  }
}

TEST_CASE("tensors come in any order and take turns; all of their bytes come, and no more") {
  const support::folder here;
  io::safetensors_contents c;
  for (const char* name : {"a", "b", "c"}) c.add(name, safetensors_dtype::u8, {2});
  c.add("none", safetensors_dtype::u8, {0});
  auto w = io::safetensors_writer::create(here / "m", c);
  CHECK(rule(w.try_write("d", bytes_of("1"))) == "there is no such tensor");
  CHECK(rule(w.try_write("a", bytes_of("123"))) == "more bytes than the tensor has");
  w.write("b", bytes_of("3"));
  w.write("a", bytes_of("1"));
  CHECK(rule(w.try_write("a", bytes_of("23"))) == "more bytes than the tensor has");
  w.write("c", bytes_of("56"));
  CHECK(rule(w.try_write("c", bytes_of("7"))) == "the tensor is already written");
  CHECK(rule(w.try_write("none", bytes_of("7"))) == "more bytes than the tensor has");
  w.write("c", {});
  w.write("a", bytes_of("2"));
  const auto missing = w.try_commit();
  REQUIRE(!missing);
  CHECK(std::string(missing.error().what) == "bytes of a tensor are missing");
  CHECK(missing.error().where.ends_with("/m, tensor b"));
  CHECK(missing.error().value == 1);
  CHECK(missing.error().bound == 2);
  CHECK_THROWS_AS(w.commit(), io::file_error);
  CHECK(!std::filesystem::exists(here / "m"));
  w.write("b", bytes_of("4"));
  w.commit();
  CHECK(here.read("m").ends_with("123456"));
}

TEST_CASE("a file that is read is not written over; a writer that is given up leaves nothing") {
  const support::folder here;
  io::safetensors_contents c;
  c.add("a", safetensors_dtype::u8, {1});
  {
    auto w = io::safetensors_writer::create(here / "m", c);
    w.write("a", bytes_of("1"));
    auto moved = std::move(w);
    moved.commit();
  }
  const auto f = io::safetensors_file::open(here / "m");
  const io::file_identity reads[] = {f.input().identity()};
  const auto refused = io::safetensors_writer::try_create(here / "m", c, reads);
  REQUIRE(!refused);
  CHECK(std::string(refused.error().what) == "the file is being read, and is not written over");
  {
    auto given_up = io::safetensors_writer::create(here / "n", c);
    given_up.write("a", bytes_of("1"));
  }
  CHECK(here.names() == std::vector<std::string>{"m"});
}

TEST_CASE("a header that no reader takes is not written") {
  const support::folder here;
  io::safetensors_contents c;
  c.add_metadata("a", std::string(100'000'000, 'a'));
  const auto w = io::safetensors_writer::try_create(here / "m", c);
  REQUIRE(!w);
  CHECK(std::string(w.error().what) == "the header is too large");
  CHECK(here.names().empty());
}

TEST_CASE("after a failed write there is no file") {
  const support::folder here;
  io::safetensors_contents c;
  c.add("a", safetensors_dtype::u8, {1 << 16});
  auto w = io::safetensors_writer::create(here / "m", c);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string bytes(1 << 16, 'a');
  const auto failed = w.try_write("a", bytes_of(bytes));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, handler);
  CHECK(rule(failed) == "the file cannot be written");
  CHECK(rule(w.try_write("a", bytes_of(bytes))) == "an earlier write failed");
  CHECK(rule(w.try_commit()) == "an earlier write failed");
  CHECK(!std::filesystem::exists(here / "m"));
}

}  // namespace
