// Types of tensors in GGUF files: those of the catalogue, and the sizes of tensors.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/gguf_types.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "quern/catalog/gguf.hpp"

namespace {

using namespace quern;

TEST_CASE("every codec of GGUF has the number, the block and the name of a type") {
  [&]<class... C>(type_list<C...>) {
    (
        [&] {
          const io::gguf_tensor_type* const t = io::find_gguf_tensor_type(static_cast<std::uint32_t>(C::gguf_id));
          REQUIRE_MESSAGE(t != nullptr, C::name);
          CHECK_MESSAGE(t->block_elements == C::block_elements, C::name);
          CHECK_MESSAGE(t->block_bytes == C::block_bytes, C::name);
          std::string name = "gguf.";
          for (const char c : t->name) name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
          CHECK(name == C::name);
          CHECK(io::find_gguf_tensor_type(t->name) == t);
        }(),
        ...);
  }(gguf::presets{});
}

TEST_CASE("what is a type and no codec is five kinds of numbers") {
  std::vector<std::string_view> others;
  for (const io::gguf_tensor_type& t : io::gguf_tensor_types) {
    const bool is_codec = [&]<class... C>(type_list<C...>) {
      return ((static_cast<std::uint32_t>(C::gguf_id) == t.id) || ...);
    }(gguf::presets{});
    if (!is_codec) others.push_back(t.name);
  }
  CHECK(others == std::vector<std::string_view>{"I8", "I16", "I32", "I64", "F64"});
}

TEST_CASE("numbers that were given up, and those that never were, are of no type") {
  for (const std::uint32_t id : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 43u, 44u, 1u << 31, ~0u})
    CHECK(io::find_gguf_tensor_type(id) == nullptr);
  for (std::uint32_t id = 0, found = 0; id < 43; ++id) {
    found += io::find_gguf_tensor_type(id) != nullptr;
    if (id == 42) CHECK(found == io::gguf_tensor_types.size());
  }
  CHECK(io::find_gguf_tensor_type("Q4_2") == nullptr);
  CHECK(io::find_gguf_tensor_type("") == nullptr);
  CHECK(io::find_gguf_tensor_type("Q4_K")->id == 12);
}

io::gguf_extent extent(std::uint32_t type, std::vector<std::uint64_t> dims) { return io::gguf_extent_of(type, dims); }
std::string broken(std::uint32_t type, std::vector<std::uint64_t> dims) {
  const io::gguf_extent e = extent(type, dims);
  return e.broken == nullptr ? "" : e.broken;
}

TEST_CASE("bytes of tensors") {
  CHECK(extent(0, {}).bytes == 4);
  CHECK(extent(0, {7}).bytes == 28);
  CHECK(extent(12, {512, 3}).bytes == 2 * 3 * 144);
  CHECK(extent(8, {32, 1, 5, 2}).bytes == 340);
  CHECK(extent(28, {1, 2, 3, 4}).bytes == 192);
  CHECK(extent(12, {0}).bytes == 0);
  CHECK(extent(0, {4, 0, 1, 1u << 30}).bytes == 0);
  for (const auto& dims : {std::vector<std::uint64_t>{}, {7}, {4, 0}}) CHECK(broken(0, dims).empty());
}

TEST_CASE("dimensions that are refused") {
  const std::uint64_t big = std::uint64_t{1} << 32;
  CHECK(broken(4, {32}) == "no type of tensors has this number");
  CHECK(broken(0, {1, 1, 1, 1, 1}) == "more than 4 dimensions");
  CHECK(broken(0, {big << 31}) == "a dimension is negative");
  CHECK(broken(0, {big, big}) == "too many elements to be counted");
  CHECK(broken(24, {big, big / 2}) == "too many elements to be counted");
  CHECK(broken(24, {big, big / 4}).empty());
  CHECK(broken(0, {big, big / 4}) == "too many bytes to be counted");
  CHECK(broken(0, {0, big, big}) == "too many elements to be counted");
  CHECK(broken(0, {big, big, 0}) == "too many elements to be counted");
  CHECK(broken(12, {255, 256}) == "a row is not whole blocks of its type");
  CHECK(broken(12, {128, 0}) == "a row is not whole blocks of its type");
  CHECK(broken(12, {}) == "a row is not whole blocks of its type");
}

TEST_CASE("names, keys and alignments that are refused") {
  const auto says = [](const char* rule) { return std::string(rule == nullptr ? "" : rule); };
  CHECK(says(io::gguf_name_breaks("")) == "a tensor without a name");
  CHECK(says(io::gguf_name_breaks(std::string(63, 'a'))).empty());
  CHECK(says(io::gguf_name_breaks(std::string(64, 'a'))) == "a tensor's name of more than 63 bytes");
  CHECK(says(io::gguf_name_breaks(std::string_view("a\0", 2))) == "a NUL in the name of a tensor");
  CHECK(says(io::gguf_key_breaks("")) == "an empty key");
  CHECK(says(io::gguf_key_breaks(std::string(65535, 'a'))).empty());
  CHECK(says(io::gguf_key_breaks(std::string(65536, 'a'))) == "a key of more than 65535 bytes");
  CHECK(says(io::gguf_key_breaks(std::string_view("\0", 1))) == "a NUL in a key");
  for (std::uint64_t a = 1; a <= 1u << 20; a *= 2) CHECK(says(io::gguf_alignment_breaks(a)).empty());
  for (const std::uint64_t a : {0u, 3u, 24u, (1u << 20) + 1})
    CHECK(says(io::gguf_alignment_breaks(a)) == "the alignment is not a power of two");
  CHECK(says(io::gguf_alignment_breaks(1u << 21)) == "the alignment is too large");
}

}  // namespace
