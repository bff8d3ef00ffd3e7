// What was a vulnerability in other readers of GGUF is refused, or harmless, in this one: a case for each, by number.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "io/gguf_refusals.hpp"
#include "quern/io/gguf_reader.hpp"

namespace {

using namespace quern;
using namespace support;
using io::gguf_header;

// ---- early 2024: counts and lengths that wrapped before memory was taken for them ----

TEST_CASE("CVE-2024-21802: more dimensions than there is room for, and dimensions that wrap") {
  CHECK(said(start(1, 0).string("t").n32(5).zeros(99)) == "more than 4 dimensions");
  CHECK(said(start(1, 0).string("t").n32(~0u).zeros(99)) == "more than 4 dimensions");
  CHECK(said(one({big, big, 1, 1}, type_f32)) == "too many elements to be counted");
}
TEST_CASE("CVE-2024-21825: an array whose count times the size of its elements wraps") {
  CHECK(said(start(0, 1).array("k", u64, most / 8 + 2).zeros(64)) == "an array is longer than the rest of the file");
  CHECK(said(start(0, 1).array("k", str, most / 16 + 2).zeros(64)) == "an array is longer than the rest of the file");
}
TEST_CASE("CVE-2024-21836: a count of tensors that wraps") {
  for (const std::uint64_t n : {most, most / 88 + 2, std::uint64_t{1} << 63})
    CHECK(said(start(n, 0).zeros(64)) == "more tensors than the file has room for");
}
TEST_CASE("CVE-2024-23496: a string whose length plus one wraps") {
  CHECK(said(start(0, 1).n64(most).zeros(64)) == "a key of more than 65535 bytes");
  CHECK(said(start(0, 1).key("k", str).n64(most).zeros(64)) == "a string of more than 1 GiB");
}
TEST_CASE("CVE-2024-23605: a count of keys that wraps") {
  for (const std::uint64_t n : {most, most / 48 + 2, std::uint64_t{1} << 63})
    CHECK(said(start(0, n).zeros(64)) == "more keys than the file has room for");
}
TEST_CASE("CVE-2024-25664: a count of keys beyond the file") {
  CHECK(said(start(0, 1000).key("k", u8).zeros(1)) == "more keys than the file has room for");
}
TEST_CASE("CVE-2024-25665: a string of a value that is longer than the file") {
  CHECK(said(start(0, 1).key("k", str).n64(65).zeros(64)) == "a string is longer than the rest of the file");
}
TEST_CASE("CVE-2024-25666: a count of tensors beyond the file") {
  CHECK(said(start(1000, 0).zeros(64)) == "more tensors than the file has room for");
}
TEST_CASE("CVE-2024-25667: a count of elements that is the file's own") {
  CHECK(said(start(0, 1).array("k", f32, 17).zeros(64)) == "an array is longer than the rest of the file");
}
TEST_CASE("CVE-2024-25668: strings of an array, each of which says how long it is") {
  CHECK(said(start(0, 1).array("k", str, 2).string("a").n64(64).zeros(8)) ==
        "a string is longer than the rest of the file");
  CHECK(said(start(0, 1).array("k", str, 2).string("a").n64(most - 8).zeros(8)) == "a string of more than 1 GiB");
}
TEST_CASE("CVE-2024-32878: a file that ends in the middle of a key, a value, a name") {
  CHECK(said(start(0, 1).n64(7).raw("the ke")) == "a string is longer than the rest of the file");
  CHECK(said(start(0, 1).key("k", str).n64(6).raw("value")) == "a string is longer than the rest of the file");
  CHECK(said(start(0, 2).key("k", str).string("value").n64(6).raw("k")) ==
        "a string is longer than the rest of the file");
  CHECK(said(start(2, 0).tensor("t", {0, 0}, type_f32, 0).n64(6).raw("t")) ==
        "a string is longer than the rest of the file");
}

// ---- remote procedure calls of ggml, where a peer sends the same description of a tensor ----

TEST_CASE("CVE-2024-42477: a type that the table of types has not") {
  for (const std::uint32_t type : {43u, 1000u, 1u << 31, ~0u})
    CHECK(said(one({32}, type)) == "no type of tensors has this number");
}
TEST_CASE("CVE-2024-42478, CVE-2024-42479: data anywhere in memory") {
  for (const std::uint64_t offset : {std::uint64_t{8192}, big, most - 31, std::uint64_t{1} << 63})
    CHECK(said(one({1}, type_f32, offset)) == "the data begins beyond the end of the file");
}

// ---- vocabularies ----

TEST_CASE("CVE-2025-49847: a token's length that is small or negative in 32 bits") {
  CHECK(said(start(0, 1).array("tokenizer.ggml.tokens", str, 1).n64(big + 1).raw("a")) ==
        "a string of more than 1 GiB");
  CHECK(said(start(0, 1).array("tokenizer.ggml.tokens", str, 1).n64(big / 2).raw("a")) ==
        "a string of more than 1 GiB");
}
TEST_CASE("CVE-2025-52566: numbers that change their sign when they are converted") {
  const gguf_bytes b = start(0, 1).key_u32("k", ~0u);
  const auto h = gguf_header::parse(b.bytes());
  CHECK(std::string(h.try_get<std::int32_t>("k").error().what) == "the integer does not fit");
  CHECK(h.get<std::int64_t>("k") == 4294967295);
}

// ---- sizes of tensors ----

TEST_CASE("CVE-2025-53630: sizes whose running sum wraps") {
  const std::uint64_t half = (std::uint64_t{1} << 63) - 32;
  gguf_bytes b = start(3, 0);
  b.tensor("a", {half}, type_i8, 0).tensor("b", {half}, type_i8, half).tensor("c", {128}, type_i8, half + half);
  CHECK(said(b.pad(32).zeros(4096)) == "the data ends beyond the end of the file");
}
TEST_CASE("CVE-2026-27940: sizes that wrap when padding or overhead is added") {
  CHECK(said(one({most >> 1}, type_i8)) == "the data ends beyond the end of the file");
  CHECK(said(one({most / 2 - 31}, type_q8_0)) == "too many bytes to be counted");
  CHECK(said(one({4, (std::uint64_t{1} << 30) - 1, (std::uint64_t{1} << 30) + 1}, type_f32)) ==
        "too many bytes to be counted");
}
TEST_CASE("CVE-2026-33298: dimensions that come to exabytes, or to none when they wrap") {
  CHECK(said(one({big, big}, type_f32)) == "too many elements to be counted");
  CHECK(said(one({big, big / 4}, type_f32)) == "too many bytes to be counted");
  CHECK(said(one({1024, 1024, 1024, big / 16}, type_f32)) == "the data ends beyond the end of the file");
  CHECK(said(one({big, big, big, 0}, type_f32)) == "too many elements to be counted");
}
TEST_CASE("CVE-2026-7482, CVE-2024-12055: tensors that are larger than the file") {
  CHECK(said(one({1025}, type_f32)) == "the data ends beyond the end of the file");
  CHECK(said(one({1, 1024}, type_f32, 32)) == "the data ends beyond the end of the file");
  CHECK(said(one({1}, type_f32, 8192)) == "the data begins beyond the end of the file");
}
TEST_CASE("CVE-2026-53923: dimensions of more than 32 bits stay what they are") {
  const gguf_bytes b = one({big + 32, 0, big / 4}, type_q8_0);
  const auto h = gguf_header::parse(b.bytes());
  CHECK(h.tensor(0).cols() == big + 32);
  CHECK(h.tensor(0).dims[2] == big / 4);
  CHECK(h.tensor(0).bytes == 0);
  CHECK(said(one({big + 32, 1}, type_q8_0)) == "the data ends beyond the end of the file");
}

// ---- divisions by what a file says ----

TEST_CASE("CVE-2024-8063: a type without a block size") {
  for (const std::uint32_t type : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u})
    CHECK(said(one({32}, type)) == "no type of tensors has this number");
}
TEST_CASE("CVE-2025-0312: a file without the keys that a program expects") {
  const gguf_bytes b = start(0, 0);
  const auto h = gguf_header::parse(b.bytes());
  CHECK(!h.find("general.architecture"));
  CHECK(std::string(h.try_get<std::string_view>("general.architecture").error().what) == "there is no such key");
}
TEST_CASE("CVE-2025-0315: counts that ask for memory without end") {
  CHECK(said(start(0, 1).array("k", u8, std::uint64_t{1} << 40).zeros(64)) ==
        "an array is longer than the rest of the file");
  CHECK(said(start(0, std::uint64_t{1} << 40).zeros(64)) == "more keys than the file has room for");
}
TEST_CASE("CVE-2025-0317: an alignment of 0") {
  const gguf_bytes b = start(1, 1).key_u32("general.alignment", 0).tensor("t", {1}, type_f32, 0).zeros(64);
  CHECK(said(b) == "the alignment is not a power of two");
}

// ---- without a number ----

TEST_CASE("dimensions beyond those that an assertion guards; an array of bytes that is read as one of floats") {
  CHECK(said(start(1, 0).string("t").n32(9).zeros(99)) == "more than 4 dimensions");
  const gguf_bytes b = start(0, 1).array("tokenizer.ggml.scores", u8, 4).zeros(4);
  const auto h = gguf_header::parse(b.bytes());
  CHECK(std::string(h.try_get<io::gguf_array<float>>("tokenizer.ggml.scores").error().what) ==
        "the array's elements are of another type");
}
TEST_CASE("an alignment so large that padding is without end, and one that wraps") {
  for (const std::uint32_t a : {1u << 21, 1u << 31}) {
    const gguf_bytes b = start(1, 1).key_u32("general.alignment", a).tensor("t", {1}, type_f32, 0).zeros(64);
    CHECK(said(b) == "the alignment is too large");
  }
}

}  // namespace
