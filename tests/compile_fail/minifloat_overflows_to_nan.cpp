// expect: minifloat: overflow to NaN, but no code is NaN
// All codes of special::none are numbers.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/minifloat.hpp"
using namespace quern;
const float bad = minifloat<2, 1, 1, special::none, overflow::nan>::value(0);
