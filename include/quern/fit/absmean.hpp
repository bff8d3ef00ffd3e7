// Fits by the mean magnitude.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/fit.hpp"

namespace quern::inline v0 {

// BitNet b1.58: the mean magnitude, not below 1e-5, is 1 (Ma et al., The Era of 1-bit LLMs, 2024, section 2;
// transformers, integrations/bitnet.py). Weights beyond it are cut off.
struct absmean {
  static constexpr statistic reads = statistic::precise_mean;
  static constexpr code_rule codes{.scale = from::ideal, .balanced = true};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    return {s.mean < 1e-5f ? 1e-5f : s.mean};
  }
};

// Numbers of two values, -v and v: the sign, 0 counting as positive, and the scale of least squared error.
struct sign_and_mean {
  static constexpr statistic reads = statistic::mean;
  static constexpr code_rule codes{from::ideal, by::nothing, rounding::ties_up};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    return {s.mean / reach<typename C::number>};
  }
};

}  // namespace quern::inline v0
