// MLX's fits.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/absmax.hpp"
#include "quern/fit/mx.hpp"

namespace quern::inline v0 {

// s * q + b: the end of the greater magnitude is exact, and so is 0; the scale is negative unless that end is the lower
// one. Codes with scale and bias before they are rounded. mlx, mlx/backend/cpu/quantized.cpp (quantize).
struct mlx_affine {
  static constexpr statistic reads = statistic::range;
  static constexpr code_rule codes{from::ideal, by::division};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    const bool lower = magnitude(s.least) > magnitude(s.greatest);
    const float end = lower ? s.least : s.greatest;
    float scale = (s.greatest - s.least) / (highest<typename C::number> - lowest<typename C::number>);
    if (scale < 1e-7f) scale = 1e-7f;
    if (!lower) scale = -scale;
    const float steps = round_even(end / scale);
    return steps == 0 ? affine{scale, 0} : affine{end / steps, end};
  }
};

// Modes "mxfp4" and "mxfp8": a block of zeros has scale 1. Of two E2M1 values equally near, the lesser; E4M3 ties are
// even. mlx/backend/cpu/quantized.cpp (fp_quantize); from 0.32 on, the exponent is rounded up.
template <rounding Round>
struct mlx_blocks : mx_scale<mx_rule::ceil_of_log2f, Round> {
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    return s.magnitude == 0 ? affine{1} : mx_scale<mx_rule::ceil_of_log2f, Round>::template ideal<C>(s);
  }
};
using mlx_mxfp4 = mlx_blocks<rounding::ties_to_zero>;
using mlx_mxfp8 = mlx_blocks<rounding::nearest>;

// Mode "nvfp4" without a scale of the tensor.
struct mlx_nvfp4 : absmax {
  static constexpr code_rule codes{.how = by::division, .round = rounding::ties_to_zero};
};

}  // namespace quern::inline v0
