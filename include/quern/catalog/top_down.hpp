// Bit planes whose first codes lie in the top bits: bitsandbytes' nibbles, HQQ's slabs, I2_S.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/layout/plane.hpp"

namespace quern::inline v0 {

// As plane<What, Width, Stride>, but the codes that share a byte are stored from its top downwards.
template <class What, unsigned Width, std::size_t Stride>
struct top_down : plane<What, Width, Stride> {
  static constexpr place at(std::size_t i, run r) {
    const place p = plane<What, Width, Stride>::at(i, r);
    return {p.bit / 8 * 8 + (8 - Width - p.bit % 8)};
  }
};

}  // namespace quern::inline v0
