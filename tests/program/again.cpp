// The same kernels in a second file, after light headers of Highway and with simd.hpp twice: the symbols must merge.
// SPDX-License-Identifier: Apache-2.0
#include "hwy/aligned_allocator.h"
#include "quern/simd.hpp"

#include "quern/simd.hpp"

#include "program/multiply.hpp"

void program::again(weights w, quern::matrix_view<const float> x, quern::matrix_view<float> y) {
  multiply<HWY_TARGETS>(w, x, y);
}
std::int64_t program::again_target() { return quern::kernels<log4_32::base>::target(); }
