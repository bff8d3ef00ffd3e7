// A number format of a user, for tests: a sign and powers of 0.7, which no float holds.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

struct log4 {
  static constexpr unsigned bits = 4;
  static constexpr float value(std::uint32_t code) {
    float magnitude = 1;
    for (std::uint32_t k = 0; k < (code & 7); ++k) magnitude *= 0.7f;
    return code & 8 ? -magnitude : magnitude;
  }
};
