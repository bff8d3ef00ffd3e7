// expect: layout: a unit must hold whole regions of every part in it; make it a multiple of the group
// A block of 48 with groups of 32.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake =
    codec<unsigned_integer<4>, levels<group<32, f16>>, symmetric, blocked<48, stream<scale<>>, stream<codes>>>;
const bool checked = mistake::checked();
