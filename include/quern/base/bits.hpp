// Bits of integers and of floats: masks, powers of two, the class of a float. Everything is exact.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>
#include <cstdint>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ == 1)
#error "quern: -ffast-math and its parts change decoded values; compile without them"
#endif

namespace quern::inline v0 {

constexpr std::uint32_t low_bits(unsigned n) { return n >= 32 ? ~0u : (1u << n) - 1u; }

constexpr std::uint32_t float_to_bits(float x) { return std::bit_cast<std::uint32_t>(x); }
constexpr float float_from_bits(std::uint32_t b) { return std::bit_cast<float>(b); }

// By bits, because comparing NaN is no constant expression for every compiler.
constexpr bool is_finite(float x) { return (float_to_bits(x) >> 23 & 255) != 255; }
constexpr bool is_nan(float x) { return (float_to_bits(x) & 0x7fffffff) > 0x7f800000; }

// 2^e for -149 <= e <= 127, subnormal results included.
constexpr float exp2i(int e) {
  return float_from_bits(e >= -126 ? static_cast<std::uint32_t>(e + 127) << 23 : 1u << (e + 149));
}

// |x| by bits, so that it also serves constant evaluation.
constexpr float magnitude(float x) { return float_from_bits(float_to_bits(x) & 0x7fffffff); }

}  // namespace quern::inline v0
