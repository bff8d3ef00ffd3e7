// 8-bit floats with f32 scales that multiply, and that is all: what "FP8 checkpoint" means. Arrays: weight, weight_scale.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/codec/codec.hpp"
#include "quern/fit/half_range.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/minifloat.hpp"

namespace quern::inline v0::fp8 {

// s * element; 8 bits. The owner may store scales as bf16.
template <number_format N, scalar_format Scale = f32>
using per_tensor = codec<N, levels<tensor<Scale>>>;
template <number_format N, scalar_format Scale = f32>
using per_channel = codec<N, levels<channel<Scale>>>;
template <number_format N, std::size_t Rows, std::size_t Cols, scalar_format Scale = f32>
using per_block = codec<N, levels<block<Rows, Cols, Scale>>>;

// transformers, vLLM: quant_method "fp8", and "float-quantized" of compressed-tensors.
struct e4m3_tensor : per_tensor<e4m3> {
  static constexpr const char* name = "fp8.e4m3_tensor";
  using fit = half_range;
};
struct e4m3_channel : per_channel<e4m3> {
  static constexpr const char* name = "fp8.e4m3_channel";
  using fit = half_range;
};
// DeepSeek-V3: weight_block_size [128, 128]. Its weight_scale_inv multiplies, whatever the name says.
struct e4m3_block : per_block<e4m3, 128, 128> {
  static constexpr const char* name = "fp8.e4m3_block";
  using fit = half_range;
};
struct e5m2_tensor : per_tensor<e5m2> {
  static constexpr const char* name = "fp8.e5m2_tensor";
  using fit = half_range;
};
struct e5m2_channel : per_channel<e5m2> {
  static constexpr const char* name = "fp8.e5m2_channel";
  using fit = half_range;
};
struct e5m2_block : per_block<e5m2, 128, 128> {
  static constexpr const char* name = "fp8.e5m2_block";
  using fit = half_range;
};

using presets = type_list<e4m3_tensor, e4m3_channel, e4m3_block, e5m2_tensor, e5m2_channel, e5m2_block>;

}  // namespace quern::inline v0::fp8
