// expect: progression: Over must be a power of two, so that values are exact
// A third is no float.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/progression.hpp"
using namespace quern;
const float bad = progression<4, 1, 0, 3>::value(1);
