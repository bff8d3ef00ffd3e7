// expect: granularity: levels must be listed finest first, and every region must lie inside one of the next level
// 48 does not divide 128.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<offset_integer<4>, levels<group<48, f16>, group<128, f16>>>;
const bool checked = mistake::checked();
