// expect: layout: some bits of a code are stored nowhere; the fields' widths must add up to the number's bits
// The fifth bit is missing.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake =
    codec<unsigned_integer<5>, levels<group<32, f16>>, symmetric, blocked<32, stream<scale<>>, plane<codes, 4, 16>>>;
const bool checked = mistake::checked();
