// Floating point of few bits: every value, and the code of every input that could be decided wrongly.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/minifloat.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quern/base/half.hpp"
#include "support.hpp"

namespace {
using namespace quern;
using support::elements;
using support::golden;
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// ---- the published tables: OCP MX v1.0 section 5.3, OCP OFP8 v1.0 section 5.2 ----

template <class N>
constexpr bool has_limits(std::uint32_t largest, float most, float least_normal, float least_subnormal) {
  constexpr unsigned mantissa = N::mantissa_bits;
  return N::largest == largest && N::value(largest) == most && N::value(1u << mantissa) == least_normal &&
         N::value(1) == least_subnormal;
}
static_assert(has_limits<e4m3>(0x7e, 448, 0x1p-6f, 0x1p-9f));
static_assert(has_limits<e5m2>(0x7b, 57344, 0x1p-14f, 0x1p-16f));
static_assert(has_limits<e3m2>(0x1f, 28, 0.25f, 0.0625f));
static_assert(has_limits<e2m3>(0x1f, 7.5f, 1, 0.125f));
static_assert(has_limits<e2m1>(0x7, 6, 1, 0.5f));
static_assert(has_limits<f16>(0x7bff, 65504, 0x1p-14f, 0x1p-24f));
static_assert(has_limits<bf16>(0x7f7f, 0x1.fep127f, 0x1p-126f, 0x1p-133f));
static_assert(e4m3::bits == 8 && e5m2::bits == 8 && e3m2::bits == 6 && e2m3::bits == 6 && e2m1::bits == 4 &&
              ue4m3::bits == 7);

static_assert(e2m1::value(0) == 0 && e2m1::value(1) == 0.5f && e2m1::value(2) == 1 && e2m1::value(3) == 1.5f &&
              e2m1::value(4) == 2 && e2m1::value(5) == 3 && e2m1::value(6) == 4 && e2m1::value(7) == 6);
static_assert(float_to_bits(e2m1::value(8)) == 0x80000000 && e2m1::value(15) == -6);
static_assert(is_nan(e4m3::value(0x7f)) && is_nan(e4m3::value(0xff)) && e4m3::value(0x78) == 256 &&
              is_nan(ue4m3::value(0x7f)));
static_assert(e5m2::value(0x7c) == infinity && e5m2::value(0xfc) == -infinity && is_nan(e5m2::value(0x7d)) &&
              is_nan(e5m2::value(0xff)));

template <class N>
void decodes_as(const char* file) {
  const auto want = elements<float>(golden(file));
  REQUIRE(want.size() == std::size_t{1} << N::bits);
  for (std::uint32_t code = 0; code < want.size(); ++code) CHECK(support::same(N::value(code), want[code]));
}
TEST_CASE("all values are those of ml_dtypes") {
  decodes_as<e4m3>("numbers/e4m3.decode.f32");
  decodes_as<e5m2>("numbers/e5m2.decode.f32");
  decodes_as<e3m2>("numbers/e3m2.decode.f32");
  decodes_as<e2m3>("numbers/e2m3.decode.f32");
  decodes_as<e2m1>("numbers/e2m1.decode.f32");
}
TEST_CASE("f16 and bf16 are the elements of that name") {
  for (std::uint32_t code = 0; code < 1u << 16; ++code) {
    REQUIRE(support::same(f16::value(code), to_float(f16_t{static_cast<std::uint16_t>(code)})));
    REQUIRE(support::same(bf16::value(code), to_float(bf16_t{static_cast<std::uint16_t>(code)})));
  }
}

// ---- rounding: the rule, said with doubles ----

// Codes below `largest` rise with their values. The nearest, ties to the even code; beyond the largest, as if one more
// code followed it.
template <class N>
class oracle {
 public:
  oracle() {
    for (std::uint32_t c = 0; c <= N::largest; ++c) values_.push_back(static_cast<double>(N::value(c)));
    const double last = values_.back(), step = last - values_[values_.size() - 2];
    // After the largest number of an exponent comes one that is twice as far.
    values_.push_back(last + step);
  }
  std::uint32_t operator()(float x, std::uint32_t overflow) const {
    const double a = std::abs(static_cast<double>(x));
    const auto above = static_cast<std::size_t>(std::upper_bound(values_.begin(), values_.end(), a) - values_.begin());
    std::uint32_t code = overflow;
    if (above < values_.size()) {
      const double middle = (values_[above - 1] + values_[above]) / 2;
      const auto below = static_cast<std::uint32_t>(above - 1);
      code = a < middle ? below : a > middle ? below + 1 : below + below % 2;
    }
    if (code > N::largest) code = overflow;
    return std::signbit(x) ? code | N::sign_bit : code;
  }
  double middle(std::size_t i) const { return (values_[i] + values_[i + 1]) / 2; }
  std::size_t middles() const { return values_.size() - 1; }

