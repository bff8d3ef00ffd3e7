// Parts: the arrays of codes that a codec stores. A layout says where their bits lie and knows nothing else of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>

namespace quern::inline v0 {

enum class role : std::uint8_t { codes, scale, offset, sums, nothing };

struct part {
  role is;
  std::uint8_t level;
  bool operator==(const part&) const = default;
};

// The parts, as types: the weights' codes, the scales of a level, the offsets of a level; and what is no part: sums over
// equal runs of a unit's weights, which encoding writes and decoding does not read, and bits that mean nothing.
struct codes {
  static constexpr part id{role::codes, 0};
};
template <std::uint8_t Level = 0>
struct scale {
  static constexpr part id{role::scale, Level};
};
template <std::uint8_t Level = 0>
struct offset {
  static constexpr part id{role::offset, Level};
};
struct sums {
  static constexpr part id{role::sums, 0};
};
struct nothing {
  static constexpr part id{role::nothing, 0};
};

// How many codes of a part lie in one unit of storage, and how wide each is.
struct run {
  std::size_t count;
  unsigned bits;
};

}  // namespace quern::inline v0
