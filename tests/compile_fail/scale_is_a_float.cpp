// expect: granularity: the last parameter of block, group, channel and tensor must be a number format
// float is a type of C++, f32 the number format.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<offset_integer<4>, levels<group<32, float>>>;
const bool checked = mistake::checked();
