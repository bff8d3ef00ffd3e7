// Fits by the mean magnitude.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/fit.hpp"

namespace quern::inline v0 {

// BitNet b1.58: the mean magnitude, not below 1e-5, is 1 (Ma et al., The Era of 1-bit LLMs, 2024, section 2; transformers,
// integrations/bitnet.py). Weights beyond it are cut off.
struct absmean {
  static constexpr statistic reads = statistic::precise_mean;
  static constexpr code_rule codes{.scale = from::ideal, .balanced = true};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    return {s.mean < 1e-5f ? 1e-5f : s.mean};
  }
};

}  // namespace quern::inline v0
