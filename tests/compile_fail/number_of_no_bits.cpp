// expect: codec: the first policy must be a number format: `bits` from 1 to 32
// A code has at least one bit.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
using namespace quern;
struct mine {
  static constexpr unsigned bits = 0;
  static constexpr float value(std::uint32_t) { return 1; }
};
using mistake = codec<mine, levels<>>;
const bool checked = mistake::checked();
