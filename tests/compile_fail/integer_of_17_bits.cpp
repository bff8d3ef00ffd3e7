// expect: integer: a code has 1 to 16 bits
// No format stores integers that wide.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/integer.hpp"
using namespace quern;
const float bad = integer<17>::value(1);
