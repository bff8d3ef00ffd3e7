// The fits of ggml for its formats of one scale to a block, as ggml-quants.c's quantize_row_*_ref has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/absmax.hpp"
#include "quern/fit/absmean.hpp"
#include "quern/fit/ggml_search.hpp"
#include "quern/fit/min_max.hpp"
#include "quern/fit/mx.hpp"

namespace quern::inline v0::ggml {

// A group whose weights have an importance, in formats of one level: the typical square is the mean over the row.
inline samples in_row(const weight_region& w) {
  const float typical = w.mean_square_of_row();
  return samples(w, [&](std::size_t i, float x) { return emphasis(w.importance(i), typical, x); });
}
struct weighted_scale {  // Q4_0, Q5_0
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest};
  template <class C>
  static mapped ideal(const weight_region& w) {
    const samples s = in_row(w);
    return best_scale<typename C::number>(s.x(), s.e());
  }
};
struct weighted_range {  // Q4_1, Q5_1
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest};
  template <class C>
  static mapped ideal(const weight_region& w) {
    const samples s = in_row(w);
    return best_range<typename C::number>(s.x(), s.e(), {-0.9f, 0.05f, 36});
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
    const samples s = in_block(w, w);
    return {best_table_scale<typename C::number>(s.x(), s.e())};
  }
};

}  // namespace quern::inline v0::ggml
