// GGUF files that are wrong: each kind is refused by the rule that it breaks. Here all of a file but its values.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "io/folder.hpp"
#include "io/gguf_refusals.hpp"
#include "quern/io/gguf_reader.hpp"

namespace {

using namespace quern;
using namespace support;
using io::gguf_header;

gguf_bytes aligned(std::uint32_t alignment) {
  return start(1, 1).key_u32("general.alignment", alignment).tensor("t", {1}, type_f32, 0).zeros(4096);
}

TEST_CASE("preambles") {
  CHECK(said({}) == "shorter than the least GGUF file");
  CHECK(said(gguf_bytes().raw("GGU")) == "shorter than the least GGUF file");
  CHECK(said(gguf_bytes().raw("GGUF").n32(3).n64(0).n32(0).zeros(3)) == "shorter than the least GGUF file");
  CHECK(said(gguf_bytes().raw("GGML").zeros(20)) == "not a GGUF file");
  CHECK(said(gguf_bytes().raw("gguf").zeros(20)) == "not a GGUF file");
  CHECK(said(gguf_bytes().raw("FUGG").zeros(20)) == "not a GGUF file");
  CHECK(said(gguf_bytes().header(0, 0, 1)) == "version 1 of GGUF, which is obsolete and not read");
  for (const std::uint32_t version : {0u, 4u, 5u, 0x10003u, ~0u})
    CHECK(said(gguf_bytes().header(0, 0, version)) == "no known version of GGUF");
  for (const std::uint32_t version : {0x03000000u, 0x02000000u, 0x00030000u})
    CHECK(said(gguf_bytes().header(0, 0, version)) == "a big-endian GGUF file, and only little-endian ones are read");
}

TEST_CASE("counts beyond the file") {
  const std::string tensors = "more tensors than the file has room for", keys = "more keys than the file has room for";
  for (const std::uint64_t n : {std::uint64_t{1}, big, most, most >> 1, std::uint64_t{1} << 63}) {
    CHECK(said(start(n, 0)) == tensors);
    CHECK(said(start(0, n)) == keys);
  }
  // Counts that are small when they are multiplied by the least size of what they count, and wrap.
  CHECK(said(start(most / 25 + 1, 0).zeros(64)) == tensors);
  CHECK(said(start(0, most / 14 + 1).zeros(64)) == keys);
  CHECK(said(start(2, 0).zeros(49)) == tensors);
  CHECK(said(start(0, 2).zeros(27)) == keys);
  CHECK(said(start(0, 2).key("k", u64).zeros(8).key("l", u32)) == "the file ends within its metadata");
  CHECK(where(start(0, 2).key("k", u16).zeros(2).n64(1).raw("l").n32(u8)) == "f, key l");
  CHECK(where(start(0, 2).key("k", u8).zeros(1).n64(7).zeros(6)) == "f, key number 1");
}

TEST_CASE("keys") {
  CHECK(said(start(0, 1).key("", u8).zeros(9)) == "an empty key");
  CHECK(said(start(0, 1).key(std::string_view("a\0", 2), u8).zeros(9)) == "a NUL in a key");
  CHECK(said(start(0, 1).key(std::string(65536, 'k'), u8).zeros(9)) == "a key of more than 65535 bytes");
  CHECK(said(start(0, 1).n64(most).zeros(99)) == "a key of more than 65535 bytes");
  CHECK(said(start(0, 1).n64(65535).zeros(99)) == "a string is longer than the rest of the file");
  const gguf_bytes twice = start(0, 3).key("k", u8).zeros(1).key("l", u8).zeros(1).key("k", u16).zeros(2);
  CHECK(said(twice) == "two keys have one name");
  CHECK(where(twice) == "f, key k");
  const auto h = gguf_header::try_parse(twice.bytes());
  CHECK(h.error().offset == 24 + 2 * 14);
}

TEST_CASE("the alignment") {
  const std::string not_u32 = "the alignment is not a number of type UINT32";
  CHECK(said(start(0, 1).key("general.alignment", u64).n64(32)) == not_u32);
  CHECK(said(start(0, 1).key("general.alignment", i32).n32(32)) == not_u32);
  CHECK(said(start(0, 1).key("general.alignment", str).string("32")) == not_u32);
  CHECK(said(start(0, 1).array("general.alignment", u32, 1).n32(32)) == not_u32);
  for (const std::uint32_t a : {0u, 3u, 33u, ~0u}) CHECK(said(aligned(a)) == "the alignment is not a power of two");
  for (const std::uint32_t a : {1u << 21, 1u << 31}) CHECK(said(aligned(a)) == "the alignment is too large");
  CHECK(where(aligned(0)) == "f, key general.alignment");
  CHECK(said(aligned(64)).empty());
}

TEST_CASE("names of tensors") {
  const auto named = [](std::string_view name) { return start(1, 0).tensor(name, {1}, type_f32, 0).pad(32).zeros(64); };
  CHECK(said(named("")) == "a tensor without a name");
  CHECK(where(named("")) == "f, tensor number 0");
  CHECK(said(named(std::string_view("a\0", 2))) == "a NUL in the name of a tensor");
  CHECK(said(named(std::string(64, 'n'))) == "a tensor's name of more than 63 bytes");
  CHECK(said(start(1, 0).n64(most).zeros(99)) == "a tensor's name of more than 63 bytes");
  CHECK(said(start(1, 0).n64(63).zeros(40)) == "a string is longer than the rest of the file");
  gguf_bytes twice = start(3, 0);
  for (const char* name : {"t", "u", "t"}) twice.tensor(name, {0}, type_f32, 0);
  CHECK(said(twice.pad(32)) == "two tensors have one name");
  CHECK(where(twice) == "f, tensor t");
}

TEST_CASE("dimensions and types") {
  CHECK(said(one({1, 1, 1, 1, 1}, type_f32)) == "more than 4 dimensions");
  CHECK(said(start(1, 0).string("t").n32(~0u).zeros(99)) == "more than 4 dimensions");
  CHECK(said(one({most}, type_f32)) == "a dimension is negative");
  CHECK(said(one({1, 1, 1, std::uint64_t{1} << 63}, type_f32)) == "a dimension is negative");
  CHECK(said(one({big, big}, type_f32)) == "too many elements to be counted");
  CHECK(said(one({0, big, big}, type_f32)) == "too many elements to be counted");
  CHECK(said(one({big, 1, 0, big}, type_f32)) == "too many elements to be counted");
  CHECK(said(one({most >> 1}, type_f32)) == "too many bytes to be counted");
  for (const std::uint32_t type : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 43u, 1u << 31, ~0u})
    CHECK(said(one({256}, type)) == "no type of tensors has this number");
  CHECK(said(one({33}, type_q8_0)) == "a row is not whole blocks of its type");
  CHECK(said(one({128, 2}, type_q4_k)) == "a row is not whole blocks of its type");
  CHECK(said(one({}, type_q4_k)) == "a row is not whole blocks of its type");
  CHECK(where(one({33}, type_q8_0)) == "f, tensor t");
}

