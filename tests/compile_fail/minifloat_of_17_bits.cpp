// expect: minifloat: 1 to 8 bits of exponent, and at most 16 bits in all
// Wider floats are f32.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/minifloat.hpp"
using namespace quern;
const float bad = minifloat<8, 8, 127>::value(0);
