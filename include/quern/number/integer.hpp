// Two's complement integers.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/number/number.hpp"

namespace quern::inline v0 {

// -2^(b-1) ... 2^(b-1) - 1.
template <unsigned Bits>
struct integer {
  static_assert(Bits >= 1 && Bits <= 16, "integer: a code has 1 to 16 bits");
  static constexpr unsigned bits = Bits;
  static constexpr float value(std::uint32_t code) {
    return static_cast<float>(static_cast<std::int32_t>(code << (32 - Bits)) >> (32 - Bits));
  }
};

}  // namespace quern::inline v0
