// The same kernels, compiled with -march=haswell and for other targets than the rest of the program.
// SPDX-License-Identifier: Apache-2.0
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS 0x1DFF
#include "quern/simd.hpp"

#include "program/multiply.hpp"

void program::haswell(weights w, quern::matrix_view<const float> x, quern::matrix_view<float> y) {
  multiply<HWY_TARGETS>(w, x, y);
}