TEST_CASE("the place of the data") {
  CHECK(said(one({1}, type_f32, 1)) == "the offset is not a multiple of the alignment");
  CHECK(said(one({1}, type_f32, most)) == "the offset is not a multiple of the alignment");
  CHECK(said(one({1}, type_f32, most - 31)) == "the data begins beyond the end of the file");
  CHECK(said(one({0}, type_f32, 4096 + 32)) == "the data begins beyond the end of the file");
  CHECK(said(one({1}, type_f32, 4096)) == "the data ends beyond the end of the file");
  CHECK(said(one({1025}, type_f32)) == "the data ends beyond the end of the file");
  CHECK(said(one({big - 1, big / 8}, type_f32)) == "the data ends beyond the end of the file");
  CHECK(said(one({1024}, type_f32)).empty());
  CHECK(said(start(1, 0).tensor("t", {0}, type_f32, 0)) == "the file ends before its data");
  const auto two = [](std::uint64_t a, std::uint64_t b) {
    return start(3, 0)
        .tensor("a", {64}, type_i8, a)
        .tensor("none", {0}, type_i8, 32)
        .tensor("b", {64}, type_i8, b)
        .pad(32)
        .zeros(256);
  };
  CHECK(said(two(0, 64)).empty());
  CHECK(said(two(64, 0)).empty());
  const std::string shared = "two tensors share bytes";
  CHECK(said(two(0, 0)) == shared);
  CHECK(said(two(0, 32)) == shared);
  CHECK(said(two(32, 0)) == shared);
  CHECK(where(two(32, 0)) == "f, tensor a");
  CHECK(where(two(0, 32)) == "f, tensor b");
}

TEST_CASE("a file cut at any byte is refused, or what is left of it is whole") {
  const std::string whole = small_gguf().text();
  std::size_t refused = 0;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const gguf_bytes cut = gguf_bytes().raw(whole.substr(0, n));
    const std::string what = said(cut);
    refused += !what.empty();
    // Whole as soon as the last tensor, of 10 bytes at 192 of 224, is.
    CHECK(what.empty() == (n >= whole.size() - 22));
    // Before that the counts of the preamble are refused.
    if (n >= 24 + 16 * 14 && n < whole.size() - 22) CHECK(where(cut).starts_with("f, "));
  }
  CHECK(refused == whole.size() - 22);
}

TEST_CASE("any one byte changed is refused or harmless") {
  const std::string whole = small_gguf().text();
  for (std::size_t i = 0; i < whole.size() - 224; ++i)
    for (const unsigned bit : {1u, 0x10u, 0x80u, 0xffu}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ static_cast<char>(bit));
      const gguf_bytes b = gguf_bytes().raw(changed);
      const auto h = gguf_header::try_parse(b.bytes());
      if (!h) {
        CHECK(*h.error().what != '\0');
        continue;
      }
      for (std::size_t t = 0; t < h->tensor_count(); ++t)
        CHECK(h->tensor(t).offset + h->tensor(t).bytes <= changed.size());
    }
}

TEST_CASE("a front that is too short says how much is needed, and the longer one gives the same") {
  const gguf_bytes b = small_gguf();
  std::size_t rounds = 0;
  for (std::uint64_t take = 0, needed = 1; needed != 0; ++rounds) {
    const auto h = gguf_header::try_parse_front(b.bytes().first(take), b.bytes().size(), "f", needed);
    CHECK(h.has_value() == (needed == 0));
    if (h) CHECK(h->tensor_count() == 4);
    else CHECK(std::string(h.error().what) == "the front of the file is too short");
    CHECK((needed == 0 || needed > take));
    take = needed;
  }
  CHECK(rounds > 50);
  std::uint64_t needed = 1;
  CHECK(!gguf_header::try_parse_front(b.bytes(), 30, "f", needed));
  CHECK(needed == 0);
}

TEST_CASE("files that are refused are refused when they are opened, too") {
  const folder here;
  here.write("m.gguf", one({33}, type_q8_0).text());
  here.write("empty.gguf", "");
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto f = io::gguf_file::try_open(here / "m.gguf", how);
    REQUIRE(!f);
    CHECK(f.error().where == (here / "m.gguf").native() + ", tensor t");
    const auto empty = io::gguf_file::try_open(here / "empty.gguf", how);
    REQUIRE(!empty);
    CHECK(std::string(empty.error().what) == "shorter than the least GGUF file");
  }
}

}  // namespace
