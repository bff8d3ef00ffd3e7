// Microscaling: blocks of 32 with a power of two for a scale. Source: OCP Microscaling Formats (MX) Specification v1.0.
// Arrays: elements as a stream of bits, low bits first (the specification orders no bytes; compressed-tensors, torchao,
// MLX and GPT-OSS do it so), and scales, [rows, cols / 32].
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/swizzled_scales.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/mx.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"

namespace quern::inline v0::mx {

// Two's complement 64ths (section 5.3.4); -2 is left unused by encoders.
struct int8_64ths {
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t code) { return integer<8>::value(code) / 64; }
};

// 2^(s - 127) * element; the width of an element + 1/4 bits
template <number_format N>
using blocks = codec<N, levels<group<32, e8m0>>>;

// The same, with scales in the order of tensor cores.
template <number_format N>
using swizzled_blocks =
    codec<N, levels<group<32, e8m0>>, symmetric, separate<plain_array<codes, 1, 1, N::bits>, swizzled_scales<32>>>;

// 8.25 bits
struct mxfp8_e4m3 : blocks<e4m3> {
  static constexpr const char* name = "mx.mxfp8_e4m3";
  using fit = mx_scale<mx_rule::floor>;
};
struct mxfp8_e5m2 : blocks<e5m2> {
  static constexpr const char* name = "mx.mxfp8_e5m2";
  using fit = mx_scale<mx_rule::floor>;
};
// 6.25 bits
struct mxfp6_e3m2 : blocks<e3m2> {
  static constexpr const char* name = "mx.mxfp6_e3m2";
  using fit = mx_scale<mx_rule::floor>;
};
struct mxfp6_e2m3 : blocks<e2m3> {
  static constexpr const char* name = "mx.mxfp6_e2m3";
  using fit = mx_scale<mx_rule::floor>;
};
// 4.25 bits
struct mxfp4 : blocks<e2m1> {
  static constexpr const char* name = "mx.mxfp4";
  using fit = mx_scale<mx_rule::floor>;
};
// 8.25 bits
struct mxint8 : blocks<int8_64ths> {
  static constexpr const char* name = "mx.mxint8";
  using fit = mx_scale<mx_rule::floor>;
};

struct mxfp8_e4m3_swizzled : swizzled_blocks<e4m3> {
  static constexpr const char* name = "mx.mxfp8_e4m3_swizzled";
  using fit = mx_scale<mx_rule::floor>;
};
struct mxfp8_e5m2_swizzled : swizzled_blocks<e5m2> {
  static constexpr const char* name = "mx.mxfp8_e5m2_swizzled";
  using fit = mx_scale<mx_rule::floor>;
};
struct mxfp6_e3m2_swizzled : swizzled_blocks<e3m2> {
  static constexpr const char* name = "mx.mxfp6_e3m2_swizzled";
  using fit = mx_scale<mx_rule::floor>;
};
struct mxfp6_e2m3_swizzled : swizzled_blocks<e2m3> {
  static constexpr const char* name = "mx.mxfp6_e2m3_swizzled";
  using fit = mx_scale<mx_rule::floor>;
};
struct mxfp4_swizzled : swizzled_blocks<e2m1> {
  static constexpr const char* name = "mx.mxfp4_swizzled";
  using fit = mx_scale<mx_rule::floor>;
};

using presets = type_list<mxfp8_e4m3, mxfp8_e5m2, mxfp6_e3m2, mxfp6_e2m3, mxfp4, mxint8, mxfp8_e4m3_swizzled,
                          mxfp8_e5m2_swizzled, mxfp6_e3m2_swizzled, mxfp6_e2m3_swizzled, mxfp4_swizzled>;

}  // namespace quern::inline v0::mx
