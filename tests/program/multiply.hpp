// The product that the files of the program compile. Include after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "program/shared.hpp"

namespace program {

// Static: the kernels' type says which targets they are for, and so does what is made of it.
template <std::int64_t Targets>
void multiply(weights w, quern::matrix_view<const float> x, quern::matrix_view<float> y) {
  using P = quern::product<log4_32::base, quern::f32>;
  auto prepared = quern::aligned_bytes::try_make(quern::prepared_bytes<P>(x.rows(), x.cols()));
  quern::product_kernels<P, Targets>::prepare(x, prepared.span().data());
  quern::product_kernels<P, Targets>::matmul(w, prepared.span().data(), y);
}

}  // namespace program
