// Writing GGUF files: what is written is what the reader reads, every byte as the format wants it; what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/gguf_writer.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "io/folder.hpp"
#include "io/gguf_bytes.hpp"
#include "quern/io/gguf_reader.hpp"

namespace {

using namespace quern;
using namespace support;

template <class T>
std::string said(const io::result<T>& r) {
  return r ? "" : r.error().what;
}
std::string first(std::size_t n) { return std::string(n, 'x'); }

// All that small_gguf() holds, written; its data too.
void write_small(io::gguf_writer& w, const std::filesystem::path& path) {
  w.set("general.architecture", "test");
  w.set("a.u8", std::uint8_t{200}), w.set("a.i8", std::int8_t{-100});
  w.set("a.u16", std::uint16_t{60000}), w.set("a.i16", std::int16_t{-30000});
  w.set("a.u32", 4000000000u), w.set("a.i32", -2000000000);
  w.set("a.u64", ~std::uint64_t{0}), w.set("a.i64", std::int64_t{-5});
  w.set("a.f32", 1.5f), w.set("a.f64", 0.1), w.set("a.bool", true);
  const float floats[] = {1, -2, 0.25f};
  const std::string_view strings[] = {"one", "", "three"};
  const bool bools[] = {false, true};
  w.set_array<float>("a.floats", floats);
  w.set_strings("a.strings", strings);
  w.set_array<bool>("a.bools", bools);
  w.set_array<std::int64_t>("a.nothing", {});
  w.add_tensor("w.f32", {3, 2}, type_f32);
  w.add_tensor("w.q8_0", {64, 1, 2}, type_q8_0);
  w.add_tensor("w.none", {32, 0}, type_q4_0);
  w.add_tensor("w.i8", {5, 1, 1, 2}, type_i8);
  w.create(path);
  std::string data;
  for (unsigned i = 0; i < 224; ++i) data += static_cast<char>(static_cast<unsigned char>(i));
  const auto bytes = bytes_of(data);
  w.write("w.f32", bytes.first(24));
  for (std::size_t i = 0; i < 136; i += 17) w.write("w.q8_0", bytes.subspan(32 + i, 17));
  w.write("w.none", {});
  w.write("w.i8", bytes.subspan(192, 10));
  w.commit();
}

TEST_CASE("a written file is the one that was built byte by byte") {
  const folder here;
  io::gguf_writer w;
  write_small(w, here / "m.gguf");
  std::string expected = small_gguf().text();
  const std::size_t data = expected.size() - 224;
  for (const auto& [from, to] : {std::pair{24u, 32u}, {168u, 192u}, {202u, 224u}})
    for (std::size_t i = from; i < to; ++i) expected[data + i] = '\0';
  CHECK(here.read("m.gguf") == expected);
  CHECK(here.names() == std::vector<std::string>{"m.gguf"});
}

TEST_CASE("a file that is read and written again is the same") {
  const folder here;
  io::gguf_writer once;
  write_small(once, here / "a.gguf");
  const auto f = io::gguf_file::open(here / "a.gguf");
  io::gguf_writer w;
  for (std::size_t i = 0; i < f.entry_count(); ++i) w.set(f.entry(i).key, f.entry(i).value);
  for (std::size_t i = 0; i < f.tensor_count(); ++i) {
    const io::gguf_tensor t = f.tensor(i);
    w.add_tensor(t.name, std::span(t.dims).first(t.rank), t.type);
  }
  const io::file_identity reads[] = {f.file().identity()};
  CHECK(said(w.try_create(here / "a.gguf", reads)) == "the file is being read, and is not written over");
  w.create(here / "b.gguf", reads);
  aligned_bytes room;
  for (std::size_t i = 0; i < f.tensor_count(); ++i) w.write(f.tensor(i).name, f.view(f.tensor(i), room));
  w.commit();
  CHECK(here.read("b.gguf") == here.read("a.gguf"));
  const auto g = io::gguf_file::open(here / "b.gguf");
  for (std::size_t i = 0; i < f.entry_count(); ++i) {
    CHECK(f.entry(i).key == g.entry(i).key);
    CHECK(f.entry(i).value == g.entry(i).value);
  }
}

TEST_CASE("offsets are the running sum of padded sizes, for any alignment") {
  const folder here;
  for (const std::uint32_t alignment : {1u, 8u, 32u, 256u}) {
    io::gguf_writer w;
    w.set("general.alignment", alignment);
    for (const char* name : {"a", "b", "c"}) w.add_tensor(name, {33}, type_i8);
    w.create(here / "m.gguf");
    for (const char* name : {"a", "b", "c"}) w.write(name, bytes_of(first(33)));
    w.commit();
    const auto f = io::gguf_file::open(here / "m.gguf");
    const std::uint64_t padded = (33 + alignment - 1) / alignment * alignment;
    CHECK(f.alignment() == alignment);
    for (std::size_t i = 0; i < 3; ++i) CHECK(f.tensor(i).offset == f.data_offset() + i * padded);
    CHECK(f.file().size() == f.data_offset() + 3 * padded);
  }
}

TEST_CASE("without tensors, and with none that have bytes") {
  const folder here;
  io::gguf_writer none;
  none.create(here / "none.gguf");
  none.commit();
  CHECK(here.read("none.gguf") == gguf_bytes().header(0, 0).text());
  io::gguf_writer w;
  w.add_tensor("a", {0}, type_f32);
  w.add_tensor("b", {4, 0, 3}, type_f32);
  w.create(here / "m.gguf");
  w.commit();
  const auto f = io::gguf_file::open(here / "m.gguf");
  CHECK(f.tensor(0).rank == 1);
  CHECK(f.tensor(1).rank == 3);
  CHECK(f.tensor(1).dims == std::array<std::uint64_t, 4>{4, 0, 3, 1});
}

TEST_CASE("keys and values that are refused leave the writer as it was") {
  const folder here;
  io::gguf_writer w;
  w.set("k", 1);
  CHECK(said(w.try_set("k", 2)) == "two keys have one name");
  CHECK(said(w.try_set_array<int>("k", {})) == "two keys have one name");
  CHECK(said(w.try_set_strings("k", {})) == "two keys have one name");
  CHECK(said(w.try_set("", 1)) == "an empty key");
  CHECK(said(w.try_set(std::string_view("a\0b", 3), 1)) == "a NUL in a key");
  CHECK(said(w.try_set(std::string(65536, 'k'), 1)) == "a key of more than 65535 bytes");
  CHECK(w.try_set("k\n", 1));
  CHECK(w.try_set("k\n", 1).error().where == "key k\\x0a");
  CHECK(said(w.try_set("nested", io::gguf_value::array_at(io::gguf_value_type::array, 0, {}))) == "an array of arrays");
  const std::string not_u32 = "the alignment is not a number of type UINT32";
  CHECK(said(w.try_set("general.alignment", 32)) == not_u32);
  CHECK(said(w.try_set("general.alignment", "32")) == not_u32);
  CHECK(said(w.try_set_strings("general.alignment", {})) == not_u32);
  CHECK(said(w.try_set("general.alignment", 0u)) == "the alignment is not a power of two");
  CHECK(said(w.try_set("general.alignment", 24u)) == "the alignment is not a power of two");
  CHECK(said(w.try_set("general.alignment", 1u << 21)) == "the alignment is too large");
  w.add_tensor("t", {1}, type_i8);
  CHECK(said(w.try_set("general.alignment", 64u)) == "the alignment is set after a tensor");
  w.create(here / "m.gguf");
  CHECK(said(w.try_set("l", 1)) == "a key after the front of the file is written");
  w.write("t", bytes_of("t"));
  w.commit();
  const auto f = io::gguf_file::open(here / "m.gguf");
  CHECK(f.entry_count() == 2);
  CHECK(f.get<int>("k") == 1);
  CHECK_THROWS_AS(io::gguf_writer().set("", 1), io::file_error);
}

TEST_CASE("more metadata than readers accept is refused before it is copied") {
  const folder here;
  here.write("long", "");
  std::filesystem::resize_file(here / "long", std::uint64_t{1} << 30);  // of no bytes on the disk
  const auto file = io::input_file::try_open(here / "long");
  REQUIRE(file);
  aligned_bytes room;
  const std::string all = "more than 1 GiB of metadata";
  const auto bytes = *file->try_view(0, std::size_t{1} << 30, room);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string_view two[] = {text.substr(50), text.substr(50)};
  const std::span numbers(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  io::gguf_writer w;
  CHECK(said(w.try_set("key", text)) == all);
  CHECK(said(w.try_set("key", text.substr(24 + 8 + 3 + 4 + 7))) == all);
  CHECK(said(w.try_set_strings("key", two)) == all);
  CHECK(said(w.try_set_array<std::uint8_t>("key", numbers)) == all);
  CHECK(said(w.try_set_array<std::uint8_t>("key", numbers.subspan(24 + 8 + 3 + 4 + 11))) == all);
  CHECK(w.try_set("key", 1));
}

TEST_CASE("tensors that are refused leave the writer as it was") {
  io::gguf_writer w;
  w.add_tensor("t", {256}, type_q4_k);
  CHECK(said(w.try_add_tensor("t", {1}, type_i8)) == "two tensors have one name");
  CHECK(said(w.try_add_tensor("", {1}, type_i8)) == "a tensor without a name");
  CHECK(said(w.try_add_tensor(std::string(64, 'n'), {1}, type_i8)) == "a tensor's name of more than 63 bytes");
  CHECK(said(w.try_add_tensor(std::string_view("\0", 1), {1}, type_i8)) == "a NUL in the name of a tensor");
  CHECK(said(w.try_add_tensor("u", {}, type_i8)) == "a tensor without dimensions");
  CHECK(said(w.try_add_tensor("u", {1, 1, 1, 1, 1}, type_i8)) == "more than 4 dimensions");
  CHECK(said(w.try_add_tensor("u", {1}, 31)) == "no type of tensors has this number");
  CHECK(said(w.try_add_tensor("u", {128, 2}, type_q4_k)) == "a row is not whole blocks of its type");
  CHECK(said(w.try_add_tensor("u", {~std::uint64_t{0}}, type_i8)) == "a dimension is negative");
  const std::uint64_t half = std::uint64_t{1} << 62;
  CHECK(said(w.try_add_tensor("u", {half, 2}, type_i8)) == "too many elements to be counted");
  w.add_tensor("half", {half}, type_i8);
  CHECK(said(w.try_add_tensor("u", {half - 64}, type_i8)) == "too many bytes to be counted");
  CHECK(w.try_add_tensor("u", {1}, type_i8));
  CHECK(w.try_add_tensor("v", {std::uint64_t{1} << 40}, 100).error().text() ==
        "tensor v: no type of tensors has this number (100)");
}

TEST_CASE("tensors are written wholly, once, in their order") {
  const folder here;
  io::gguf_writer w;
  for (const char* name : {"a", "b", "none", "c"})
    w.add_tensor(name, {std::string_view(name) == "none" ? 0u : 4u}, type_i8);
  CHECK(said(w.try_write("a", {})) == "the file is not created yet");
  CHECK(said(w.try_commit()) == "the file is not created yet");
  CHECK(said(w.try_create(here / "no folder" / "m.gguf")) == "the file cannot be created");
  w.create(here / "m.gguf");
  CHECK(said(w.try_create(here / "m.gguf")) == "the file is created already");
  CHECK(said(w.try_add_tensor("d", {1}, type_i8)) == "a tensor after the front of the file is written");
  CHECK(said(w.try_write("b", bytes_of("bbbb"))) == "not the tensor whose turn it is");
  CHECK(said(w.try_write("x", bytes_of("xxxx"))) == "there is no such tensor");
  const auto more = w.try_write("a", bytes_of("aaaaa"));
  CHECK(said(more) == "more bytes than the tensor has");
  CHECK(more.error().value == 5);
  CHECK(more.error().bound == 4);
  w.write("a", bytes_of("aaa"));
  CHECK(said(w.try_commit()) == "a tensor is not written, or not wholly");
  CHECK(said(w.try_write("a", bytes_of("aa"))) == "more bytes than the tensor has");
  w.write("a", bytes_of("a"));
  CHECK(said(w.try_write("a", bytes_of("a"))) == "not the tensor whose turn it is");
  w.write("b", {});
  w.write("b", bytes_of("bbbb"));
  const auto missing = w.try_commit();
  CHECK(said(missing) == "a tensor is not written, or not wholly");
  CHECK(missing.error().where.ends_with("m.gguf, tensor c"));
  CHECK(here.names().size() <= 1);  // a temporary at most
  w.write("c", bytes_of("cccc"));
  CHECK(said(w.try_write("c", bytes_of("c"))) == "all tensors are written");
  w.commit();
  CHECK(said(w.try_write("c", {})) == "the file is finished, or an earlier write failed");
  CHECK(said(w.try_commit()) == "the file is finished, or an earlier write failed");
  const auto f = io::gguf_file::open(here / "m.gguf");
  aligned_bytes room;
  for (const char* name : {"a", "b", "c"}) CHECK(text_of(f.view(*f.find_tensor(name), room)) == std::string(4, *name));
}

TEST_CASE("after a write that failed nothing more is written, and nothing is left") {
  const folder here;
  io::gguf_writer w;
  w.add_tensor("a", {4096}, type_i8), w.add_tensor("b", {4}, type_i8);
  w.create(here / "m.gguf");
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{1024, before.rlim_max};
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto failed = w.try_write("a", bytes_of(first(4096)));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, handler);
  CHECK(said(failed) == "the file cannot be written");
  CHECK(said(w.try_write("b", bytes_of("bbbb"))) == "the file is finished, or an earlier write failed");
  CHECK(said(w.try_commit()) == "the file is finished, or an earlier write failed");
  w = io::gguf_writer();
  CHECK(here.names().empty());
}

TEST_CASE("a file that is given up leaves the old one, or nothing") {
  const folder here;
  here.write("m.gguf", "before");
  {
    io::gguf_writer w;
    w.add_tensor("a", {4}, type_i8);
    w.create(here / "m.gguf");
    w.write("a", bytes_of("aa"));
  }
  CHECK(here.read("m.gguf") == "before");
  CHECK(here.names() == std::vector<std::string>{"m.gguf"});
}

}  // namespace
