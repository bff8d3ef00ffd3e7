// expect: layout: two fields store the same bits of a code; check their shifts and widths
// Bit 3 lies in both fields.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<5>, levels<group<32, f16>>, symmetric,
                      blocked<32, stream<scale<>>, plane<codes, 4, 16>, stream<codes, 1, 3>>>;
const bool checked = mistake::checked();
