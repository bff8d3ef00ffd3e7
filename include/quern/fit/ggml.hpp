// The fits of ggml for its formats of one scale to a block, as ggml-quants.c's quantize_row_*_ref has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/absmax.hpp"
#include "quern/fit/absmean.hpp"
#include "quern/fit/ggml/group.hpp"
#include "quern/fit/min_max.hpp"
#include "quern/fit/mx.hpp"

namespace quern::inline v0::ggml {

// Formats of one level that search, group by group.
template <class F>
struct region_search {
  template <class C>
  static auto ideal(const weight_region& w) {
    return w.has_importance() ? search_group<F, C, true>(samples(F::search(true), w, w))
                              : search_group<F, C, false>(samples(F::search(false), w, w));
  }
};
// Those that search only where weights have an importance; the typical square is the mean over the row.
struct weighted_scale : region_search<weighted_scale> {  // Q4_0, Q5_0
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest};
  static constexpr group_search search(bool) {
    return {searching::scale, counting::emphasis, {}, mean_of::row};
  }
};
struct weighted_range : region_search<weighted_range> {  // Q4_1, Q5_1
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest};
  static constexpr group_search search(bool) {
    return {searching::range, counting::emphasis, {-0.9f, 0.05f, 36}, mean_of::row};
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
struct codebook_scale : region_search<codebook_scale> {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::ties_up};
  static constexpr group_search search(bool weighted) {
    return {searching::table_scale, weighted ? counting::emphasis : counting::square, {}, mean_of::block, 2};
  }
};

}  // namespace quern::inline v0::ggml
