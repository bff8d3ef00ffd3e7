// expect: codec: the first policy must be a number format
// Number and granularity are swapped.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake =
    codec<levels<group<32, f16>>, offset_integer<4>, symmetric, blocked<32, stream<scale<>>, plane<codes, 4, 16>>>;
const bool checked = mistake::checked();
