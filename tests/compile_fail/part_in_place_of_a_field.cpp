// expect: layout: a unit holds fields, like stream<codes> or plane<codes, 4, 16>
// A part lies nowhere by itself.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake =
    codec<unsigned_integer<4>, levels<group<32, f16>>, symmetric, blocked<32, scale<>, plane<codes, 4, 16>>>;
const bool checked = mistake::checked();
