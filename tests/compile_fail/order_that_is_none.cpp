// expect: layout: the first parameter of ordered must be an order
// Only fields are given.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<4>, levels<>, symmetric, blocked<32, ordered<plane<codes, 4, 16>>>>;
const bool checked = mistake::checked();
