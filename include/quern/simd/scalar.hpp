// What users' policies compute, called from kernels one weight at a time. These functions are compiled for no SIMD target but
// with the translation unit's own flags, as reference/ is: a target with fused multiply-add must not change a formula.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>

#include "quern/number/number.hpp"
#include "quern/symmetry/symmetry.hpp"

namespace quern::inline v0 {

// values[i * elements<N> + j] = value j of codes[i].
template <number_format N, class T>
__attribute__((noinline)) void call_values(const T* codes, std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < elements<N>; ++j) values[i * elements<N> + j] = value<N>(codes[i], j);
}

// weights[i] = weight(s[i], v[i], o[i]).
template <symmetry S>
__attribute__((noinline)) void call_weight(const float* s, const float* v, const float* o, std::size_t count, float* weights) {
  for (std::size_t i = 0; i < count; ++i) weights[i] = S::weight(s[i], v[i], o[i]);
}

}  // namespace quern::inline v0
