// Block scales in the order in which NVIDIA's tensor cores read them. Source: cuBLAS documentation, "1D block scaling
// factors layout"; CUTLASS, Sm1xxBlockScaledBasicChunk.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/layout/layout.hpp"
#include "quern/layout/stream.hpp"

namespace quern::inline v0 {

// In a tile of 128 rows x 4 scales, the scale at (r, c) is number r % 32 * 16 + r / 32 * 4 + c.
struct tensor_core_scales {
  static constexpr coord at(std::size_t p, shape) { return {p / 16 + p % 16 / 4 * 32, p % 4}; }
  static constexpr std::size_t position(coord c, shape) { return c.row % 32 * 16 + c.row / 32 * 4 + c.col; }
};

// The array of such tiles, of scales for groups of Group weights. Rows and columns are padded to whole tiles.
template <std::size_t Group>
using swizzled_scales = array<unit<128, 4 * Group>, by_rows, ordered<tensor_core_scales, stream<scale<0>>>>;

}  // namespace quern::inline v0
