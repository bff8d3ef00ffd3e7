// expect: codec: the values of the number format must be constants
// Tables are computed at compile time.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
using namespace quern;
struct mine {
  static constexpr unsigned bits = 4;
  static float value(std::uint32_t code) { return static_cast<float>(code); }
};
using mistake = codec<mine, levels<>>;
const bool checked = mistake::checked();
