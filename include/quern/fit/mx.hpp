// Scales that are powers of two: the rules of the Microscaling formats.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>

#include "quern/fit/fit.hpp"

namespace quern::inline v0 {

// How the exponent of a block follows from its greatest magnitude a. E is the exponent of the number's greatest value g.
enum class mx_rule {
  floor,         // floor(log2 a) - E: OCP Microscaling v1.0, section 6.3; torchao's FLOOR
  ceil,          // the same, one more unless a is a power of two: torchao's CEIL
  rceil,         // ceil(log2(a * (1 / g))), so that nothing saturates: torchao's RCEIL, NVIDIA's cvt.rp
  even,          // floor, of a rounded to the number's precision, half up: torchao's EVEN
  even_fp4,      // floor, of a rounded to one bit of mantissa, whatever the number: compressed-tensors
  rounded,       // log2(a / g), rounded; a block of zeros has exponent 0: MLX
  floor_of_log2f  // floor of the f32 nearest to log2 a, less E: ggml, to which a just below a power of two is one
};

// Floor of the logarithm of x > 0, subnormal or not.
constexpr int exponent_of(float x) {
  const std::uint32_t u = float_to_bits(x);
  if (u >> 23) return static_cast<int>(u >> 23 & 255) - 127;
  return static_cast<int>(std::bit_width(u)) - 150;
}

// Whether log2 of x > 0, correctly rounded to f32, is the integer above it. Below 2^k, log2 falls by 2^-24 / ln 2 with each
// float, and rounds to k up to half the distance of the floats below k.
constexpr bool log2f_rounds_up(float x) {
  const std::uint32_t u = float_to_bits(x), left = 0x800000 - (u & 0x7fffff);
  if (u >> 23 == 0 || left == 0x800000) return false;
  const int k = exponent_of(x) + 1;
  const auto n = static_cast<unsigned>(k > 0 ? k - 1 : -k);
  if (n == 0) return false;
  return static_cast<double>(left) < 0.6931471805599453 * static_cast<double>(std::bit_floor(n));
}

// Bits of N's significand below the leading one.
template <number_format N>
inline constexpr unsigned mantissa_bits = [] {
  // The greatest power of two p has its next value at p + p / 2^m.
  constexpr const auto& s = sorted<N>;
  const float p = exp2i(exponent_of(s.value[s.size - 1]));
  for (std::size_t i = 0; i + 1 < s.size; ++i)
    if (s.value[i] == p) return static_cast<unsigned>(exponent_of(p) - exponent_of(s.value[i + 1] - p));
  return 0u;
}();

// The scale is 2^e. Codes are rounded as the number says, saturating where the rule lets a reach beyond g.
template <mx_rule Rule>
struct mx_scale {
  static constexpr statistic reads = statistic::magnitude;
  static constexpr code_rule codes{from::stored, by::division,
                                   Rule == mx_rule::floor_of_log2f ? rounding::ties_to_zero : rounding::nearest};

  template <class C>
  static constexpr affine ideal(const statistics& s) {
    using N = typename C::number;
    const float a = s.magnitude;
    if (a == 0) return {Rule == mx_rule::rounded ? 1.0f : 0.0f};
    return {power(exponent<N>(a))};
  }

  template <number_format N>
  static constexpr int exponent(float a) {
    constexpr float greatest = reach<N>;
    constexpr int e = exponent_of(greatest);
    const bool power_of_two = (float_to_bits(a) & 0x7fffff) == 0;
    if constexpr (Rule == mx_rule::floor) return exponent_of(a) - e;
    else if constexpr (Rule == mx_rule::ceil) return exponent_of(a) - e + (power_of_two ? 0 : 1);
    else if constexpr (Rule == mx_rule::floor_of_log2f) return exponent_of(a) - e + (log2f_rounds_up(a) ? 1 : 0);
    else if constexpr (Rule == mx_rule::rceil) return exponent_of(power_of_two_above(a * (1 / greatest)));
    else if constexpr (Rule == mx_rule::rounded) return exponent_of(a / greatest * 0x1.6a09e6p0f);
    else {
      constexpr unsigned m = Rule == mx_rule::even_fp4 ? 1 : mantissa_bits<N>;
      return exponent_of(float_from_bits(float_to_bits(a) + (1u << (22 - m)))) - e;
    }
  }

 private:
  static constexpr float power(int e) { return e < -149 ? 0 : exp2i(e > 127 ? 127 : e); }
};

}  // namespace quern::inline v0
