// GGUF files that are right: what is read is what they hold, mapped or not, of any size.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/gguf_reader.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "io/folder.hpp"
#include "io/gguf_bytes.hpp"

namespace {

using namespace quern;
using namespace support;
using io::gguf_header;

std::string said(const auto& r) { return r ? "" : r.error().what; }

void check_small(const gguf_header& h) {
  CHECK(h.alignment() == 32);
  CHECK(h.data_offset() % 32 == 0);
  REQUIRE(h.entry_count() == 16);
  CHECK(h.entry(0).key == "general.architecture");
  CHECK(h.entry(15).key == "a.nothing");
  CHECK(h.get<std::string_view>("general.architecture") == "test");
  CHECK(h.get<int>("a.u8") == 200);
  CHECK(h.get<int>("a.i8") == -100);
  CHECK(h.get<int>("a.u16") == 60000);
  CHECK(h.get<int>("a.i16") == -30000);
  CHECK(h.get<unsigned>("a.u32") == 4000000000u);
  CHECK(h.get<int>("a.i32") == -2000000000);
  CHECK(h.get<std::uint64_t>("a.u64") == ~std::uint64_t{0});
  CHECK(h.get<long long>("a.i64") == -5);
  CHECK(h.get<float>("a.f32") == 1.5f);
  CHECK(h.get<double>("a.f64") == 0.1);
  CHECK(h.get<bool>("a.bool"));
  const auto floats = h.get<io::gguf_array<float>>("a.floats");
  REQUIRE(floats.size() == 3);
  CHECK(floats[2] == 0.25f);
  const auto strings = h.get<io::gguf_strings>("a.strings");
  CHECK(std::vector<std::string_view>(strings.begin(), strings.end()) ==
        std::vector<std::string_view>{"one", "", "three"});
  CHECK(h.get<io::gguf_array<bool>>("a.bools")[1]);
  CHECK(h.get<io::gguf_array<std::int64_t>>("a.nothing").size() == 0);

  REQUIRE(h.tensor_count() == 4);
  const io::gguf_tensor a = h.tensor(0), b = h.tensor(1), c = h.tensor(2), d = h.tensor(3);
  CHECK(a.name == "w.f32");
  CHECK(a.rank == 2);
  CHECK(a.cols() == 3);
  CHECK(a.rows() == 2);
  CHECK(a.bytes == 24);
  CHECK(a.offset == h.data_offset());
  CHECK(a.type_name() == "F32");
  CHECK(b.dims == std::array<std::uint64_t, 4>{64, 1, 2, 1});
  CHECK(b.rank == 3);
  CHECK(b.rows() == 2);
  CHECK(b.bytes == 136);
  CHECK(b.offset == h.data_offset() + 32);
  CHECK(c.rows() == 0);
  CHECK(c.bytes == 0);
  CHECK(d.rank == 4);
  CHECK(d.rows() == 2);
  CHECK(d.type == type_i8);
  CHECK(d.bytes == 10);
}

TEST_CASE("metadata and tensors of a file in memory, versions 2 and 3") {
  for (const std::uint32_t version : {2u, 3u}) {
    const gguf_bytes file = small_gguf(version);
    const auto h = gguf_header::try_parse(file.bytes());
    REQUIRE_MESSAGE(h, h.error().text());
    CHECK(h->version() == version);
    check_small(*h);
  }
}

TEST_CASE("what is not there is not found, and says of which file") {
  const gguf_bytes file = small_gguf();
  const auto h = gguf_header::parse(file.bytes(), "m\n.gguf");
  for (const char* name : {"", "a", "a.u8 ", "zzz", "general.architectur"}) {
    CHECK(!h.find(name));
    CHECK(!h.find_tensor(name));
  }
  CHECK(h.try_get<int>("b").error().text() == "m\\x0a.gguf, key b: there is no such key");
  CHECK(h.try_get<int>("a.f32").error().text() == "m\\x0a.gguf, key a.f32: the value is not an integer (6)");
  CHECK(h.find_tensor("w.i8")->bytes == 10);
  CHECK(!h.find_tensor("a.u8"));
  CHECK(!h.find("w.i8"));
  CHECK_THROWS_AS(h.get<int>("b"), io::file_error);
  CHECK_THROWS_AS(gguf_header::parse({}), io::file_error);
}

TEST_CASE("bytes of tensors of a file, mapped or read") {
  const folder here;
  here.write("m.gguf", small_gguf().text());
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto opened = io::gguf_file::try_open(here / "m.gguf", how);
    REQUIRE(opened);
    const io::gguf_file f = io::gguf_file(io::gguf_file::open(here / "m.gguf", how));
    check_small(f);
    CHECK(f.file().is_mapped() == (how == io::access::mapped));
    const io::gguf_tensor t = *f.find_tensor("w.q8_0");
    aligned_bytes room;
    const auto all = f.view(t, room);
    REQUIRE(all.size() == 136);
    CHECK(room.span().empty() == f.file().is_mapped());
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i] == std::byte(32 + i));
    const auto some = f.view(t, 100, 36, room);
    REQUIRE(some.size() == 36);
    CHECK(some[0] == std::byte{132});
    std::vector<std::byte> piece(5);
    f.read(t, 3, piece);
    CHECK(piece[4] == std::byte(32 + 7));
    CHECK(f.view(*f.find_tensor("w.none"), room).empty());
    const std::string beyond = "bytes beyond the end of the tensor";
    CHECK(said(f.try_view(t, 100, 37, room)) == beyond);
    CHECK(said(f.try_view(t, 137, 0, room)) == beyond);
    CHECK(said(f.try_view(t, 1, ~std::uint64_t{0}, room)) == beyond);
    CHECK(said(f.try_read(t, 132, piece)) == beyond);
    CHECK(f.try_read(t, 132, piece).error().where == f.file_name() + ", tensor w.q8_0");
    CHECK_THROWS_AS(f.read(t, 132, piece), io::file_error);
    io::gguf_tensor forged = t;
    forged.offset = ~std::uint64_t{0};
    CHECK(said(f.try_view(forged, room)) == beyond);
    forged.offset = 1u << 20;
    CHECK(said(f.try_view(forged, room)) == "bytes beyond the end of the file");
  }
  const auto missing = io::gguf_file::try_open(here / "missing.gguf");
  CHECK(said(missing) == "the file cannot be opened");
  CHECK_THROWS_AS(io::gguf_file::open(here.path()), io::file_error);
}

