// Kernels compiled as they are used.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "program/multiply.hpp"

void program::plain(weights w, quern::matrix_view<const float> x, quern::matrix_view<float> y) {
  multiply<HWY_TARGETS>(w, x, y);
}
std::int64_t program::plain_target() { return quern::kernels<log4_32::base>::target(); }
