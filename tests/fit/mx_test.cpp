// The rules for scales that are powers of two: against formulas in double, torchao and compressed-tensors.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/mx.hpp"

#include <algorithm>
#include <cmath>

#include "fit/encoding.hpp"
#include "quern/catalog/compressed_tensors.hpp"
#include "quern/catalog/mx.hpp"

namespace {

using namespace encoding;

// Magnitudes around every power of two, and random ones.
std::vector<float> magnitudes() {
  std::vector<float> a;
  for (int e = -149; e <= 127; ++e) {
    const std::uint32_t p = float_to_bits(exp2i(e));
    for (std::uint32_t d = 0; d <= 64; ++d) {
      a.push_back(float_from_bits(p + d));
      if (p > d) a.push_back(float_from_bits(p - d));
    }
  }
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) a.push_back(float_from_bits(random() & 0x7fffffff));
  std::erase_if(a, [](float x) { return !is_finite(x) || x == 0; });
  return a;
}

// holds(a) for all of them; the first for which it does not is named.
void check_all(auto holds) {
  static const std::vector<float> all_magnitudes = magnitudes();
  std::size_t failures = 0;
  float first = 0;
  for (const float a : all_magnitudes)
    if (!holds(a) && failures++ == 0) first = a;
  CHECK_MESSAGE(failures == 0, "first at ", first);
}

TEST_CASE("the exponent of a float is the floor of its logarithm") {
  check_all([](float a) {
    const int e = std::ilogb(a);
    return exponent_of(a) == e && exponent_above(a) == e + (std::ldexp(1.0, e) != static_cast<double>(a));
  });
}

TEST_CASE("the logarithm as f32 rounds to an integer where a correctly rounded one does") {
  check_all([](float a) {
    const auto logarithm = static_cast<float>(std::log2(static_cast<double>(a)));
    return rounded_log2f<false>(a) == static_cast<int>(std::floor(logarithm)) &&
           rounded_log2f<true>(a) == static_cast<int>(std::ceil(logarithm));
  });
}

static_assert(mantissa_bits<e2m1> == 1 && mantissa_bits<e2m3> == 3 && mantissa_bits<e3m2> == 2);
static_assert(mantissa_bits<e4m3> == 3 && mantissa_bits<e5m2> == 2);

template <class N, mx_rule Rule>
void check_rule(auto expected) {
  check_all([&](float a) {
    // Beyond the ends of E8M0 the ends serve; compare what is stored.
    const int e = std::clamp(expected(static_cast<double>(a)), -127, 127);
    const affine fitted = mx_scale<Rule>::template ideal<codec<N, levels<group<32, e8m0>>>>(statistics{.magnitude = a});
    return e8m0::value(nearest_finite<e8m0>(fitted.scale)) == exp2i(e);
  });
}

template <class N>
void check_rules(double greatest, int emax, int mantissa) {
  check_rule<N, mx_rule::floor>([&](double a) { return std::ilogb(a) - emax; });
  check_rule<N, mx_rule::ceil>([&](double a) { return std::ilogb(a) + (std::ldexp(1.0, std::ilogb(a)) != a) - emax; });
  check_rule<N, mx_rule::rceil>([&](double a) {  // the quotient as f32, as the owners have it
    const double q = static_cast<double>(static_cast<float>(a) / static_cast<float>(greatest));
    return q == 0 ? -150 : std::ilogb(q) + (std::ldexp(1.0, std::ilogb(q)) != q);
  });
  check_rule<N, mx_rule::even>([&](double a) {  // up from the middle of the last binade's uppermost step
    const double up = std::ldexp(2.0 - std::ldexp(0.5, -mantissa), std::ilogb(a));
    return std::max(std::ilogb(a), -127) + (a >= up && a >= 0x1p-126) - emax;
  });
}

TEST_CASE("floor, ceil, rceil and even are their formulas") {
  check_rules<e2m1>(6, 2, 1);
  check_rules<e2m3>(7.5, 2, 3);
  check_rules<e3m2>(28, 4, 2);
  check_rules<e4m3>(448, 8, 3);
  check_rules<e5m2>(57344, 15, 2);
}

