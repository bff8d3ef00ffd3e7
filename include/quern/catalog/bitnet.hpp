// BitNet b1.58: weights -1, 0, 1 and one scale. Arrays: weights, scale. 2 bits.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/reciprocal.hpp"
#include "quern/catalog/top_down.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/absmean.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::bitnet {

// transformers, integrations/bitnet.py: byte (r, k) of [n / 4, k] holds rows r, r + n/4, r + 2n/4 and r + 3n/4.
template <scalar_format Scale>
using quarters = codec<
    ternary, levels<tensor<Scale>>, symmetric,
    separate<array<unit<all, all>, by_rows, plane<codes, 2, all>>, array<unit<all, all>, by_rows, stream<scale<>>>>>;

constexpr const char* refusal_of_quarters(shape s) {
  return s.rows % 4 == 0 ? nullptr : "rows of a packed BitLinear are a multiple of 4";
}

// s * q: linear_class "autobitlinear".
struct hf : quarters<f32> {
  static constexpr const char* name = "bitnet.hf";
  using fit = absmean;
  static constexpr const char* refusal(shape s) { return refusal_of_quarters(s); }
};
// q / s: linear_class "bitlinear" stores the inverse.
struct hf_inverse : quarters<reciprocal<f32>> {
  static constexpr const char* name = "bitnet.hf_inverse";
  using fit = absmean;
  static constexpr const char* refusal(shape s) { return refusal_of_quarters(s); }
};

// bitnet.cpp, ggml-bitnet-mad.cpp: of a block of codes the first quarter lies in the top bits, the last in the low ones.
// Blocks are of 128 where the file was made on x86, of 64 on ARM; the file does not say.
template <std::size_t Block>
using top_down_blocks = codec<ternary, levels<tensor<f32>>, symmetric,
                              separate<array<unit<1, Block>, by_rows, top_down<codes, 2, Block / 4>>,
                                       array<unit<all, all>, by_rows, stream<scale<>>>>>;

struct i2_s : top_down_blocks<128> {
  static constexpr const char* name = "bitnet.i2_s";
  static constexpr bool whole_blocks = true;
};
struct i2_s_arm : top_down_blocks<64> {
  static constexpr const char* name = "bitnet.i2_s_arm";
  static constexpr bool whole_blocks = true;
};

using presets = type_list<hf, hf_inverse, i2_s, i2_s_arm>;

}  // namespace quern::inline v0::bitnet
