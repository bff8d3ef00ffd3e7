// The fits of bitsandbytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/fit.hpp"

namespace quern::inline v0 {

// NF4, FP4, 8-bit blockwise: the greatest magnitude is 1, even where the number ends at 0.99 on one side. Where the
// magnitudes are themselves coded, less their mean, that of 256 of them is 1, too. bitsandbytes, functional.py and
// backends/default/ops.py (quantize_blockwise, quantize_4bit); its CPU library has 65536 bins for 8-bit codes instead.
struct blockwise {
  static constexpr statistic reads = statistic::magnitude;
  static constexpr code_rule codes{.scale = from::ideal};
  static constexpr float finer_reach = 1;
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    return {s.magnitude};
  }
};

// LLM.int8(): the row's greatest magnitude is stored, codes are its 127ths (int8_vectorwise_quant).
struct llm_int8_row {
  static constexpr statistic reads = statistic::magnitude;
  static constexpr code_rule codes{.scale = from::ideal};
  template <class C>
  static constexpr mapped ideal(const statistics& s) {
    return {{s.magnitude / 127}, exact(inverse_or_zero(s.magnitude) * 127)};
  }
  template <class C>
  static constexpr std::uint32_t finest_code(const statistics& s, float) {
    return float_to_bits(s.magnitude);
  }
};

}  // namespace quern::inline v0
