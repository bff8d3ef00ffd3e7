// Declarations as text. The golden files hold what a reader of the format's own documentation would draw.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/describe.hpp"

#include <string>

#include "quern/catalog/gguf.hpp"
#include "quern/number/f32.hpp"
#include "support.hpp"

namespace {
using namespace quern;

std::string expected(const std::string& preset) {
  const auto bytes = support::golden("../codec/golden/" + preset + ".txt");
  std::string text;
  for (const std::byte b : bytes) text += static_cast<char>(b);
  return text;
}
bool contains(const std::string& text, const std::string& line) { return text.find(line + "\n") != text.npos; }

TEST_CASE("the descriptions of four formats of GGUF are the golden ones") {
  CHECK(describe<gguf::q4_0>() == expected("q4_0"));
  CHECK(describe<gguf::q3_k>() == expected("q3_k"));
  CHECK(describe<gguf::q6_k>() == expected("q6_k"));
  CHECK(describe<gguf::nvfp4>() == expected("nvfp4"));
}

TEST_CASE("a codec without a name is described by its policies") {
  const std::string text = describe<codec<integer<8>, levels<channel<f32>>>>();
  CHECK(text.starts_with("number       integer<8>\n"));
  CHECK(contains(text, "scale<0>       32  1 x all        f32"));
  CHECK(contains(text, "array 0, by_rows: 1 bytes for each 1 x 1 weights, 8 bits a weight"));
  CHECK(contains(text, "array 1, by_rows: a unit is 1 x all weights; of a matrix of 64 x 64, 4 bytes"));
}

TEST_CASE("codes that cross bytes are told apart bit by bit") {
  const std::string text = describe<codec<integer<3>, levels<>, symmetric, blocked<16, stream<codes>>>>();
  CHECK(contains(text, "    bytes 0-5, n = byte / 3:"));
  CHECK(contains(text, "      +0: codes[8n] bits 2-0 @0, codes[8n + 1] bits 2-0 @3, codes[8n + 2] bits 1-0 @6"));
  CHECK(contains(text,
                 "      +1: codes[8n + 2] bit 2 @0, codes[8n + 3] bits 2-0 @1, codes[8n + 4] bits 2-0 @4, codes[8n + "
                 "5] bit 0 @7"));
  CHECK(contains(text, "      +2: codes[8n + 5] bits 2-1 @0, codes[8n + 6] bits 2-0 @2, codes[8n + 7] bits 2-0 @5"));
}

TEST_CASE("a code is named by where its weight is, whatever the order of storage") {
  using swapped = codec<integer<4>, levels<>, symmetric,
                        separate<array<unit<1, 2>, by_rows, ordered<permuted<1, 0>, stream<codes>>>>>;
  CHECK(contains(describe<swapped>(), "    byte 0: codes[1] bits 3-0 @0, codes[0] bits 3-0 @4"));
  using tile = codec<integer<8>, levels<>, symmetric,
                     separate<array<unit<4, 8>, by_columns, ordered<interleaved<2>, stream<codes>>>>>;
  const std::string text = describe<tile>();
  CHECK(contains(text, "array 0, by_columns: 32 bytes for each 4 x 8 weights, 8 bits a weight"));
  CHECK(contains(text, "  from byte 0    ordered<interleaved<2>, stream<codes>>"));
  CHECK(contains(text,
                 "    bytes 0-7, n = byte / 2:\n      +0: codes[n, 0] bits 7-0 @0\n      +1: codes[n, 1] bits 7-0 @0"));
}

TEST_CASE("digits in base 3, repeated fields, steps backwards and bits of nothing have words") {
  CHECK(contains(
      describe<gguf::tq1_0>(),
      "    bytes 48-51, n = byte - 48: codes[n + 240] digit 0, codes[n + 244] digit 1, codes[n + 248] digit 2, "
      "codes[n + 252] digit 3"));
  CHECK(contains(describe<gguf::q8_1>(), "    byte 3: sums[0] bits 15-8 @0"));
  using repeating =
      codec<integer<6>, levels<>, symmetric, blocked<64, repeat<32, plane<codes, 4, 16>, plane<codes, 2, 8, 4>>>>;
  CHECK(contains(describe<repeating>(), "  from byte 16   plane<codes, 2, 8, 4> of every 32 positions, each 24 bytes"));
  using top_down =
      codec<integer<2>, levels<>, symmetric, blocked<4, shared<1, strided<codes, 2, 0, 6, axis<4, std::size_t(-2)>>>>>;
  CHECK(contains(describe<top_down>(),
                 "    byte 0: codes[3] bits 1-0 @0, codes[2] bits 1-0 @2, codes[1] bits 1-0 @4, codes[0] bits 1-0 @6"));
}

struct tens {  // a word holds ten codes of three bits, from the top
  static constexpr part what = codes::id;
  static constexpr bool padded = true;
  static constexpr slice holds(run r) { return {0, r.count, 0, 3}; }
  static constexpr place at(std::size_t i, run) { return {27 - 3 * i}; }
  static constexpr std::size_t bytes(run) { return 4; }
};
TEST_CASE("padding is told") {
  const std::string text = describe<codec<unsigned_integer<3>, levels<>, symmetric, blocked<10, tens>>>();
  CHECK(contains(text, "    byte 0: codes[9] bits 2-0 @0, codes[8] bits 2-0 @3, codes[7] bits 1-0 @6"));
  CHECK(contains(text, "    byte 3: codes[1] bits 2-0 @0, codes[0] bits 2-0 @3, nothing bits 1-0 @6"));
  CHECK(contains(describe<codec<unsigned_integer<3>, levels<>, symmetric, blocked<9, tens>>>(),
                 "    byte 0: nothing bits 2-0 @0, codes[8] bits 2-0 @3, codes[7] bits 1-0 @6"));
}

// Every bit of every byte is told exactly once, for the most crooked formats there are.
template <class C>
bool told_once() {
  const auto bytes = unit_content<C, 0>();
  for (const byte_content& b : bytes) {
    unsigned bits = 0;
    for (const bits_in_byte& item : b) {
      const unsigned mask = low_bits(item.width) << item.at;
      if (item.digit <= 0 && (bits & mask)) return false;
      bits |= mask;
    }
    if (bits != 255) return false;
  }
  return !bytes.empty();
}
TEST_CASE("nothing is told twice or not at all") {
  CHECK(told_once<gguf::q4_k>());
  CHECK(told_once<gguf::iq1_m>());
  CHECK(told_once<gguf::iq3_xxs>());
  CHECK(told_once<gguf::tq1_0>());
}

TEST_CASE("linear functions are written as one would") {
  CHECK(linear(3, 0) == "3");
  CHECK(linear(0, 1) == "n");
  CHECK(linear(5, -1) == "-n + 5");
  CHECK(linear(-2, 4) == "4n - 2");
}

}  // namespace
