// IEEE binary32 itself.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/bits.hpp"
#include "quern/number/number.hpp"

namespace quern::inline v0 {

struct f32 {
  static constexpr unsigned bits = 32;
  static constexpr unsigned mantissa_bits = 23;
  static constexpr int exponent_bias = 127;
  static constexpr float value(std::uint32_t code) { return float_from_bits(code); }
  static constexpr std::uint32_t nearest(float x) { return float_to_bits(x); }
};

}  // namespace quern::inline v0
