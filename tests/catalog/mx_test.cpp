// Microscaling: elements and scales by formula, against ml_dtypes' values, and the order of swizzled scales.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/mx.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "catalog/decoding.hpp"
#include "quern/storage/transcode.hpp"

using namespace quern;
using support::element;
using support::golden;

namespace {

static_assert(bits_per_weight<mx::mxfp8_e4m3> == 8.25 && bits_per_weight<mx::mxfp6_e2m3> == 6.25);
static_assert(bits_per_weight<mx::mxfp4> == 4.25 && bits_per_weight<mx::mxint8> == 8.25);
static_assert(bits_per_weight<mx::mxfp4_swizzled> == 4.25 && bits_per_weight<mx::mxfp6_e3m2_swizzled> == 6.25);
static_assert(mx::int8_64ths::value(0x80) == -2 && mx::int8_64ths::value(0x7f) == 1.984375f);

// Code i of a stream of codes of `bits` bits, low bits first.
template <class C>
std::uint32_t code_of_stream(const packed<C>& p, std::size_t i, unsigned bits) {
  std::uint32_t code = 0;
  for (std::size_t b = 0; b < bits; ++b) {
    const std::size_t at = i * bits + b;
    code |= (element<std::uint8_t>(p, 0, at / 8) >> at % 8 & 1u) << b;
  }
  return code;
}

// 2^(s - 127), NaN for 255, not by way of the library's own number.
float power(std::uint8_t s) { return s == 255 ? NAN : std::ldexp(1.0f, int{s} - 127); }

// Values of the element's codes as ml_dtypes has them.
template <class C>
std::size_t wrong_values(const std::string& number) {
  const auto values = support::elements<float>(golden("numbers/" + number + ".decode.f32"));
  const auto formula = [&](const auto& p, std::size_t r, std::size_t c) {
    return power(element<std::uint8_t>(p, 1, r * 10 + c / 32)) *
           values[code_of_stream(p, r * 320 + c, C::number::bits)];
  };
  return support::differences_from<C>(20, 320, formula);
}

}  // namespace

TEST_CASE("every code means what ml_dtypes says, times its block's power of two") {
  CHECK(wrong_values<mx::mxfp8_e4m3>("e4m3") == 0);
  CHECK(wrong_values<mx::mxfp8_e5m2>("e5m2") == 0);
  CHECK(wrong_values<mx::mxfp6_e3m2>("e3m2") == 0);
  CHECK(wrong_values<mx::mxfp6_e2m3>("e2m3") == 0);
  CHECK(wrong_values<mx::mxfp4>("e2m1") == 0);
}

TEST_CASE("MXINT8 is two's complement in 64ths") {
  CHECK(support::differences_from<mx::mxint8>(20, 320, [](const auto& p, std::size_t r, std::size_t c) {
          const float q = static_cast<float>(element<std::int8_t>(p, 0, r * 320 + c)) / 64;
          return power(element<std::uint8_t>(p, 1, r * 10 + c / 32)) * q;
        }) == 0);
}

TEST_CASE("what torchao encoded decodes to about what it encoded") {
  const auto x = support::elements<float>(golden("mx/input.f32"));
  const auto codes = golden("mx/e4m3.codes.u8"), scales = golden("mx/e4m3.scales.u8");
  for (const std::size_t mode : {1u, 2u}) {  // ceil and rceil: the rules that saturate nothing
    const auto part = [&](const auto& all, std::size_t n) {
      return std::vector<std::byte>(all.begin() + static_cast<std::ptrdiff_t>(mode * n),
                                    all.begin() + static_cast<std::ptrdiff_t>((mode + 1) * n));
    };
    const auto w = support::decoded<mx::mxfp8_e4m3>(support::arrays_of(part(codes, 1024), part(scales, 32)), 32, 32);
    std::size_t far = 0;
    for (std::size_t b = 0; b < 32; ++b) {
      // Weights below the range of the scale, and the largest float, which rounds up to infinity.
      if (scales[mode * 32 + b] == std::byte{0} || b == 7) continue;
      float largest = 0;
      for (std::size_t i = 0; i < 32; ++i) largest = std::max(largest, std::abs(x[b * 32 + i]));
      for (std::size_t i = 0; i < 32; ++i) far += !(std::abs(w[b * 32 + i] - x[b * 32 + i]) <= largest / 16);
    }
    CAPTURE(mode);
    CHECK(far == 0);
  }
}

TEST_CASE("swizzled scales lie where torchao puts them") {
  packed<mx::mxfp8_e4m3> plain(300, 320);
  const auto scales = golden("nvfp4/swizzle.input.u8"), swizzled = golden("nvfp4/swizzle.output.u8");
  REQUIRE(plain.array(1).size() == scales.size());
  std::memcpy(plain.array(1).data(), scales.data(), scales.size());
  const auto p = transcode<mx::mxfp8_e4m3_swizzled>(plain.view());
  REQUIRE(p.array(1).size() == swizzled.size());
  CHECK(std::memcmp(p.array(1).data(), swizzled.data(), swizzled.size()) == 0);
}

TEST_CASE("scales may be swizzled for matrices of any shape, and nothing else changes") {
  CHECK(support::differences_from<mx::mxfp4_swizzled>(150, 330, [](const auto& p, std::size_t r, std::size_t c) {
          const std::size_t s = c / 32, tile = r / 128 * 3 + s / 4;
          const std::size_t byte = tile * 512 + r % 32 * 16 + r % 128 / 32 * 4 + s % 4;
          const std::uint32_t q = element<std::uint8_t>(p, 0, (r * 330 + c) / 2) >> c % 2 * 4 & 15u;
          return power(element<std::uint8_t>(p, 1, byte)) * e2m1::value(q);
        }) == 0);
}
