// Floating point of any width up to 16 bits: sign, exponent, mantissa; what the largest codes mean and what becomes of
// values beyond them is part of the type.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>

#include "quern/base/bits.hpp"
#include "quern/number/number.hpp"

namespace quern::inline v0 {

// What the codes with the largest exponent mean.
enum class special {
  none,  // numbers, all of them
  nan,   // all ones is NaN, the rest are numbers ("fn": OCP E4M3)
  ieee   // infinity, and NaNs above it
};

// What a finite value beyond the largest becomes when it is encoded. Infinity follows the same rule, and NaN stays NaN
// where the format has one; without one it becomes the largest value.
enum class overflow { saturate, nan, infinity };

template <unsigned Exponent, unsigned Mantissa, int Bias, special Special = special::none,
          overflow Overflow = overflow::saturate, bool Signed = true>
struct minifloat {
  static_assert(Exponent >= 1 && Exponent <= 8 && Mantissa + Exponent + Signed <= 16,
                "minifloat: 1 to 8 bits of exponent, and at most 16 bits in all");
  static_assert(Bias <= 127, "minifloat: a bias of at most 127, so that normal numbers are normal as f32");
  static_assert(Overflow != overflow::nan || Special != special::none, "minifloat: overflow to NaN, but no code is NaN");
  static_assert(Overflow != overflow::infinity || Special == special::ieee,
                "minifloat: overflow to infinity, but no code is infinity");

  static constexpr unsigned bits = Signed + Exponent + Mantissa;
  // Says that the values are those of floating point, so that nobody needs to try all codes (codec/properties.hpp).
  static constexpr unsigned mantissa_bits = Mantissa;
  static constexpr int exponent_bias = Bias;
  static constexpr std::uint32_t sign_bit = Signed ? 1u << (Exponent + Mantissa) : 0;
  static constexpr std::uint32_t top = low_bits(Exponent) << Mantissa;  // exponent all ones
  // The code of the largest number.
  static constexpr std::uint32_t largest = Special == special::none  ? top | low_bits(Mantissa)
                                           : Special == special::nan ? (top | low_bits(Mantissa)) - 1
                                                                     : top - 1;
  // The quiet NaN of the format; only where it has one.
  static constexpr std::uint32_t nan_code = top | (Special == special::ieee ? 1u << (Mantissa ? Mantissa - 1 : 0) : low_bits(Mantissa));

  static constexpr float value(std::uint32_t code) {
    const std::uint32_t m = code & low_bits(Mantissa), e = code >> Mantissa & low_bits(Exponent);
    const float sign = code & sign_bit ? -1.0f : 1.0f;
    if (Special == special::ieee && e == low_bits(Exponent))
      return m ? std::numeric_limits<float>::quiet_NaN() : sign * std::numeric_limits<float>::infinity();
    if (Special == special::nan && e == low_bits(Exponent) && m == low_bits(Mantissa))
      return std::numeric_limits<float>::quiet_NaN();
    const int exponent = static_cast<int>(e ? e : 1) - Bias - static_cast<int>(Mantissa);  // of the lowest bit
    const std::uint32_t significand = e ? m | 1u << Mantissa : m;
    // Only formats with f32's own exponents reach beyond what one exact product by a power of two gives.
    return exponent >= -149 && exponent <= 127
               ? sign * (static_cast<float>(significand) * exp2i(exponent))
               : sign * (static_cast<float>(significand) * exp2i(exponent + 64)) * exp2i(-64);
  }

  // Round to nearest, ties to the even code; then the rule for overflow.
  static constexpr std::uint32_t nearest(float x) {
    const std::uint32_t u = float_to_bits(x), a = u & 0x7fffffff;
    const std::uint32_t sign = u >> 31 ? sign_bit : 0;
    if (a > 0x7f800000) return Special == special::none ? largest : nan_code | sign;
    if (!Signed && u >> 31) return 0;
    const std::int64_t code = a >= least_normal ? nearest_normal(a) : nearest_subnormal(a);
    if (code > static_cast<std::int64_t>(largest) || a == 0x7f800000) {
      if (Overflow == overflow::saturate) return largest | sign;
      return (Overflow == overflow::nan ? nan_code : top) | sign;
    }
    return static_cast<std::uint32_t>(code) | sign;
  }

 private:
  // The exponent of the least normal number, and its bits as f32.
  static constexpr int least_exponent = 1 - Bias;
  static constexpr std::uint32_t least_normal = static_cast<std::uint32_t>(least_exponent + 127) << 23;

  // Codes count on beyond the largest. A carry into the next exponent is right by itself.
  static constexpr std::int64_t nearest_normal(std::uint32_t a) {
    constexpr unsigned shift = 23 - Mantissa;
    const std::uint32_t rounded = a + low_bits(shift - 1) + (a >> shift & 1);
    return static_cast<std::int64_t>(rounded >> shift) - (std::int64_t{127 - Bias} << Mantissa);
  }
  // Of less, in units of the least code's value; f32's subnormals have the exponent -126.
  static constexpr std::int64_t nearest_subnormal(std::uint32_t a) {
    const int exponent = static_cast<int>(a >> 23 ? a >> 23 : 1) - 127;
    const std::uint32_t significand = a >> 23 ? (a & 0x7fffff) | 0x800000 : a;
    const int shift = 23 - static_cast<int>(Mantissa) + (least_exponent - exponent);  // bits to round away
    if (shift > 25) return 0;
    if (shift <= 0) return std::int64_t{significand} << -shift;
    const std::uint32_t half = 1u << (shift - 1), rest = significand & low_bits(static_cast<unsigned>(shift));
    const std::uint32_t q = significand >> shift;
    return q + (rest > half || (rest == half && (q & 1)) ? 1 : 0);
  }
};

using e2m1 = minifloat<2, 1, 1>;
using e2m3 = minifloat<2, 3, 1>;
using e3m2 = minifloat<3, 2, 3>;
using e4m3 = minifloat<4, 3, 7, special::nan>;
using e5m2 = minifloat<5, 2, 15, special::ieee>;
using ue4m3 = minifloat<4, 3, 7, special::nan, overflow::saturate, false>;
using f16 = minifloat<5, 10, 15, special::ieee, overflow::infinity>;
using bf16 = minifloat<8, 7, 127, special::ieee, overflow::infinity>;

// The forms that do not saturate: what a plain conversion without saturation does.
using e4m3_nan = minifloat<4, 3, 7, special::nan, overflow::nan>;
using e5m2_inf = minifloat<5, 2, 15, special::ieee, overflow::infinity>;

}  // namespace quern::inline v0
