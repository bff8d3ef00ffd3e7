// Equally spaced values: unsigned, offset-binary, ternary, binary, odd and fixed-point integers.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/bits.hpp"
#include "quern/number/number.hpp"

namespace quern::inline v0 {

// (First + Step * code) / Over. Over is a power of two, so every value is exact.
template <unsigned Bits, int Step, int First, int Over = 1>
struct progression {
  static_assert(Bits >= 1 && Bits <= 16, "progression: a code has 1 to 16 bits");
  static_assert(Step != 0, "progression: a step of 0 gives all codes one value");
  static_assert(Over > 0 && (Over & (Over - 1)) == 0, "progression: Over must be a power of two, so that values are exact");
  static constexpr unsigned bits = Bits;
  static constexpr float value(std::uint32_t code) {
    return static_cast<float>(First + Step * static_cast<int>(code)) / static_cast<float>(Over);
  }
};

template <unsigned Bits>
using unsigned_integer = progression<Bits, 1, 0>;  // 0 ... 2^b - 1
template <unsigned Bits>
using offset_integer = progression<Bits, 1, -(1 << (Bits - 1))>;  // code - 2^(b-1)
template <unsigned Bits>
using odd = progression<Bits, 2, 1>;  // 1, 3, 5, ...
using ternary = progression<2, 1, -1>;  // -1, 0, 1 (and 2, which no ternary encoder writes)
using binary = progression<1, 2, -1>;  // -1, 1

}  // namespace quern::inline v0
