// expect-ok
// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "control_engine_order.cpp"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"
#include "quern/simd.hpp"
