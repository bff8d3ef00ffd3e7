// Packed matrices that own their bytes, and the locator.
// SPDX-License-Identifier: Apache-2.0
#include "quern/storage/packed.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "quern/catalog/gguf.hpp"
#include "quern/storage/locate.hpp"
#include "support.hpp"

namespace {
using namespace quern;
using halves = codec<integer<3>, levels<group<10, f16>, channel<f16>>, zero_point<tensor<f16>>>;

bool is_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}
bool is_aligned(std::span<const std::byte> bytes) { return reinterpret_cast<std::uintptr_t>(bytes.data()) % 64 == 0; }

TEST_CASE("bytes are zero and begin at a cache line, in every array") {
  for (const shape s : {shape{1, 1}, shape{3, 17}, shape{100, 1000}}) {
    const packed<halves> p(s.rows, s.cols);
    CHECK(p.size() == s);
    for (std::size_t i = 0; i < halves::layout::arrays; ++i) {
      CHECK(!p.array(i).empty());
      CHECK(is_aligned(p.array(i)));
      CHECK(is_zero(p.array(i)));
    }
  }
}
TEST_CASE("an empty matrix has no bytes") {
  CHECK(packed<halves>(0, 10).array(0).empty());
  CHECK(packed<halves>(10, 0).array(3).empty());
  CHECK(packed<halves>().view().rows() == 0);
}
TEST_CASE("what cannot be had is refused") {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK(packed<halves>::try_make(most, most).error().text() ==
        "packed: rows x cols overflows (value 18446744073709551615, against 18446744073709551615)");
  CHECK(!packed<gguf::q4_0>::try_make(1, 33));
  CHECK_THROWS_AS(packed<gguf::q4_0>(1, 33), error);
}
TEST_CASE("a matrix moves; what is left is empty") {
  packed<halves> a(3, 17);
  set_code<codes>(a.span(), {2, 16}, 5);
  const std::byte* where = a.array(0).data();
  packed<halves> b = std::move(a);
  CHECK(b.array(0).data() == where);
  CHECK(code_at<codes>(b.view(), {2, 16}) == 5);
  packed<halves> c;
  c = std::move(b);
  CHECK(c.array(0).data() == where);
  CHECK(c.rows() == 3);
  static_assert(!std::is_copy_constructible_v<packed<halves>>);
}
TEST_CASE("a matrix is a view, and a span of one that may be written") {
  packed<halves> p(3, 17);
  const packed_span<halves> write = p;
  set_code<scale<1>>(write, {1, 0}, 0x3c00);
  const packed_view<halves> read = p;
  CHECK(code_at<scale<1>>(read, {1, 16}) == 0x3c00);
}

// ---- the locator ----

// Every code of every part is written once and read back, in any order of the parts.
template <class C>
void every_code_has_its_place(std::size_t rows, std::size_t cols) {
  packed<C> p(rows, cols);
  const auto code_of = [&](std::size_t k, std::size_t r, std::size_t c) {
    support::random_source random(k * 1000003 + r * 1009 + c);
    return static_cast<std::uint32_t>(random()) & low_bits(parts<C>[k].bits);
  };
  each_part<C>([&]<std::size_t K>() {
    const shape region = within(parts<C>[K].region, p.size());
    for (std::size_t r = 0; r < rows; r += region.rows)
      for (std::size_t c = 0; c < cols; c += region.cols) set_code<K>(p.span(), {r, c}, code_of(K, r, c));
  });
  std::size_t wrong = 0;
  each_part<C>([&]<std::size_t K>() {
    const shape region = within(parts<C>[K].region, p.size());
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < cols; ++c)
        wrong +=
            code_at<K>(p.view(), {r, c}) != code_of(K, r / region.rows * region.rows, c / region.cols * region.cols);
  });
  CHECK(wrong == 0);
}
TEST_CASE("every code of every part has a place of its own") {
  every_code_has_its_place<halves>(5, 37);
  every_code_has_its_place<gguf::q3_k>(2, 512);
  every_code_has_its_place<gguf::q4_k>(2, 256);
  every_code_has_its_place<gguf::iq1_m>(1, 256);
  every_code_has_its_place<gguf::iq3_xxs>(2, 256);
  every_code_has_its_place<gguf::iq4_xs>(1, 256);
}

// constexpr: the second nibble plane of Q4_0, and Q4_K's scale 5, whose bits lie in two bytes.
static_assert([] {
  std::array<std::byte, 18> block{};
  block[2] = std::byte{0xa3};
  const auto v = *packed_view<gguf::q4_0>::try_make(block, 1, 32);
  return code_at<codes>(v, {0, 0}) == 3 && code_at<codes>(v, {0, 16}) == 10;
}());
static_assert([] {
  std::array<std::byte, 144> block{};
  const auto v = *packed_span<gguf::q4_k>::try_make(block, 1, 256);
  set_code<scale<0>>(v, {0, 5 * 32}, 0b10'1101);
  return block[4 + 9] == std::byte{0b1101} && block[4 + 1] == std::byte{0b10'000000} &&
         code_at<scale<0>>(v, {0, 5 * 32 + 31}) == 0b101101;
}());

}  // namespace
