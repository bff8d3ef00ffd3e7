// The fits of ggml for its formats of one scale to a block, as ggml-quants.c's quantize_row_*_ref has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/absmax.hpp"
#include "quern/fit/ggml_search.hpp"
#include "quern/fit/min_max.hpp"
#include "quern/fit/mx.hpp"

namespace quern::inline v0::ggml {

// Q8_0, TQ1_0, TQ2_0, Q2_0: absmax; codes with the scale before it is rounded, ties away from zero.
struct absmax : quern::absmax {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::ties_away};
};

// Q4_0, Q5_0: the extreme weight becomes code 0. All zero gives scale -0.
struct full_range : quern::full_range {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::truncate};
  using with_importance = weighted_scale;
};

// Q4_1, Q5_1
struct min_max : quern::min_max {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::truncate};
  using with_importance = weighted_range;
};

// Q1_0: the mean magnitude, and the sign; what is not negative is positive.
struct absmean {
  static constexpr statistic reads = statistic::mean;
  static constexpr code_rule codes{from::ideal, by::nothing, rounding::ties_up};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    return {s.mean};
  }
};

// MXFP4
using mxfp4 = mx_scale<mx_rule::floor_of_log2f, rounding::ties_to_zero>;

// NVFP4: absmax; of two values equally near, the lower code, which is the lesser magnitude.
struct nvfp4 : quern::absmax {
  static constexpr code_rule codes{from::stored, by::division, rounding::ties_to_zero};
};

}  // namespace quern::inline v0::ggml
