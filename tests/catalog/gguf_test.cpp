// GGUF's presets: sizes, and decoding of random bytes against what ggml decodes them to.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/gguf.hpp"

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "quern/number/nearest.hpp"
#include "quern/reference/decode.hpp"
#include "quern/storage/packed.hpp"
#include "support.hpp"

using namespace quern;

namespace {

// Elements and bytes of a block: ggml, type_traits in src/ggml.c.
template <class C>
constexpr bool is_block_of(std::size_t elements, std::size_t bytes) {
  return block_elements<C> == elements && block_bytes<C> == bytes &&
         bits_per_weight<C> == 8.0 * static_cast<double>(bytes) / static_cast<double>(elements);
}
static_assert(is_block_of<gguf::f32>(1, 4) && is_block_of<gguf::f16>(1, 2) && is_block_of<gguf::bf16>(1, 2));
static_assert(is_block_of<gguf::q4_0>(32, 18) && is_block_of<gguf::q4_1>(32, 20));
static_assert(is_block_of<gguf::q5_0>(32, 22) && is_block_of<gguf::q5_1>(32, 24));
static_assert(is_block_of<gguf::q8_0>(32, 34) && is_block_of<gguf::q8_1>(32, 36) && is_block_of<gguf::q8_k>(256, 292));
static_assert(is_block_of<gguf::q2_k>(256, 84) && is_block_of<gguf::q3_k>(256, 110));
static_assert(is_block_of<gguf::q4_k>(256, 144) && is_block_of<gguf::q5_k>(256, 176) &&
              is_block_of<gguf::q6_k>(256, 210));
static_assert(is_block_of<gguf::iq4_nl>(32, 18) && is_block_of<gguf::iq4_xs>(256, 136));
static_assert(is_block_of<gguf::iq2_xxs>(256, 66) && is_block_of<gguf::iq2_xs>(256, 74) &&
              is_block_of<gguf::iq2_s>(256, 82));
static_assert(is_block_of<gguf::iq3_xxs>(256, 98) && is_block_of<gguf::iq3_s>(256, 110));
static_assert(is_block_of<gguf::iq1_s>(256, 50) && is_block_of<gguf::iq1_m>(256, 56));
static_assert(is_block_of<gguf::tq1_0>(256, 54) && is_block_of<gguf::tq2_0>(256, 66));
static_assert(is_block_of<gguf::mxfp4>(32, 17) && is_block_of<gguf::nvfp4>(64, 36));
static_assert(is_block_of<gguf::q1_0>(128, 18) && is_block_of<gguf::q2_0>(64, 18));

// Decoding is constexpr.
constexpr std::array<std::byte, 18> one_block{std::byte{0}, std::byte{0x3c}, std::byte{0x9f}};
constexpr packed_view<gguf::q4_0> one_view{std::span<const std::byte>(one_block), 1, 32};
static_assert(reference::decode_one(one_view, {0, 0}) == 7.0f);
static_assert(reference::decode_one(one_view, {0, 16}) == 1.0f);
static_assert(reference::decode_one(one_view, {0, 31}) == -8.0f);

template <class C>
std::vector<float> decoded(std::span<const std::byte> bytes, std::size_t rows, std::size_t cols) {
  std::vector<float> out(rows * cols);
  reference::decode(packed_view<C>(bytes, rows, cols), matrix_view<float>(out.data(), rows, cols));
  return out;
}

// "gguf.q4_k" is q4_K in the files.
std::string file_name(std::string_view preset) {
  std::string s{preset.substr(preset.find('.') + 1)};
  if (s.ends_with("_k")) s.back() = 'K';
  return "gguf/" + s;
}

// ggml decodes these into nothing (activations), or they are floats.
template <class C>
constexpr bool has_random_golden = C::gguf_id > 1 && C::gguf_id != 9 && C::gguf_id != 15 && C::gguf_id != 30;

}  // namespace

TEST_CASE("every block format decodes random bytes to ggml's bits") {
  std::size_t formats = 0;
  for_each_type(gguf::presets{}, [&]<class C>() {
    if constexpr (has_random_golden<C>) {
      CAPTURE(C::name);
      const auto bytes = support::golden(file_name(C::name) + ".rand.bin");
      const auto want = support::elements<float>(support::golden(file_name(C::name) + ".rand.deq.f32"));
      constexpr std::size_t rows = 16;
      CHECK(support::differences(decoded<C>(bytes, rows, want.size() / rows), want) == 0);
      ++formats;
    }
  });
  CHECK(formats == 25);
}

TEST_CASE("activation blocks decode to scale times code, whatever their sums say") {
  constexpr std::size_t rows = 16, cols = 1536;
  const auto q8_1 = support::golden("gguf/q8_1.bin"), q8_k = support::golden("gguf/q8_K.bin");
  const auto a = decoded<gguf::q8_1>(q8_1, rows, cols), b = decoded<gguf::q8_k>(q8_k, rows, cols);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < rows * cols; ++i) {
    const float d = to_float(f16_t{support::element<std::uint16_t>(q8_1, i / 32 * 18)});
    wrong +=
        !support::same(a[i], d * static_cast<float>(support::element<std::int8_t>(q8_1, i / 32 * 36 + 4 + i % 32)));
    const float e = support::element<float>(q8_k, i / 256 * 73);
    wrong +=
        !support::same(b[i], e * static_cast<float>(support::element<std::int8_t>(q8_k, i / 256 * 292 + 4 + i % 256)));
  }
  CHECK(wrong == 0);
}

