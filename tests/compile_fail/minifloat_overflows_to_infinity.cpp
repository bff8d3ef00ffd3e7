// expect: minifloat: overflow to infinity, but no code is infinity
// E4M3 has no infinity.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/minifloat.hpp"
using namespace quern;
const float bad = minifloat<4, 3, 7, special::nan, overflow::infinity>::value(0);
