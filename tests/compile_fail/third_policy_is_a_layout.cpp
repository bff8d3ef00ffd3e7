// expect: codec: the third policy must be a symmetry
// The symmetry is left out, but a layout follows.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<offset_integer<4>, levels<group<32, f16>>, blocked<32, stream<scale<>>, plane<codes, 4, 16>>>;
const bool checked = mistake::checked();
