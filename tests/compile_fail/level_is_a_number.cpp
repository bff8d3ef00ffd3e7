// expect: granularity: a level must be group<...>
// A number is listed where a level belongs.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<offset_integer<4>, levels<f16>>;
const bool checked = mistake::checked();
