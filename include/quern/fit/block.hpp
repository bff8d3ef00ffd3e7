// What passes between encode and a fit over blocks of groups: two levels of scales, or of offsets, chosen together.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>

namespace quern::inline v0 {

// A group of a block as it was fitted by itself. codes: what its weights keep if the scale stored in the end is 0.
struct fitted_group {
  static constexpr std::size_t most_weights = 32;
  float scale = 0, offset = 0, weight = 0;
  std::array<std::uint8_t, most_weights> codes{};
};

// The number of the coarser level before it is rounded, and the codes of the finer level for each group.
struct block_levels {
  static constexpr std::size_t most_groups = 16;
  float coarse = 0;
  std::array<std::uint32_t, most_groups> codes{};
};

}  // namespace quern::inline v0