TEST_CASE("data may lie in any order and with gaps, and the last tensor need not be padded") {
  gguf_bytes b;
  b.header(4, 0);
  b.tensor("a", {8}, type_i8, 128)
      .tensor("b", {32}, type_i8, 0)
      .tensor("z", {0}, type_i8, 128)
      .tensor("c", {1}, type_i8, 32);
  b.pad(32).zeros(128 + 8);
  const auto h = gguf_header::try_parse(b.bytes());
  REQUIRE_MESSAGE(h, h.error().text());
  CHECK(h->tensor(0).offset == h->data_offset() + 128);
  CHECK(h->tensor(3).offset == h->data_offset() + 32);
}

TEST_CASE("alignments are powers of two up to 2^20") {
  for (const std::uint32_t alignment : {1u, 2u, 8u, 64u, 4096u, 1u << 20}) {
    gguf_bytes b;
    b.header(2, 1).key_u32("general.alignment", alignment);
    b.tensor("a", {1}, type_i8, 0).tensor("b", {1}, type_i8, alignment).pad(alignment).zeros(alignment + 1);
    const auto h = gguf_header::try_parse(b.bytes());
    REQUIRE_MESSAGE(h, h.error().text());
    CHECK(h->alignment() == alignment);
    CHECK(h->data_offset() % alignment == 0);
    CHECK(h->tensor(1).offset == h->data_offset() + alignment);
  }
}

TEST_CASE("a tensor without dimensions is a number; names may be long, values may hold anything") {
  gguf_bytes b;
  b.header(2, 2)
      .key(std::string(65535, 'k'), str)
      .string(std::string_view("\0\xff\n", 3))
      .key("UPPER case!", u8)
      .zeros(1);
  b.tensor("n", {}, type_f32, 0).tensor(std::string(63, 'n'), {1}, type_f32, 32).pad(32).zeros(64);
  const auto h = gguf_header::try_parse(b.bytes());
  REQUIRE_MESSAGE(h, h.error().text());
  CHECK(h->tensor(0).rank == 0);
  CHECK(h->tensor(0).rows() == 1);
  CHECK(h->tensor(0).bytes == 4);
  CHECK(h->get<std::string_view>(std::string(65535, 'k')) == std::string_view("\0\xff\n", 3));
  CHECK(h->find_tensor(std::string(63, 'n')));
}

TEST_CASE("a file without tensors needs no padding, and one without keys has none") {
  const gguf_bytes none = gguf_bytes().header(0, 0);
  const auto h = gguf_header::try_parse(none.bytes());
  REQUIRE(h);
  CHECK(h->entry_count() == 0);
  CHECK(h->tensor_count() == 0);
  const gguf_bytes odd = gguf_bytes().header(0, 1).key("k", u8).zeros(1);
  CHECK(gguf_header::try_parse(odd.bytes()));
}

TEST_CASE("metadata longer than the first read, and many keys, are read in a time that does not grow as their square") {
  const folder here;
  constexpr std::size_t count = 200000;
  gguf_bytes b;
  b.header(count, count);
  for (std::size_t i = 0; i < count; ++i) b.key_u32("key." + std::to_string(count - i), static_cast<std::uint32_t>(i));
  for (std::size_t i = 0; i < count; ++i) b.tensor("t" + std::to_string(i), {0}, type_f32, 0);
  b.pad(32);
  here.write("m.gguf", b.text());
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto f = io::gguf_file::open(here / "m.gguf", how);
    CHECK(f.entry_count() == count);
    CHECK(f.entry(7).key == "key." + std::to_string(count - 7));
    CHECK(f.get<std::size_t>("key.1") == count - 1);
    CHECK(f.find_tensor("t" + std::to_string(count - 1)));
  }
}

TEST_CASE("tensors beyond 2^32 bytes are described and read") {
  const folder here;
  gguf_bytes b;
  const std::uint64_t cols = (std::uint64_t{1} << 32) + 32;
  b.header(3, 0).tensor("a", {cols, 2}, type_i8, 0).tensor("none", {cols, 0}, type_i8, 2 * cols);
  b.tensor("b", {4}, type_i8, 2 * cols).pad(32);
  here.write("m.gguf", b.text());
  const std::uint64_t data = b.text().size();
  std::filesystem::resize_file(here / "m.gguf", data + 2 * cols + 4);
  std::fstream end(here / "m.gguf", std::ios::in | std::ios::out | std::ios::binary);
  end.seekp(static_cast<std::streamoff>(data + 2 * cols)) << "last";
  REQUIRE(end.flush().good());
  const auto f = io::gguf_file::open(here / "m.gguf", io::access::read);
  CHECK(f.tensor(0).cols() == cols);
  CHECK(f.tensor(0).bytes == 2 * cols);
  CHECK(f.tensor(1).cols() == cols);
  CHECK(f.tensor(1).bytes == 0);
  aligned_bytes room;
  CHECK(text_of(f.view(f.tensor(2), room)) == "last");
  CHECK(f.view(f.tensor(0), 2 * cols - 8, 8, room).size() == 8);
}

}  // namespace
