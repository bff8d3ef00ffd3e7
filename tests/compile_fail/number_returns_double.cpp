// expect: codec: the first policy must be a number format
// Values are float: a double would have to be rounded, and where is not said.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
using namespace quern;
struct mine {
  static constexpr unsigned bits = 4;
  static constexpr double value(std::uint32_t code) { return code; }
};
using mistake = codec<mine, levels<>>;
const bool checked = mistake::checked();
