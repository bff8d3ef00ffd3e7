// Base 3: five digits to a byte (GGUF's TQ1_0).
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/layout/field.hpp"

namespace quern::inline v0 {

// As a plane, with digits for bits: position i is digit i % P / Stride of byte (i / P) * Stride + i % Stride, P = 5 *
// Stride. A byte is the fraction 0.d0 d1 d2 d3 d4 in base 3, in 256ths, rounded up; digits beyond the last code are 0.
template <class What, std::size_t Stride>
struct trits {
  static constexpr part what = What::id;
  static constexpr slice holds(run r) { return {0, r.count, 0, 8, 5}; }
  static constexpr place at(std::size_t i, run) {
    return {(i / (5 * Stride) * Stride + i % Stride) * 8, static_cast<unsigned>(i % (5 * Stride) / Stride)};
  }
  static constexpr std::size_t bytes(run r) { return ceil_div(r.count, 5 * Stride) * Stride; }
};

// Digit d of a byte, and the byte of five digits.
constexpr std::uint32_t trit_of(std::uint32_t byte, unsigned d) {
  constexpr std::uint32_t powers[] = {1, 3, 9, 27, 81};
  return ((byte * powers[d] & 255) * 3) >> 8;
}
constexpr std::uint32_t with_trit(std::uint32_t byte, unsigned d, std::uint32_t trit) {
  std::uint32_t number = 0;
  for (unsigned i = 0; i < 5; ++i) number = number * 3 + (i == d ? trit % 3 : trit_of(byte, i));
  return (number * 256 + 242) / 243;
}

}  // namespace quern::inline v0
