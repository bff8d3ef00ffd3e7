// Rounding to formats that do not round by themselves, and to powers of two.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/nearest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quern/base/half.hpp"
#include "quern/number/codebook.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
#include "support.hpp"

namespace {
using namespace quern;
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// ---- ties ----

// Equally spaced values: to the even multiple of the step.
static_assert(nearest<unsigned_integer<4>>(2.5f) == 2 && nearest<unsigned_integer<4>>(3.5f) == 4);
static_assert(nearest<offset_integer<4>>(-7.5f) == 0 && nearest<offset_integer<4>>(0.5f) == 8 &&
              nearest<offset_integer<4>>(-0.5f) == 8);
static_assert(nearest<integer<4>>(-1.5f) == 14 && nearest<integer<4>>(1.5f) == 2 && nearest<integer<4>>(-2.5f) == 14);
static_assert(nearest<progression<2, -1, 3>>(1.5f) == 1);  // falling values: 3, 2, 1, 0
static_assert(nearest<binary>(0.0f) == 0 && nearest<binary>(-0.0f) == 0 && nearest<binary>(0x1p-149f) == 1);
// Where values are no multiples of the step, to the even one of their ranks.
static_assert(nearest<odd<3>>(2) == 0 && nearest<odd<3>>(4) == 2 && nearest<odd<3>>(6) == 2);

// Irregular values: to the lower one.
constexpr std::array<std::int8_t, 4> irregular{-10, -1, 1, 5};
static_assert(nearest<codebook<irregular>>(0) == 1 && nearest<codebook<irregular>>(3) == 2 &&
              nearest<codebook<irregular>>(-5.5f) == 0);
static_assert(nearest<codebook<irregular>>(3.0000002f) == 3 && nearest<codebook<irregular>>(-5.4999995f) == 1);

// Of codes with one value, the lowest; -0 is 0.
constexpr std::array<float, 8> repeated{3, -0.0f, 0, 3, -2, 1, 1, -2};
static_assert(nearest<codebook<repeated>>(0) == 1 && nearest<codebook<repeated>>(-0.0f) == 1 &&
              nearest<codebook<repeated>>(9) == 0);
static_assert(nearest<codebook<repeated>>(-7) == 4 && nearest<codebook<repeated>>(1.1f) == 5);
static_assert(sorted<codebook<repeated>>.size == 4);

// ---- ends, NaN, values that are none ----

static_assert(nearest<unsigned_integer<4>>(-infinity) == 0 && nearest<unsigned_integer<4>>(infinity) == 15);
static_assert(nearest<integer<8>>(1e30f) == 127 && nearest<integer<8>>(-1e30f) == 128);
static_assert(nearest<offset_integer<4>>(nan) == 8 && nearest<codebook<irregular>>(nan) == 1);
constexpr std::array<float, 4> holes{nan, 1, infinity, 2};
static_assert(sorted<codebook<holes>>.size == 2 && nearest<codebook<holes>>(5) == 3 &&
              nearest<codebook<holes>>(-5) == 1);
constexpr std::array<float, 2> single{7, 7};
static_assert(nearest<codebook<single>>(-100) == 0 && nearest<codebook<single>>(nan) == 0);
static_assert(equally_spaced<unsigned_integer<8>> && !equally_spaced<codebook<irregular>> &&
              !equally_spaced<codebook<single>>);

// A format that rounds by itself is asked.
static_assert(rounds_itself<e4m3> && nearest<e4m3>(464) == 0x7e && !rounds_itself<integer<8>>);

// ---- everywhere: against doubles ----

// bitsandbytes, in the order of codes.
constexpr std::array<float, 16> nf4{-1.0f,
                                    -0.6961928009986877f,
                                    -0.5250730514526367f,
                                    -0.39491748809814453f,
                                    -0.28444138169288635f,
                                    -0.18477343022823334f,
                                    -0.09105003625154495f,
                                    0.0f,
                                    0.07958029955625534f,
                                    0.16093020141124725f,
                                    0.24611230194568634f,
                                    0.33791524171829224f,
                                    0.44070982933044434f,
                                    0.5626170039176941f,
                                    0.7229568362236023f,
                                    1.0f};

template <class N>
std::size_t wrong_codes() {
  std::vector<double> values;
  for (std::uint32_t c = 0; c < 1u << N::bits; ++c) values.push_back(static_cast<double>(N::value(c)));
  std::vector<double> rising = values;
  std::sort(rising.begin(), rising.end());
  rising.erase(std::unique(rising.begin(), rising.end()), rising.end());
  const double step = rising[1] - rising[0];
  bool even_steps = true;
  for (std::size_t i = 1; i < rising.size(); ++i) even_steps = even_steps && rising[i] - rising[i - 1] == step;
  std::size_t wrong = 0;
  const auto check = [&](float x) {
    std::size_t i = 0;
    while (i + 1 < rising.size()) {
      const double middle = (rising[i] + rising[i + 1]) / 2, v = static_cast<double>(x);
      const double multiple = rising[i + 1] / step;
      const bool upper_is_even = multiple == std::floor(multiple) ? std::fmod(multiple, 2) == 0 : i % 2 == 1;
      if (v > middle || (v == middle && even_steps && upper_is_even)) ++i;
      else break;
    }
    wrong += static_cast<double>(N::value(nearest<N>(x))) != rising[i];
  };
  for (std::uint32_t b = 0; b < 1u << 16; ++b) {
    const float x = to_float(bf16_t{static_cast<std::uint16_t>(b)}), y = to_float(f16_t{static_cast<std::uint16_t>(b)});
    if (is_finite(x)) check(x);
    if (is_finite(y)) check(y);
  }
  for (std::size_t i = 0; i + 1 < rising.size(); ++i) {
    const float middle = static_cast<float>((rising[i] + rising[i + 1]) / 2);
    for (const float x : {middle, std::nextafter(middle, -infinity), std::nextafter(middle, infinity)}) check(x);
  }
  return wrong;
}
TEST_CASE("every bfloat16, every binary16 and all that lies at midpoints gets the nearest value") {
  CHECK(wrong_codes<codebook<nf4>>() == 0);
  CHECK(wrong_codes<codebook<irregular>>() == 0);
  CHECK(wrong_codes<codebook<repeated>>() == 0);
  CHECK(wrong_codes<unsigned_integer<4>>() == 0);
  CHECK(wrong_codes<offset_integer<5>>() == 0);
  CHECK(wrong_codes<integer<6>>() == 0);
  CHECK(wrong_codes<odd<4>>() == 0);
  CHECK(wrong_codes<binary>() == 0);
  CHECK(wrong_codes<progression<3, -2, 5, 8>>() == 0);
  CHECK(wrong_codes<progression<3, 1, -4, 1024>>() == 0);
}

TEST_CASE("a value is its own nearest") {
  for (std::uint32_t c = 0; c < 256; ++c) {
    CHECK(nearest<integer<8>>(integer<8>::value(c)) == c);
    CHECK(nearest<offset_integer<8>>(offset_integer<8>::value(c)) == c);
    CHECK(nearest<e8m0>(e8m0::value(c)) == c);
  }
}

// ---- powers of two ----

static_assert(e8m0::value(127) == 1 && e8m0::value(0) == 0x1p-127f && e8m0::value(254) == 0x1p127f &&
              is_nan(e8m0::value(255)));
static_assert(e8m0::nearest(1.4999999f) == 127 && e8m0::nearest(1.5f) == 128 && e8m0::nearest(-1) == 127);
static_assert(e8m0::nearest(0) == 0 && e8m0::nearest(0x1p-149f) == 0 && e8m0::nearest(0x1.7ffffcp-127f) == 0);
static_assert(e8m0::nearest(0x1.8p-127f) == 1 && e8m0::nearest(0x1p-126f) == 1 && e8m0::nearest(0x1.8p-126f) == 2);
static_assert(e8m0::nearest(0x1.fp127f) == 254 && e8m0::nearest(infinity) == 254 && e8m0::nearest(nan) == 255);

// Beyond the ends, ml_dtypes gives NaN, and below 2^-126 it rounds up.
TEST_CASE("E8M0 is what ml_dtypes makes of positive numbers") {
  const auto values = support::elements<float>(support::golden("numbers/e8m0.decode.f32"));
  for (std::uint32_t c = 0; c < 256; ++c) CHECK(support::same(e8m0::value(c), values[c]));
  const auto x = support::elements<float>(support::golden("numbers/input.f32"));
  const auto want = support::golden("numbers/e8m0.encode.u8");
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i] >= 0x1p-126f && x[i] < 0x1.8p127f) CHECK(e8m0::nearest(x[i]) == std::to_integer<std::uint32_t>(want[i]));
}

}  // namespace
