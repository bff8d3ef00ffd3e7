// What counts as a number format, and the formats with nothing to round: progressions, integers, tables, grids, f32.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/number.hpp"

#include <doctest/doctest.h>

#include <array>

#include "quern/number/codebook.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/grid.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/progression.hpp"

namespace {
using namespace quern;

// ---- the concept ----

struct mine {
  static constexpr unsigned bits = 5;
  static constexpr float value(std::uint32_t code) { return static_cast<float>(code) * 0.5f; }
};
struct pairs {
  static constexpr unsigned bits = 2;
  static constexpr std::size_t elements = 2;
  static constexpr float value(std::uint32_t code, std::size_t j) { return static_cast<float>(code >> j & 1); }
};
struct no_bits : mine {
  static constexpr unsigned bits = 0;
};
struct too_wide : mine {
  static constexpr unsigned bits = 33;
};
struct in_double {
  static constexpr unsigned bits = 5;
  static constexpr double value(std::uint32_t code) { return code; }
};
struct at_run_time {
  static constexpr unsigned bits = 5;
  static float value(std::uint32_t) { return 0; }
};
static_assert(number_format<mine> && scalar_format<mine> && !vector_format<mine> && elements<mine> == 1);
static_assert(number_format<pairs> && !scalar_format<pairs> && vector_format<pairs> && elements<pairs> == 2);
static_assert(!number_format<no_bits> && !number_format<too_wide> && !number_format<in_double> && !number_format<int>);
static_assert(number_format<at_run_time>);  // as far as a concept can see
static_assert(constexpr_values<mine> && constexpr_values<pairs> && !constexpr_values<at_run_time>);
static_assert(value<mine>(6) == 3 && value<pairs>(2, 0) == 0 && value<pairs>(2, 1) == 1);

// ---- progressions and integers ----

template <scalar_format N, std::size_t Count>
constexpr bool has_values(const float (&want)[Count]) {
  if (Count != std::size_t{1} << N::bits) return false;
  for (std::uint32_t code = 0; code < Count; ++code)
    if (N::value(code) != want[code]) return false;
  return true;
}
static_assert(has_values<unsigned_integer<2>>({0, 1, 2, 3}));
static_assert(has_values<offset_integer<3>>({-4, -3, -2, -1, 0, 1, 2, 3}));
static_assert(has_values<odd<2>>({1, 3, 5, 7}));
static_assert(has_values<ternary>({-1, 0, 1, 2}));
static_assert(has_values<binary>({-1, 1}));
static_assert(has_values<progression<2, -3, 4, 8>>({0.5f, 0.125f, -0.25f, -0.625f}));
static_assert(progression<8, 1, -128, 64>::value(255) == 127.0f / 64);  // MXINT8, with the sign bit turned round
static_assert(unsigned_integer<16>::value(65535) == 65535 && offset_integer<16>::value(0) == -32768);
static_assert(has_values<integer<1>>({0, -1}));
static_assert(has_values<integer<3>>({0, 1, 2, 3, -4, -3, -2, -1}));
static_assert(integer<8>::value(128) == -128 && integer<8>::value(127) == 127 && integer<16>::value(0x8000) == -32768);

// ---- tables ----

constexpr std::array<float, 8> table{-1, -0.5f, -0.25f, 0, 0.1f, 0.25f, 0.5f, 1};
static_assert(codebook<table>::bits == 3 && codebook<table>::value(4) == 0.1f && codebook<table>::value(7) == 1);
constexpr std::array<std::int8_t, 2> signs_only{-127, 127};
static_assert(has_values<codebook<signs_only>>({-127, 127}));

static_assert(f32::bits == 32 && f32::value(0x40490fdb) == 3.14159274f && f32::nearest(-0.0f) == 0x80000000);

// ---- grids ----

// Four points of dimension 4; levels of two bits, the first element's lowest.
constexpr std::array<std::uint8_t, 4> points{0b00'00'00'00, 0b11'10'01'00, 0b01'01'01'01, 0b00'11'00'11};
constexpr std::array<std::int8_t, 4> magnitudes{1, 3, 5, 0};

template <vector_format N>
constexpr bool is(std::uint32_t code, const float (&want)[N::elements]) {
  for (std::size_t j = 0; j < N::elements; ++j)
    if (N::value(code, j) != want[j]) return false;
  return true;
}
using plain = grid<points, magnitudes, 4, signs::none>;
static_assert(plain::bits == 2 && plain::elements == 4);
static_assert(is<plain>(1, {1, 3, 5, 0}) && is<plain>(2, {3, 3, 3, 3}) && is<plain>(3, {0, 1, 0, 1}));

using every_sign = grid<points, magnitudes, 4, signs::each>;
static_assert(every_sign::bits == 6);
static_assert(is<every_sign>(0b0101'01, {-1, 3, -5, 0}) && is<every_sign>(0b1111'10, {-3, -3, -3, -3}));
static_assert(float_to_bits(every_sign::value(0b1000'01, 3)) == 0x80000000);  // a zero keeps its sign

using even_signs = grid<points, magnitudes, 4, signs::even>;
static_assert(even_signs::bits == 5);
static_assert(is<even_signs>(0b000'10, {3, 3, 3, 3}) && is<even_signs>(0b001'10, {-3, 3, 3, -3}));
static_assert(is<even_signs>(0b011'10, {-3, -3, 3, 3}) && is<even_signs>(0b111'10, {-3, -3, -3, -3}));

using two_points = grid<points, magnitudes, 4, signs::even, 2>;
static_assert(two_points::bits == 2 + 2 + 7 && two_points::elements == 8);
static_assert(is<two_points>(0b0010000'10'01, {1, 3, 5, 0, -3, 3, 3, -3}));
static_assert(is<two_points>(0b0100001'00'10, {-3, 3, 3, 3, 1, -1, 1, 1}));

TEST_CASE("the number of minus signs is even in every code of a grid that says so") {
  for (std::uint32_t code = 0; code < 1u << two_points::bits; ++code) {
    unsigned minus = 0;
    for (std::size_t j = 0; j < 8; ++j) minus += float_to_bits(two_points::value(code, j)) >> 31;
    REQUIRE(minus % 2 == 0);
  }
}

}  // namespace
