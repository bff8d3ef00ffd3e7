// Facts of numbers that kernels choose by.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/properties.hpp"

#include <doctest/doctest.h>

#include <bit>

#include "quern/catalog/gguf.hpp"
#include "quern/number/e8m0.hpp"

namespace {
using namespace quern;

// ---- small integers ----

static_assert(as_small_integers<offset_integer<4>> == small_integers{1, -8, 7});
static_assert(as_small_integers<unsigned_integer<8>> == small_integers{1, 0, 255});
static_assert(as_small_integers<unsigned_integer<8>>.fit_u8() && !as_small_integers<unsigned_integer<8>>.fit_i8());
static_assert(as_small_integers<integer<8>> == small_integers{1, -128, 127} && as_small_integers<integer<8>>.fit_i8());
static_assert(as_small_integers<binary> == small_integers{1, -1, 1});
static_assert(as_small_integers<ternary> == small_integers{1, -1, 2});
static_assert(as_small_integers<e2m1> == small_integers{0.5f, -12, 12});
static_assert(as_small_integers<e2m3> == small_integers{0.125f, -60, 60});
static_assert(!as_small_integers<e3m2> && !as_small_integers<e4m3> && !as_small_integers<e5m2>);
static_assert(!as_small_integers<e8m0> && !as_small_integers<f16> && !as_small_integers<f32>);
static_assert(!as_small_integers<progression<9, 1, 0>>);
static_assert(as_small_integers<progression<4, 6, 6, 8>> == small_integers{0.25f, 3, 48});
static_assert(as_small_integers<gguf::nl> == small_integers{1, -127, 113});
static_assert(as_small_integers<gguf::e2m1_doubled> == small_integers{1, -12, 12});
static_assert(as_small_integers<gguf::quarter_odd> == small_integers{0.125f, 1, 31});
static_assert(as_small_integers<gguf::eighth> == small_integers{0.125f, -1, 1});
static_assert(as_small_integers<gguf::iq2_xxs::number> == small_integers{1, -43, 43});
static_assert(as_small_integers<gguf::iq3_xxs::number> == small_integers{2, -31, 31});
static_assert(as_small_integers<gguf::iq3_s::number> == small_integers{1, -15, 15});
static_assert(as_small_integers<gguf::iq1_s::number> == small_integers{1, -1, 1});

constexpr std::array<float, 2> zeros{0, 0};
static_assert(as_small_integers<codebook<zeros>> == small_integers{1, 0, 0});
constexpr std::array<float, 2> tiny{0, 0x1p-149f};
static_assert(as_small_integers<codebook<tiny>> == small_integers{0x1p-149f, 0, 1});
constexpr std::array<float, 2> huge{-0x1p127f, 0x1p127f};
static_assert(as_small_integers<codebook<huge>> == small_integers{0x1p127f, -1, 1});
constexpr std::array<float, 2> wide{-200, 55};
static_assert(as_small_integers<codebook<wide>> == small_integers{1, -200, 55});
constexpr std::array<float, 2> too_wide{-200, 57};
static_assert(!as_small_integers<codebook<too_wide>>);
constexpr std::array<float, 4> irrational{0, 0.1f, 0.2f, 0.3f};
static_assert(!as_small_integers<codebook<irrational>>);

// A user's vector format without tables.
struct pairs {
  static constexpr unsigned bits = 4;
  static constexpr std::size_t elements = 2;
  static constexpr float value(std::uint32_t code, std::size_t j) {
    return j == 0 ? static_cast<float>(code & 3) : -static_cast<float>(code >> 2);
  }
};
static_assert(as_small_integers<pairs> == small_integers{1, -3, 3});
static_assert(has_negative_zero<pairs> && !has_nonfinite<pairs> && range_of<pairs> == value_range{-3, 3});

// ---- formulas ----

static_assert(progression_of<offset_integer<4>> == progression_facts{-8, 1});
static_assert(progression_of<gguf::quarter_odd> == progression_facts{0.125f, 0.25f});
static_assert(is_progression<binary> && is_progression<ternary> && is_progression<unsigned_integer<12>>);
static_assert(!is_progression<integer<8>> && !is_progression<e2m1> && !is_progression<gguf::nl> &&
              !is_progression<pairs>);
static_assert(is_progression<integer<1>>);
static_assert(!is_progression<codebook<zeros>>);
static_assert(is_progression<codebook<wide>>);  // any two values are one

static_assert(is_twos_complement<integer<8>> && is_twos_complement<integer<4>> && is_twos_complement<integer<2>>);
static_assert(twos_complement_unit<integer<6>> == 1);
static_assert(!is_twos_complement<unsigned_integer<8>> && !is_twos_complement<offset_integer<8>> &&
              !is_twos_complement<e4m3>);

static_assert(exponents_of<e8m0>.ok && exponents_of<e8m0>.exponent == -127 && exponents_of<e8m0>.nonfinite == 1);
static_assert(exponents_of<gguf::e8m0_half>.ok && exponents_of<gguf::e8m0_half>.exponent == -128 &&
              exponents_of<gguf::e8m0_half>.nonfinite == 0);
static_assert(!exponents_of<unsigned_integer<4>>.ok && !exponents_of<e4m3>.ok && !exponents_of<binary>.ok);

static_assert(value_table<e2m1>[5] == 3 && value_table<e2m1>.size() == 16);

// ---- floats ----

template <class N>
constexpr bool is_float(unsigned mantissa, int bias, bool is_signed, bool nonfinite) {
  const bit_shift_facts f = bit_shift_float<N>;
  return f.ok && f.shift == 23 - mantissa && f.exponent_offset == 127 - bias && f.is_signed == is_signed &&
         f.has_nonfinite == nonfinite;
}
static_assert(is_float<e2m1>(1, 1, true, false));
static_assert(is_float<e2m3>(3, 1, true, false));
static_assert(is_float<e3m2>(2, 3, true, false));
static_assert(is_float<e4m3>(3, 7, true, true));
static_assert(is_float<e5m2>(2, 15, true, true));
static_assert(is_float<ue4m3>(3, 7, false, true));
static_assert(is_float<f16>(10, 15, true, true));
static_assert(is_float<bf16>(7, 127, true, true));
static_assert(!bit_shift_float<e8m0>.ok);  // code 0 is no zero
static_assert(!bit_shift_float<integer<8>>.ok && !bit_shift_float<gguf::nl>.ok && !bit_shift_float<gguf::e4m3_half>.ok);
static_assert(!bit_shift_float<f32>.ok);

// A 16-bit format that says it is a float and lies is found out.
struct liar {
  static constexpr unsigned bits = 16, mantissa_bits = 10;
  static constexpr int exponent_bias = 15;
  static constexpr float value(std::uint32_t code) { return code == 0x1400 ? 1.0f : f16::value(code); }
};
static_assert(!bit_shift_float<liar>.ok);

// A user's table that happens to be a float.
constexpr std::array<float, 16> e2m1_table{0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
static_assert(is_float<codebook<e2m1_table>>(1, 1, true, false));

// ---- what occurs ----

static_assert(has_nonfinite<e4m3> && has_nonfinite<e8m0> && !has_nonfinite<e2m1> && has_nonfinite<f16>);
static_assert(has_negative_zero<e2m1> && !has_negative_zero<gguf::e2m1_doubled> && has_negative_zero<f16>);
static_assert(!has_negative_zero<gguf::iq2_xxs::number> && !has_negative_zero<gguf::iq1_s::number>);
static_assert(range_of<e4m3> == value_range{-448, 448} && range_of<gguf::iq3_s::number> == value_range{-15, 15});

// ---- groups ----

using nf4_double =
    codec<codebook<e2m1_table>, levels<plus<tensor<f32>>, group<64, unsigned_integer<8>>, group<16384, f32>>>;
static_assert(finest_region<nf4_double> == shape{1, 64} && level_region<nf4_double, 0> == shape{all, all});
static_assert(finest_region<codec<e4m3, levels<block<128, 128, f32>>>> == shape{128, 128});
static_assert(finest_region<gguf::f16> == shape{all, all});
static_assert(finest_offset_region<gguf::iq1_m> == shape{1, 8} && offset_region<gguf::q4_k, 1> == shape{1, 256});
static_assert(needs_sums<gguf::q4_k> && !needs_sums<gguf::q6_k>);

TEST_CASE("every code of the 16-bit floats follows the rule of bits") {
  for (std::uint32_t code = 0; code < 1u << 16; ++code) {
    REQUIRE(follows<f16>(bit_shift_float<f16>, code));
    REQUIRE(follows<bf16>(bit_shift_float<bf16>, code));
  }
}

}  // namespace
