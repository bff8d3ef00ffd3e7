// ik_llama.cpp: by formula, with both rows of its tables.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/ik.hpp"

#include "catalog/decoding.hpp"

using namespace quern;
using support::element;

namespace {

template <class C>
constexpr bool is_block_of(std::size_t bytes) {
  return block_elements<C> == 256 && block_bytes<C> == bytes;
}
static_assert(is_block_of<ik::iq2_k>(76) && is_block_of<ik::iq3_k>(110) && is_block_of<ik::iq4_k>(144));
static_assert(is_block_of<ik::iq5_k>(176) && is_block_of<ik::iq6_k>(212));

// The second rows as the fork lists them.
constexpr int iq2nl[2][4] = {{-31, -13, 1, 17}, {-26, -8, 6, 22}};
constexpr int iq3nl[2][8] = {{-63, -40, -23, -10, 1, 13, 28, 47}, {-59, -36, -19, -6, 5, 17, 32, 51}};
constexpr int iq4k[2][16] = {{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113},
                             {-123, -100, -79, -61, -45, -31, -18, -6, 5, 17, 29, 42, 57, 73, 93, 117}};
constexpr int iq5nl[2][32] = {{-126, -114, -103, -92, -83, -74, -65, -57, -50, -43, -36, -30, -24, -18, -12, -6,
                               -1,   5,    11,   17,  23,  29,  36,  43,  51,  59,  68,  77,  87,  97,  109, 121},
                              {-124, -112, -101, -90, -81, -72, -63, -55, -48, -41, -34, -28, -22, -16, -10, -4,
                               1,    7,    13,   19,  25,  31,  38,  45,  53,  61,  70,  79,  89,  99,  111, 123}};

// The bytes of one block.
template <class C>
struct block {
  const packed<C>& p;
  std::size_t at;
  unsigned byte(std::size_t i) const { return element<std::uint8_t>(p, 0, at + i); }
  unsigned word(std::size_t i) const { return byte(i) | byte(i + 1) << 8; }
  float d() const { return f16::value(word(0)); }
  unsigned second_row(std::size_t i) const { return word(2) >> i / 16 & 1; }
};

template <class C>
std::size_t wrong(auto formula) {
  return support::differences_from<C>(8, 512, [&](const auto& p, std::size_t r, std::size_t c) {
    return formula(block<C>{p, (r * 2 + c / 256) * block_bytes<C>}, c % 256);
  });
}

// 6 bits: nibble b at 8, two bits at 4.
float scale6(const auto& b, std::size_t g) {
  const unsigned ls = (b.byte(8 + g / 2) >> g % 2 * 4 & 15) | (b.byte(4 + g / 4) >> g % 4 * 2 & 3) << 4;
  return b.d() * static_cast<float>(static_cast<int>(ls) - 32);
}

}  // namespace

TEST_CASE("iq2_k") {
  CHECK(wrong<ik::iq2_k>([](const auto& b, std::size_t i) {
          const int s = static_cast<int>(b.byte(4 + i / 32) >> i / 16 % 2 * 4 & 15) - 8;
          const unsigned q = b.byte(12 + i / 128 * 32 + i % 32) >> i % 128 / 32 * 2 & 3;
          return b.d() * static_cast<float>(s) * static_cast<float>(iq2nl[b.second_row(i)][q]);
        }) == 0);
}
TEST_CASE("iq3_k") {
  CHECK(wrong<ik::iq3_k>([](const auto& b, std::size_t i) {
          const int odd = 2 * static_cast<int>(b.byte(6 + i / 32) >> i / 16 % 2 * 4 & 15) + 1;
          const int s = b.word(4) >> i / 16 & 1 ? -odd : odd;
          const unsigned low = b.byte(14 + i / 128 * 32 + i % 32) >> i % 128 / 32 * 2 & 3;
          const unsigned high = b.byte(78 + i % 32) >> i / 32 & 1;
          return b.d() * static_cast<float>(s) * static_cast<float>(iq3nl[b.second_row(i)][low | high << 2]);
        }) == 0);
}
TEST_CASE("iq4_k") {
  CHECK(wrong<ik::iq4_k>([](const auto& b, std::size_t i) {
          const unsigned q = b.byte(16 + i / 32 * 16 + i % 16) >> i % 32 / 16 * 4 & 15;
          return scale6(b, i / 16) * static_cast<float>(iq4k[b.second_row(i)][q]);
        }) == 0);
}
TEST_CASE("iq5_k") {
  CHECK(wrong<ik::iq5_k>([](const auto& b, std::size_t i) {
          const unsigned low = b.byte(16 + i / 64 * 32 + i % 32) >> i / 32 % 2 * 4 & 15;
          const unsigned high = b.byte(144 + i % 32) >> i / 32 & 1;
          return scale6(b, i / 16) * static_cast<float>(iq5nl[b.second_row(i)][low | high << 4]);
        }) == 0);
}
TEST_CASE("iq6_k") {
  CHECK(wrong<ik::iq6_k>([](const auto& b, std::size_t i) {
          const auto s = static_cast<float>(element<std::int8_t>(b.p, 0, b.at + 4 + i / 16));
          const unsigned low = b.byte(20 + i / 64 * 32 + i % 32) >> i / 32 % 2 * 4 & 15;
          const unsigned high = b.byte(148 + i / 128 * 32 + i % 32) >> i % 128 / 32 * 2 & 3;
          const auto q = static_cast<float>(low | high << 4);
          const float a = exact(exact(q * 0.0011972f) - 0.11218f),
                      f = exact(q * exact(exact(q * a) + 6.2568f)) - 127.0f;
          return exact(b.d() * s) * (f + static_cast<float>(b.second_row(i)));
        }) == 0);
}