// How many blocks of torchao's golden data differ in scale or codes, rule by rule. A block whose scale is 2^-127 is
// left out: torchao divides it by 2^-126 (by 1 with rceil), though 2^-127 is what decoding multiplies with.
template <class C, mx_rule Rule>
std::size_t blocks_unlike_torchao(const std::string& name, std::size_t mode) {
  const std::vector<float> x = floats("mx/input.f32");
  const std::vector<std::byte> scales = golden("mx/" + name + ".scales.u8"), bytes = golden("mx/" + name + ".codes.u8");
  const packed<C> p = encoded<C, mx_scale<Rule>>(x, 32, 32);
  const std::size_t block_bytes = bytes.size() / 4 / 32;
  std::size_t n = 0;
  for (std::size_t b = 0; b < 32; ++b) {
    if (p.array(1)[b] == std::byte{0} && scales[mode * 32 + b] == std::byte{0} && b != 0) continue;
    bool same = p.array(1)[b] == scales[mode * 32 + b];
    for (std::size_t i = 0; i < 32; ++i) {
      const auto byte = std::to_integer<std::uint32_t>(bytes[(mode * 32 + b) * block_bytes + i * block_bytes / 32]);
      same = same && code_at<codes>(p.view(), {b, i}) == (block_bytes == 16 ? byte >> i % 2 * 4 & 15 : byte);
    }
    n += !same;
  }
  return n;
}

template <class C>
void check_torchao(const std::string& name) {
  CHECK(blocks_unlike_torchao<C, mx_rule::floor>(name, 0) == 0);
  CHECK(blocks_unlike_torchao<C, mx_rule::ceil>(name, 1) == 0);
  CHECK(blocks_unlike_torchao<C, mx_rule::ceil_of_log2f>(name, 2) == 0);
  // Where a / g is just above a power of two, the instruction rounds up and torch's log2 down: blocks 20 and 21.
  CHECK(blocks_unlike_torchao<C, mx_rule::rceil>(name, 2) <= 1);
  CHECK(blocks_unlike_torchao<C, mx_rule::even>(name, 3) == 0);
}

TEST_CASE("scales and codes are torchao's") {
  check_torchao<mx::mxfp8_e4m3>("e4m3");
  check_torchao<mx::mxfp8_e5m2>("e5m2");
  check_torchao<mx::mxfp6_e3m2>("e3m2");
  check_torchao<mx::mxfp6_e2m3>("e2m3");
  check_torchao<mx::mxfp4>("e2m1");
}

TEST_CASE("scales are compressed-tensors', which overflows in blocks 6 and 7") {
  const std::vector<float> x = floats("mx/input.f32");
  const std::vector<std::byte> scales = golden("mx/ct.scales.u8");
  const auto four = encoded<compressed_tensors::mxfp4>(x, 32, 32);
  const auto eight = encoded<compressed_tensors::mxfp8>(x, 32, 32);
  for (std::size_t b = 0; b < 32; ++b) {
    if (b == 6 || b == 7) continue;
    CHECK(four.array(1)[b] == scales[b]);
    CHECK(eight.array(1)[b] == scales[64 + b]);
  }
}

TEST_CASE("MXINT8 leaves -2 unused") {
  std::vector<float> x(32, -1.999f);
  const auto p = encoded<mx::mxint8>(x, 1, 32);
  CHECK(decoded(p) == std::vector<float>(32, -127.0f / 64));
}

TEST_CASE("encoding what floor and even decoded changes no byte") {
  const std::vector<float> x = bell(64 * 32, 0.3f, 2);
  const auto once = [&]<class C, mx_rule Rule>() {
    const auto p = encoded<C, mx_scale<Rule>>(x, 64, 32);
    const auto q = encoded<C, mx_scale<Rule>>(decoded(p), 64, 32);
    CHECK(differing(p.array(0), q.array(0)) == 0);
    CHECK(differing(p.array(1), q.array(1)) == 0);
  };
  once.template operator()<mx::mxfp4, mx_rule::floor>(), once.template operator()<mx::mxfp4, mx_rule::even>();
  once.template operator()<mx::mxfp8_e4m3, mx_rule::floor>(), once.template operator()<mx::mxfp6_e2m3, mx_rule::even>();
}

}  // namespace
