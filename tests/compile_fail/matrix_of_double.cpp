// expect: constraints not satisfied
// A matrix holds float, f16_t or bf16_t.
// SPDX-License-Identifier: Apache-2.0
#include "quern/base/matrix_view.hpp"
using namespace quern;
matrix_view<double> bad;
