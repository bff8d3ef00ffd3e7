// Bits per weight of bytes that exist, scales and padding included.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <limits>

namespace quern::inline v0 {

// 8 bytes / weights. Of no weights: infinity, or 0 where there are no bytes either. bits_per_weight<C> is what a codec
// declares for large matrices; this is what one matrix, tensor or file takes.
constexpr double measured_bits_per_weight(std::uint64_t bytes, std::uint64_t weights) noexcept {
  if (weights == 0) return bytes == 0 ? 0 : std::numeric_limits<double>::infinity();
  return 8 * static_cast<double>(bytes) / static_cast<double>(weights);
}

}  // namespace quern::inline v0