TEST_CASE("floats decode to themselves") {
  constexpr std::size_t rows = 16, cols = 1536;
  const auto input = support::golden("gguf/input.f32");
  const auto x = support::elements<float>(input);
  CHECK(support::differences(decoded<gguf::f32>(input, rows, cols), x) == 0);
  const auto half = decoded<gguf::f16>(support::golden("gguf/f16.bin"), rows, cols);
  const auto brain = decoded<gguf::bf16>(support::golden("gguf/bf16.bin"), rows, cols);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    wrong += !support::same(half[i], to_float(to_f16(x[i])));
    wrong += !support::same(brain[i], to_float(to_bf16(x[i])));
  }
  CHECK(wrong == 0);
}

TEST_CASE("every f16 and bf16 code decodes to the value of its fields") {
  std::size_t wrong = 0;
  for (std::uint32_t c = 0; c < 0x10000; ++c) {
    const int sign = c & 0x8000 ? -1 : 1;
    const int e = static_cast<int>(c >> 10 & 31), m = static_cast<int>(c & 1023);
    const float special = m ? NAN : static_cast<float>(sign) * INFINITY;
    const float normal =
        std::copysign(std::ldexp(static_cast<float>(e ? 1024 + m : m), (e ? e : 1) - 25), static_cast<float>(sign));
    wrong += !support::same(f16::value(c), e == 31 ? special : normal);
    wrong += !support::same(bf16::value(c), std::bit_cast<float>(c << 16));
  }
  CHECK(wrong == 0);
}

TEST_CASE("the scales of doubled E2M1 are half of what their bits usually mean") {
  static_assert(gguf::e8m0_half::value(0) == 0x1p-128f && gguf::e8m0_half::value(1) == 0x1p-127f);
  static_assert(gguf::e8m0_half::value(255) == 0x1p127f);
  static_assert(gguf::e4m3_half::value(0x7f) == 0 && gguf::e4m3_half::value(0xff) == 240);
  static_assert(gguf::e4m3_half::value(0x7e) == 224 && gguf::e4m3_half::value(1) == 0x1p-10f);
  for (std::uint32_t c = 0; c < 256; ++c) CHECK(nearest<gguf::e8m0_half>(gguf::e8m0_half::value(c)) == c);
}

TEST_CASE("e8m0_half rounds to the nearest power of two, ties upward") {
  using gguf::e8m0_half;
  for (std::uint32_t c = 0; c < 255; ++c) {
    const float tie = 1.5f * e8m0_half::value(c);
    CHECK(e8m0_half::nearest(std::nextafter(tie, 0.0f)) == c);
    CHECK(e8m0_half::nearest(tie) == c + 1);
  }
  static_assert(e8m0_half::nearest(0) == 0 && e8m0_half::nearest(0x1p-149f) == 0);
  static_assert(e8m0_half::nearest(std::numeric_limits<float>::infinity()) == 255);
  static_assert(e8m0_half::nearest(std::numeric_limits<float>::quiet_NaN()) == 0);
}

TEST_CASE("e4m3_half rounds half up, and jumps from 248 to 448 (halved)") {
  using gguf::e4m3_half;
  for (std::uint32_t c = 0; c < 0x78; ++c) {
    const float a = e4m3_half::value(c), b = c == 0x77 ? 128.0f : e4m3_half::value(c + 1), tie = (a + b) / 2;
    const std::uint32_t above = c == 0x77 ? 0x7e : c == 7 ? 7 : c + 1;  // 7.5 * 2^-10 becomes 7 * 2^-10, which is cut
    CHECK(e4m3_half::nearest(a) == c);
    // Half a unit less an ulp, plus a half, is 1 in f32.
    CHECK(e4m3_half::nearest(std::nextafter(tie, 0.0f)) == (c == 0 ? 1 : c));
    CHECK(e4m3_half::nearest(tie) == above);
  }
  CHECK(e4m3_half::nearest(std::nextafter(0x1p-7f, 0.0f)) == 7);
  CHECK(e4m3_half::nearest(0x1p-7f) == 8);
  for (float x : {128.0f, 130.0f, 224.0f, 1e30f, INFINITY}) CHECK(e4m3_half::nearest(x) == 0x7e);
  for (float x : {0.0f, -0.0f, -1.0f, -INFINITY, NAN}) CHECK(e4m3_half::nearest(x) == 0);
}

TEST_CASE("a row that is no whole number of blocks is refused") {
  const std::vector<std::byte> two_blocks(36);
  CHECK(packed_view<gguf::q4_0>::try_make(std::span<const std::byte>(two_blocks), 1, 64).has_value());
  CHECK_FALSE(packed_view<gguf::q4_0>::try_make(std::span<const std::byte>(two_blocks), 1, 63).has_value());
  CHECK_FALSE(packed_view<gguf::q4_0>::try_make(std::span<const std::byte>(two_blocks), 2, 16).has_value());
}