 private:
  std::vector<double> values_;
};

// Codes without a sign are tested for x >= 0.
template <class N>
std::size_t wrong_codes(std::uint32_t overflow) {
  const oracle<N> want;
  std::size_t wrong = 0;
  const auto check = [&](float x) {
    wrong += N::nearest(x) != want(x, overflow);
    if (N::sign_bit) wrong += N::nearest(-x) != want(-x, overflow);
  };
  for (std::uint32_t b = 0; b < 0x7f80; ++b) check(to_float(bf16_t{static_cast<std::uint16_t>(b)}));
  for (std::uint32_t b = 0; b < 0x7c00; ++b) check(to_float(f16_t{static_cast<std::uint16_t>(b)}));
  for (std::size_t i = 0; i < want.middles(); ++i) {
    const float middle = static_cast<float>(want.middle(i));
    if (!is_finite(middle)) continue;
    REQUIRE(static_cast<double>(middle) == want.middle(i));
    check(middle), check(std::nextafter(middle, 0.0f)), check(std::nextafter(middle, infinity));
  }
  for (const float v : {std::numeric_limits<float>::max(), infinity, 0x1p-149f}) check(v);
  return wrong;
}

TEST_CASE("every bfloat16, every binary16 and all that lies at midpoints rounds to nearest, ties to even") {
  CHECK(wrong_codes<e2m1>(0x7) == 0);
  CHECK(wrong_codes<e2m3>(0x1f) == 0);
  CHECK(wrong_codes<e3m2>(0x1f) == 0);
  CHECK(wrong_codes<e4m3>(0x7e) == 0);
  CHECK(wrong_codes<e4m3_nan>(0x7f) == 0);
  CHECK(wrong_codes<ue4m3>(0x7e) == 0);
  CHECK(wrong_codes<e5m2>(0x7b) == 0);
  CHECK(wrong_codes<e5m2_inf>(0x7c) == 0);
  CHECK(wrong_codes<f16>(0x7c00) == 0);
  CHECK(wrong_codes<bf16>(0x7f80) == 0);
}
TEST_CASE("forms that no preset has round as well") {
  CHECK(wrong_codes<minifloat<1, 2, 1>>(0x7) == 0);
  CHECK(wrong_codes<minifloat<1, 0, 0>>(0x1) == 0);
  CHECK(wrong_codes<minifloat<4, 0, 7>>(0xf) == 0);
  CHECK(wrong_codes<minifloat<4, 3, 11>>(0x7f) == 0);
  CHECK(wrong_codes<minifloat<5, 3, 15, special::none, overflow::saturate, false>>(0xff) == 0);
  CHECK(wrong_codes<minifloat<5, 2, 16, special::nan, overflow::nan>>(0x7f) == 0);
  CHECK(wrong_codes<minifloat<8, 3, 127, special::ieee, overflow::nan>>(0x7fc) == 0);
}

TEST_CASE("f16 and bf16 round as elements of that name do") {
  const auto check = [](float x) {
    const std::uint32_t h = f16::nearest(x), b = bf16::nearest(x);
    REQUIRE(h == to_f16(x).bits);
    REQUIRE(b == (is_nan(x) ? 0x7fc0u | float_to_bits(x) >> 31 << 15 : to_bf16(x).bits));
  };
  for (std::uint32_t high = 0; high < 1u << 16; ++high)
    for (const std::uint32_t low : {0u, 1u, 0x1000u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      check(float_from_bits(high << 16 | low));
}

// ---- overflow and NaN ----

static_assert(e4m3::nearest(464) == 0x7e && e4m3::nearest(465) == 0x7e && e4m3::nearest(-infinity) == 0xfe);
static_assert(e4m3_nan::nearest(464) == 0x7e && e4m3_nan::nearest(464.00003f) == 0x7f &&
              e4m3_nan::nearest(-infinity) == 0xff);
static_assert(e5m2::nearest(61440) == 0x7b && e5m2::nearest(infinity) == 0x7b);
static_assert(e5m2_inf::nearest(61439) == 0x7b && e5m2_inf::nearest(61440) == 0x7c &&
              e5m2_inf::nearest(-infinity) == 0xfc);
static_assert(e4m3::nearest(nan) == 0x7f && is_nan(e5m2::value(e5m2::nearest(nan))) &&
              is_nan(f16::value(f16::nearest(nan))));
static_assert(e2m1::nearest(nan) == 7 && e2m3::nearest(nan) == 0x1f && e3m2::nearest(infinity) == 0x1f &&
              e2m1::nearest(-9) == 15);
static_assert(ue4m3::nearest(-1) == 0 && ue4m3::nearest(-infinity) == 0 && ue4m3::nearest(1) == 0x38);
static_assert(e2m1::nearest(-0.0f) == 8 && e2m1::nearest(-0.25f) == 8);

template <class N>
void encodes_as(const char* file, bool also_nan = true) {
  const auto x = elements<float>(golden("numbers/input.f32"));
  const auto want = golden(file);
  REQUIRE(want.size() == x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (is_nan(x[i])) {  // the sign of a NaN is nobody's
      if (also_nan)
        CHECK(is_nan(N::value(N::nearest(x[i]))) == is_nan(N::value(std::to_integer<std::uint32_t>(want[i]))));
      continue;
    }
    CAPTURE(x[i]);
    CHECK(N::nearest(x[i]) == std::to_integer<std::uint32_t>(want[i]));
  }
}
TEST_CASE("4096 inputs get the codes that ml_dtypes and torch give them") {
  encodes_as<e4m3_nan>("numbers/e4m3.encode.u8");
  encodes_as<e4m3>("numbers/e4m3.torch.u8");
  encodes_as<e5m2_inf>("numbers/e5m2.encode.u8");
  encodes_as<e5m2_inf>("numbers/e5m2.torch.u8");
  encodes_as<e3m2>("numbers/e3m2.encode.u8", false);
  encodes_as<e2m3>("numbers/e2m3.encode.u8", false);
  encodes_as<e2m1>("numbers/e2m1.encode.u8", false);
}

}  // namespace
