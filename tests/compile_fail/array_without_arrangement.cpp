// expect: layout: the second parameter of array must be an arrangement
// A field stands where the arrangement belongs.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<4>, levels<>, symmetric, separate<array<unit<1, 2>, stream<codes>>>>;
const bool checked = mistake::checked();
