// expect: codec: the first policy must be a number format
// A vector format says how many elements a code has.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
using namespace quern;
struct mine {
  static constexpr unsigned bits = 4;
  static constexpr float value(std::uint32_t code, std::size_t j) { return static_cast<float>(code >> j & 1); }
};
using mistake = codec<mine, levels<>>;
const bool checked = mistake::checked();
