// expect: layout: a field holds more codes than the unit has; check its counts and the extents of the unit
// A section of 32 in a block of 16.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/layout/section.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<8>, levels<>, symmetric, blocked<16, section<0, 32, stream<codes>>>>;
const bool checked = mistake::checked();
