// The fits of ggml for its formats of one scale to a block, as ggml-quants.c's quantize_row_*_ref has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/absmax.hpp"
#include "quern/fit/absmean.hpp"
#include "quern/fit/ggml_search.hpp"
#include "quern/fit/min_max.hpp"
#include "quern/fit/mx.hpp"

namespace quern::inline v0::ggml {

// Where weights have an importance: the typical square is the mean over the row.
struct weighted_scale {  // Q4_0, Q5_0
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest};
  template <class C>
  static mapped ideal(const weight_region& w) {
    const weight_region row = w.row();
    const float typical = sum_of_squares(row) / static_cast<float>(row.size());
    return best_scale<typename C::number>(
        w.size(), [&](std::size_t i) { return w[i]; },
        [&](std::size_t i) { return emphasis(w.importance(i), typical, w[i]); });
  }
};
struct weighted_range {  // Q4_1, Q5_1
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest};
  template <class C>
  static mapped ideal(const weight_region& w) {
    const weight_region row = w.row();
    const float typical = sum_of_squares(row) / static_cast<float>(row.size());
    return best_range<typename C::number>(
        w.size(), [&](std::size_t i) { return w[i]; },
        [&](std::size_t i) { return emphasis(w.importance(i), typical, w[i]); }, {-0.9f, 0.05f, 36});
  }
};

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

// Q1_0: the mean magnitude, and the sign.
using absmean = sign_and_mean;

// MXFP4
using mxfp4 = mx_scale<mx_rule::floor_of_log2f, rounding::ties_to_zero>;

// NVFP4: absmax; of two values equally near, the lower code, which is the lesser magnitude.
struct nvfp4 : quern::absmax {
  static constexpr code_rule codes{from::stored, by::division, rounding::ties_to_zero};
};

// IQ4_NL
struct codebook_scale {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::ties_up};
  template <class C>
  static affine ideal(const weight_region& w) {
    const float typical = sum_of_squares(w) * (2 / static_cast<float>(w.size()));
    const auto e = [&](std::size_t i) {
      return w.has_importance() ? emphasis(w.importance(i), typical, w[i]) : exact(w[i] * w[i]);
    };
    return {best_table_scale<typename C::number>(
        w.size(), [&](std::size_t i) { return w[i]; }, e)};
  }
};

}  // namespace quern::inline v0::ggml
