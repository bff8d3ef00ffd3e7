// Scales that are powers of two: the rules of the Microscaling formats.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>

#include "quern/fit/fit.hpp"

namespace quern::inline v0 {

// How the exponent of a block follows from its greatest magnitude a. E is that of the number's greatest value g.
enum class mx_rule {
  floor,           // floor(log2 a) - E: OCP Microscaling v1.0, section 6.3; torchao's FLOOR
  ceil,            // the same, one more unless a is a power of two: torchao's CEIL
  rceil,           // ceil(log2(a / g)), so that nothing saturates: NVIDIA's cvt.rp.satfinite.ue8m0x2.f32
  even,            // floor, of a rounded to the number's precision, half up: torchao's EVEN
  even_fp4,        // floor, of a rounded to one bit of mantissa, whatever the number: compressed-tensors
  floor_of_log2f,  // floor of log2 a rounded to f32, less E: ggml
  ceil_of_log2f    // ceil of log2(a / g) rounded to f32: torchao's RCEIL without that instruction, MLX
};

// Floor of the logarithm of x > 0, subnormal or not.
constexpr int exponent_of(float x) {
  const std::uint32_t u = float_to_bits(x);
  if (u >> 23) return static_cast<int>(u >> 23 & 255) - 127;
  return static_cast<int>(std::bit_width(u)) - 150;
}

// The exponent of the least power of two that is at least x > 0.
constexpr int exponent_above(float x) {
  const std::uint32_t m = float_to_bits(x) & 0x7fffff;
  return exponent_of(x) + (float_to_bits(x) >> 23 ? m != 0 : !std::has_single_bit(m));
}

// log2 of x > 0 rounded to f32, and to an integer: down, or up. Near 2^k the logarithm moves by 2^-23 / ln 2 (above) or
// 2^-24 / ln 2 (below) with each float, and rounds to k up to half the distance of floats there.
template <bool Up>
constexpr int rounded_log2f(float x) {
  const int e = exponent_of(x);
  const std::uint32_t u = float_to_bits(x);
  const std::uint32_t m = (u >> 23 ? u : u << (24 - std::bit_width(u))) & 0x7fffff;  // x = 2^e * (1 + m / 2^23)
  if (m == 0) return e;
  const int k = Up ? e : e + 1;  // which log2 x may round to, though it is not
  const bool smaller_magnitude = Up ? k < 0 : k > 0;
  const auto n = static_cast<unsigned>(k < 0 ? -k : k) - (smaller_magnitude ? 1u : 0u);
  const double steps = Up ? 2.0 * m : 0x800000 - m;
  const bool rounds_to_k = k != 0 && n != 0 && steps < 0.6931471805599453 * static_cast<double>(std::bit_floor(n));
  return Up ? (rounds_to_k ? e : e + 1) : (rounds_to_k ? e + 1 : e);
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

// The scale is 2^e, the least one for a block of zeros. Codes are rounded as the number says, or as Round does, and
// saturate where the rule lets a reach beyond g.
template <mx_rule Rule, rounding Round = rounding::nearest>
struct mx_scale {
  static constexpr statistic reads = statistic::magnitude;
  static constexpr code_rule codes{.how = by::division, .round = Round, .balanced = true};

  template <class C>
  static constexpr affine ideal(const statistics& s) {
    if (s.magnitude == 0) return {0};
    const int e = exponent<typename C::number>(s.magnitude);
    return {e < -149 ? 0 : exp2i(e > 127 ? 127 : e)};
  }

  template <scalar_format N>
  static constexpr int exponent(float a) {
    constexpr float greatest = reach<N>;
    constexpr int e = exponent_of(greatest);
    if constexpr (Rule == mx_rule::floor) return exponent_of(a) - e;
    else if constexpr (Rule == mx_rule::ceil) return exponent_above(a) - e;
    else if constexpr (Rule == mx_rule::rceil) return exponent_above(a / greatest);
    else if constexpr (Rule == mx_rule::floor_of_log2f) return rounded_log2f<false>(a) - e;
    else if constexpr (Rule == mx_rule::ceil_of_log2f) return rounded_log2f<true>(a / greatest);
    else {
      constexpr unsigned m = Rule == mx_rule::even_fp4 ? 1 : mantissa_bits<N>;
      return exponent_of(float_from_bits(float_to_bits(a) + (1u << (22 - m)))) - e;
    }
  }
};

}  // namespace quern::inline v0
