// GGUF files with a wrong value in their metadata: each kind is refused by the rule that it breaks.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "io/folder.hpp"
#include "io/gguf_refusals.hpp"
#include "quern/io/gguf_reader.hpp"

namespace {

using namespace quern;
using namespace support;
using io::gguf_header;

gguf_bytes value(std::uint32_t type) { return gguf_bytes().header(0, 1).key("k", type); }
gguf_bytes array(std::uint32_t element, std::uint64_t count) {
  return gguf_bytes().header(0, 1).array("k", element, count);
}

TEST_CASE("types of values") {
  for (const std::uint32_t type : {13u, 14u, 256u, 1u << 31, ~0u}) {
    CHECK(said(value(type).zeros(99)) == "no type of values has this number");
    CHECK(said(array(type, 1).zeros(99)) == "no type of elements has this number");
    CHECK(said(array(type, 0).zeros(99)) == "no type of elements has this number");
    CHECK(said(array(type, most).zeros(99)) == "no type of elements has this number");
  }
  CHECK(said(array(arr, 1).n32(u8).n64(0)) == "an array of arrays");
  CHECK(said(array(arr, 0)) == "an array of arrays");
}

TEST_CASE("numbers") {
  const unsigned sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  for (std::uint32_t type = 0; type < 13; ++type)
    if (sizes[type] != 0) {
      CHECK(said(value(type).zeros(sizes[type])).empty());
      CHECK(said(value(type).zeros(sizes[type] - 1)) ==
            (sizes[type] > 1 ? "the file ends within its metadata" : "more keys than the file has room for"));
    }
  CHECK(said(gguf_bytes().header(0, 1).n64(2).raw("kk").zeros(3)) == "more keys than the file has room for");
  CHECK(said(gguf_bytes().header(0, 1).n64(3).raw("kkk").zeros(3)) == "the file ends within its metadata");
  for (const unsigned x : {2u, 128u, 255u}) {
    CHECK(said(value(boolean).number<std::uint8_t>(static_cast<std::uint8_t>(x))) == "a bool that is neither 0 nor 1");
    CHECK(said(array(boolean, 3).zeros(2).number<std::uint8_t>(static_cast<std::uint8_t>(x))) ==
          "a bool that is neither 0 nor 1");
  }
}

TEST_CASE("strings") {
  CHECK(said(value(str).string("abc")).empty());
  CHECK(said(value(str).n64(4).raw("abc")) == "a string is longer than the rest of the file");
  CHECK(said(value(str).n32(3).raw("abc")) == "the file ends within its metadata");
  CHECK(said(value(str).n64(std::uint64_t{1} << 30).raw("abc")) == "a string is longer than the rest of the file");
  for (const std::uint64_t n : {(std::uint64_t{1} << 30) + 1, big, most, most - 7, most - 8, most >> 1})
    CHECK(said(value(str).n64(n).raw("abc")) == "a string of more than 1 GiB");
}

TEST_CASE("arrays of numbers") {
  const unsigned sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  for (std::uint32_t type = 0; type < 13; ++type) {
    const unsigned size = sizes[type];
    if (size == 0) continue;
    CHECK(said(array(type, 4).zeros(4 * size)).empty());
    const std::string longer = "an array is longer than the rest of the file";
    CHECK(said(array(type, 4).zeros(4 * size - 1)) == longer);
    // Counts whose product with the size is small, or 0, when it wraps.
    for (const std::uint64_t n : {most, most / size, big, std::uint64_t{1} << 63})
      CHECK(said(array(type, n).zeros(64)) == longer);
    for (const std::uint64_t n : {most / size + 1, most / size + 2})
      if (size > 1) CHECK(said(array(type, n).zeros(64)) == longer);
  }
}

TEST_CASE("arrays of strings") {
  CHECK(said(array(str, 2).string("a").string("")).empty());
  CHECK(said(array(str, 0)).empty());
  const std::string longer = "an array is longer than the rest of the file";
  for (const std::uint64_t n : {std::uint64_t{3}, big, most, most / 8 + 1, most / 8 + 2})
    CHECK(said(array(str, n).string("a").string("")) == longer);
  CHECK(said(array(str, 2).string("12345678").n64(1)) == "a string is longer than the rest of the file");
  CHECK(said(array(str, 2).string("12345678").n32(0)) == "the file ends within its metadata");
  CHECK(said(array(str, 2).n64(most).string("")) == "a string of more than 1 GiB");
  CHECK(said(array(str, 2).n64(most - 15).string("")) == "a string of more than 1 GiB");
}

TEST_CASE("metadata of more than 1 GiB, in a file that has them") {
  const folder here;
  const auto opened = [&](const gguf_bytes& b) -> std::string {
    here.write("m.gguf", b.text());
    std::filesystem::resize_file(here / "m.gguf", std::uint64_t{1} << 36);
    const auto f = io::gguf_file::try_open(here / "m.gguf", io::access::read);
    return f ? "" : f.error().what;
  };
  CHECK(opened(value(str).n64((std::uint64_t{1} << 30) + 1)) == "a string of more than 1 GiB");
  CHECK(opened(value(str).n64(std::uint64_t{1} << 30)) == "more than 1 GiB of metadata");
  CHECK(opened(array(u8, std::uint64_t{1} << 30)) == "more than 1 GiB of metadata");
  CHECK(opened(array(f64, big)) == "more than 1 GiB of metadata");
  // A gigantic count of empty strings fails when they come to 1 GiB; of keys, at the first one, which is empty.
  CHECK(opened(gguf_bytes().header(0, big)) == "an empty key");
  CHECK(opened(gguf_bytes().header(std::uint64_t{1} << 31, 0)) == "a tensor without a name");
}

}  // namespace
