// expect: layout: a field stores a part (a level of scale or offset) that the granularity or symmetry does not have
// A symmetric codec has no offset to store.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<4>, levels<group<32, f16>>, symmetric,
                      blocked<32, stream<scale<>>, stream<offset<>>, plane<codes, 4, 16>>>;
const bool checked = mistake::checked();
