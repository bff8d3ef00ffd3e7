// Elements of matrices that are not float: IEEE binary16 and bfloat16, as bits.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>
#include <cstdint>

#include "quern/base/bits.hpp"

namespace quern::inline v0 {

// IEEE binary16.
struct f16_t {
  std::uint16_t bits;
  bool operator==(const f16_t&) const = default;
};
// The upper half of an IEEE binary32.
struct bf16_t {
  std::uint16_t bits;
  bool operator==(const bf16_t&) const = default;
};

// What a matrix of weights or activations may hold.
template <class T>
concept real = std::same_as<T, float> || std::same_as<T, f16_t> || std::same_as<T, bf16_t>;

// Exact; a NaN keeps its sign and the upper bits of its payload.
constexpr float to_float(float x) { return x; }
constexpr float to_float(bf16_t x) { return float_from_bits(std::uint32_t{x.bits} << 16); }
constexpr float to_float(f16_t x) {
  const std::uint32_t sign = (x.bits & 0x8000u) << 16, e = x.bits >> 10 & 31u, m = x.bits & 0x3ffu;
  if (e == 31) return float_from_bits(sign | 0x7f800000u | m << 13);
  if (e != 0) return float_from_bits(sign | (e + 112) << 23 | m << 13);
  return float_from_bits(sign | float_to_bits(static_cast<float>(m) * 0x1p-24f));
}

// Round to nearest, ties to even; beyond the largest number, infinity; NaN becomes a quiet NaN of the same sign.
constexpr bf16_t to_bf16(float x) {
  const std::uint32_t u = float_to_bits(x);
  if (is_nan(x)) return {static_cast<std::uint16_t>(u >> 16 | 0x40)};
  return {static_cast<std::uint16_t>((u + 0x7fff + (u >> 16 & 1)) >> 16)};
}
constexpr f16_t to_f16(float x) {
  const std::uint32_t u = float_to_bits(x), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return {static_cast<std::uint16_t>(sign | 0x7e00u)};
  if (a >= 0x477ff000u) return {static_cast<std::uint16_t>(sign | 0x7c00u)};  // 65520 and above
  if (a < 0x33000001u) return {static_cast<std::uint16_t>(sign)};             // 2^-25 and below
  const std::uint32_t e = a >> 23;
  const unsigned shift = e >= 113 ? 13u : 126u - e;
  const std::uint32_t significand = (a & 0x7fffffu) | 0x800000u;
  const std::uint32_t q = significand >> shift, rest = significand & low_bits(shift), half = 1u << (shift - 1);
  const std::uint32_t base = e >= 113 ? (e - 113) << 10 : 0;
  return {static_cast<std::uint16_t>(sign | (base + q + (rest > half || (rest == half && (q & 1)))))};
}
template <real T>
constexpr T from_float(float x) {
  if constexpr (std::same_as<T, float>) return x;
  else if constexpr (std::same_as<T, f16_t>) return to_f16(x);
  else return to_bf16(x);
}

}  // namespace quern::inline v0
