// expect: codec: the fourth policy must be a layout
// A bare field is no layout.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<offset_integer<4>, levels<group<32, f16>>, symmetric, plane<codes, 4, 16>>;
const bool checked = mistake::checked();
