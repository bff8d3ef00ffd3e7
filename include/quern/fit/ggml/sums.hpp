// The fits of ggml for activations, whose blocks store sums as well: quantize_row_q8_1_ref and quantize_row_q8_K_ref of
// ggml-quants.c.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/ggml.hpp"
#include "quern/number/minifloat.hpp"

namespace quern::inline v0::ggml {

// Q8_1: a sum is stored as a half, times the scale before it is rounded.
struct absmax_and_sums : absmax {
  template <class C>
  static std::uint32_t sum_code(float sum, const affine& a) {
    return nearest_finite<f16>(exact(sum * a.scale));
  }
};

// Q8_K: the extreme weight becomes -127. A sum is stored as an integer.
struct extreme_and_sums {
  static constexpr statistic reads = statistic::extreme;
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest};
  template <class C>
  static constexpr mapped ideal(const statistics& s) {
    const float inverse = s.extreme == 0 ? 0 : -127 / s.extreme;
    if (inverse == 0 || !is_finite(inverse)) return {{0, 0}, 0, 0};
    return {{1 / inverse, 0}, inverse, 0};
  }
  template <class C>
  static std::uint32_t sum_code(float sum, const affine&) {
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(sum));
  }
};

}  // namespace quern::inline v0::ggml
