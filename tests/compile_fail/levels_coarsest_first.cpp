// expect: granularity: levels must be listed finest first
// The tensor's scale is listed before the group's.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<offset_integer<4>, levels<tensor<f32>, group<32, f16>>>;
const bool checked = mistake::checked();
