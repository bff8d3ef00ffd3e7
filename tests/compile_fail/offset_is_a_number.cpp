// expect: granularity: a level must be group<...>
// A zero point needs a level, too.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<4>, levels<group<32, f16>>, zero_point<unsigned_integer<4>>>;
const bool checked = mistake::checked();
