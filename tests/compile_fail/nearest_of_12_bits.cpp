// expect: nearest: a format of more than 8 bits must have a member nearest(float)
// A search through 4096 values is no rounding.
// SPDX-License-Identifier: Apache-2.0
#include "quern/number/nearest.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
const auto bad = nearest<unsigned_integer<12>>(1.0f);
