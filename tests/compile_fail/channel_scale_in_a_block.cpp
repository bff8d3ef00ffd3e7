// expect: layout: a unit must hold whole regions of every part in it
// Every block of a row would store the scale of the row.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake =
    codec<unsigned_integer<4>, levels<channel<f16>>, symmetric, blocked<256, stream<scale<>>, stream<codes>>>;
const bool checked = mistake::checked();
