// Numbers stored as their inverse.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>

#include "quern/number/nearest.hpp"

namespace quern::inline v0 {

// 1 / N, correctly rounded: a scale that its owner stores as what weights were multiplied by. 1 / 0 is infinity.
template <scalar_format N>
struct reciprocal {
  static constexpr unsigned bits = N::bits;
  static constexpr float value(std::uint32_t code) { return inverse(N::value(code)); }
  static constexpr std::uint32_t nearest(float x) { return quern::nearest<N>(inverse(x)); }

 private:
  static constexpr float inverse(float x) {
    if (x == 0)
      return float_from_bits(float_to_bits(std::numeric_limits<float>::infinity()) | (float_to_bits(x) & 0x80000000));
    return 1.0f / x;
  }
};

}  // namespace quern::inline v0
