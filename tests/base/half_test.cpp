// binary16 and bfloat16: every one of their values, and every decision of rounding.
// SPDX-License-Identifier: Apache-2.0
#include "quern/base/half.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <limits>

namespace {
using namespace quern;

constexpr f16_t half(unsigned bits) { return {static_cast<std::uint16_t>(bits)}; }
constexpr bf16_t brain(unsigned bits) { return {static_cast<std::uint16_t>(bits)}; }
constexpr float infinity = std::numeric_limits<float>::infinity();

static_assert(to_float(half(0x3c00)) == 1 && to_float(half(0xc000)) == -2 && to_float(half(0x0001)) == 0x1p-24f);
static_assert(to_float(half(0x7bff)) == 65504 && to_float(half(0x7c00)) == infinity && is_nan(to_float(half(0x7c01))));
static_assert(float_to_bits(to_float(half(0x8000))) == 0x80000000);
static_assert(to_f16(65519.996f) == half(0x7bff) && to_f16(65520) == half(0x7c00) && to_f16(-infinity) == half(0xfc00));
static_assert(to_f16(0x1p-25f) == half(0) && to_f16(0x1.000002p-25f) == half(1) && to_f16(-0x1p-149f) == half(0x8000));
static_assert(to_f16(float_from_bits(0xffc00000)) == half(0xfe00) &&
              to_f16(float_from_bits(0x7f800001)) == half(0x7e00));
static_assert(to_bf16(1) == brain(0x3f80) && to_bf16(std::numeric_limits<float>::max()) == brain(0x7f80));
static_assert(to_bf16(float_from_bits(0x7f800001)) == brain(0x7fc0));  // stays a NaN
static_assert(to_bf16(float_from_bits(0xff801234)) == brain(0xffc0));
static_assert(to_float(brain(0x0001)) == 0x1p-133f);
static_assert(from_float<float>(0.1f) == 0.1f && from_float<f16_t>(1) == half(0x3c00) &&
              from_float<bf16_t>(1) == brain(0x3f80));
static_assert(real<float> && real<f16_t> && real<bf16_t> && !real<double> && !real<const float>);

TEST_CASE("binary16 means what IEEE 754 says") {
  for (unsigned b = 0; b < 1u << 16; ++b) {
    const int e = static_cast<int>(b >> 10 & 31);
    const double m = b & 0x3ff, sign = b >> 15 ? -1 : 1;
    const float got = to_float(half(b));
    if (e == 31 && m != 0) {
      REQUIRE(is_nan(got));
      REQUIRE((float_to_bits(got) >> 31) == b >> 15);
      REQUIRE((float_to_bits(got) >> 13 & 0x3ff) == (b & 0x3ff));
    } else {
      const double want = e == 31 ? sign * std::numeric_limits<double>::infinity()
                          : e     ? sign * std::ldexp(1024 + m, e - 25)
                                  : sign * std::ldexp(m, -24);
      REQUIRE(static_cast<double>(got) == want);
      REQUIRE(std::signbit(got) == (b >> 15 != 0));
      REQUIRE(to_f16(got) == half(b));
    }
  }
}

TEST_CASE("bfloat16 is the upper half of a float") {
  for (unsigned b = 0; b < 1u << 16; ++b) {
    REQUIRE(float_to_bits(to_float(brain(b))) == b << 16);
    const bool is_nan_code = (b & 0x7fff) > 0x7f80;
    REQUIRE(to_bf16(to_float(brain(b))) == brain(is_nan_code ? b | 0x40 : b));
  }
}

// Between neighbours a < b the midpoint goes to the even code, what is nearer to one of them there. The midpoint of the
// largest number and the infinity after it is where the next number would be, were there one.
template <class Half, class Round>
void rounds_at_midpoints(unsigned codes, Round round, double beyond) {
  for (unsigned c = 0; c + 1 <= codes; ++c) {
    const double a = static_cast<double>(to_float(Half{static_cast<std::uint16_t>(c)}));
    const double b = c + 1 == codes ? beyond : static_cast<double>(to_float(Half{static_cast<std::uint16_t>(c + 1)}));
    const float middle = static_cast<float>((a + b) / 2);
    REQUIRE(static_cast<double>(middle) == (a + b) / 2);
    const unsigned even = c % 2 == 0 ? c : c + 1;
    for (const unsigned sign : {0u, 0x8000u}) {
      const float s = sign ? -1.0f : 1.0f;
      REQUIRE(round(s * middle).bits == (even | sign));
      REQUIRE(round(s * std::nextafter(middle, 0.0f)).bits == (c | sign));
      REQUIRE(round(s * std::nextafter(middle, infinity)).bits == ((c + 1) | sign));
    }
  }
}
TEST_CASE("rounding to binary16 is to nearest, ties to even, everywhere") {
  rounds_at_midpoints<f16_t>(0x7c00, to_f16, 65536);
}
TEST_CASE("rounding to bfloat16 is to nearest, ties to even, everywhere") {
  rounds_at_midpoints<bf16_t>(0x7f80, to_bf16, 0x1p128);
}

}  // namespace
