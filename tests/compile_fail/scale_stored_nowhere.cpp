// expect: layout: every part must be stored in exactly one array
// The block forgets its scale.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<4>, levels<group<32, f16>>, symmetric, blocked<32, plane<codes, 4, 16>>>;
const bool checked = mistake::checked();
