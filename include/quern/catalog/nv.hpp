// NVFP4: E2M1 with an E4M3 scale for 16 weights and an f32 scale for the tensor. Arrays: elements, two to a byte, the
// first in the low nibble; scales, [rows, cols / 16]; the tensor's scale. 4.5 bits.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/reciprocal.hpp"
#include "quern/catalog/swizzled_scales.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/nvfp4.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/minifloat.hpp"

namespace quern::inline v0::nv {

template <scalar_format Global>
using fp4 = codec<e2m1, levels<group<16, e4m3>, tensor<Global>>>;

template <scalar_format Global>
using fp4_swizzled = codec<e2m1, levels<group<16, e4m3>, tensor<Global>>, symmetric,
                           separate<array<unit<1, 2>, by_rows, stream<codes>>, swizzled_scales<16>,
                                    array<unit<all, all>, by_rows, stream<scale<1>>>>>;

// q * (s * g); g = absmax of the tensor / (448 * 6). TensorRT Model Optimizer (weight, weight_scale, weight_scale_2)
// and torchao (qdata, scale, per_tensor_scale).
struct nvfp4 : fp4<f32> {
  static constexpr const char* name = "nv.nvfp4";
  using fit = nvfp4_scales;
};
struct nvfp4_swizzled : fp4_swizzled<f32> {
  static constexpr const char* name = "nv.nvfp4_swizzled";
  using fit = nvfp4_scales;
};

// q * (s / G), where G = 448 * 6 / absmax of the tensor is stored: compressed-tensors and auto-round. Evaluated as
// s * (1 / G), which is within one unit in the last place of the owner's quotient.
struct nvfp4_inverse : fp4<reciprocal<f32>> {
  static constexpr const char* name = "nv.nvfp4_inverse";
  using fit = nvfp4_scales_or_epsilon;
};
struct nvfp4_inverse_swizzled : fp4_swizzled<reciprocal<f32>> {
  static constexpr const char* name = "nv.nvfp4_inverse_swizzled";
  using fit = nvfp4_scales_or_epsilon;
};

using presets = type_list<nvfp4, nvfp4_swizzled, nvfp4_inverse, nvfp4_inverse_swizzled>;

}  // namespace quern::inline v0::nv
