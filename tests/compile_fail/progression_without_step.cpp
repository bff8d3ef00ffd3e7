// expect: progression: a step of 0 gives all codes one value
// The step is left at 0.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/progression.hpp"
using namespace quern;
const float bad = progression<4, 0, 1>::value(1);
