// What passes between encode and a fit over blocks: levels of scales, or of offsets, chosen together, and codes with them.
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

// The numbers of a block's groups, side by side.
struct fitted_groups {
  static constexpr std::size_t most = 16;
  std::size_t count = 0;
  std::array<float, most> scale{}, offset{}, weight{};
};

// The number of the coarser level before it is rounded, and the codes of the finer level for each group. blank: the codes
// that groups keep are not theirs, but 0.
struct block_levels {
  float coarse = 0;
  std::array<std::uint32_t, fitted_groups::most> codes{};
  bool blank = false;
};

// All that is chosen in a block of the coarsest level, in the order of its weights: of two levels the number of the
// coarser one before it is rounded, the codes of the finer one, or of the only level of offsets, and of the weights, one
// for as many neighbours as the number has values for a code.
struct fitted_block {
  static constexpr std::size_t most_weights = 256, most_groups = 32;
  float scale = 0, offset = 0;
  std::array<std::uint8_t, most_groups> scales{}, offsets{};
  std::array<std::uint32_t, most_weights> codes{};
};

}  // namespace quern::inline v0
