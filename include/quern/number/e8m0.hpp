// Powers of two: the scale format of the OCP Microscaling (MX) specification v1.0, section 5.4.1.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>

#include "quern/base/bits.hpp"
#include "quern/number/number.hpp"

namespace quern::inline v0 {

// 2^(code - 127); 255 is NaN. There is no zero and no sign: code 0 is 2^-127, subnormal in f32.
struct e8m0 {
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t code) {
    return code == 255 ? std::numeric_limits<float>::quiet_NaN() : exp2i(static_cast<int>(code) - 127);
  }
  // The nearest power of two, ties upward as the midpoint 1.5 * 2^e has an odd and an even neighbour in no useful
  // order; beyond the ends, the ends. The rules of MX (floor, ceil, rceil, even) are fits, not roundings of this number.
  static constexpr std::uint32_t nearest(float x) {
    const std::uint32_t u = float_to_bits(x) & 0x7fffffff;
    if (u > 0x7f800000) return 255;
    if (u < 0x00400000) return 0;  // below 2^-127
    const std::uint32_t e = u >> 23, up = u >> 22 & 1;
    if (e == 0) return (u & 0x7fffff) >= 0x600000 ? 1 : 0;
    return e + up > 254 ? 254 : e + up;
  }
};

}  // namespace quern::inline v0
