// expect: layout: some bits of the unit hold nothing; if that is meant, say so with a field of part `nothing`
// Ten codes of three bits leave two bits of a word.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<3>, levels<>, symmetric, blocked<10, shared<4, stream<codes>>>>;
const bool checked = mistake::checked();
