// The meaning of y = x times the transposed weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "quern/reference/dot.hpp"

namespace quern::inline v0::reference {

// y[m, n] = sum over k of x[m, k] * w[n, k], with activations A, summed in double and rounded once. x: M x w.cols(), y: M x
// w.rows(); y overlaps neither x nor w.
template <activation_policy A = f32, class C, class Byte>
void matmul(const basic_packed_view<C, Byte>& w, matrix_view<const float> x, matrix_view<float> y) {
  std::vector<double> seen(x.cols());
  for (std::size_t m = 0; m < x.rows(); ++m) {
    activate<A>({x.row(m), x.cols()}, seen);
    for (std::size_t n = 0; n < w.rows(); ++n) y(m, n) = static_cast<float>(dot(w, n, seen).value);
  }
}

}  // namespace quern::inline v0::reference
