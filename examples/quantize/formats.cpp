// The formats that this program knows, compiled here and nowhere else: all types of GGUF, some of other owners, and one of
// our own. A format is added by adding it to the list.
// SPDX-License-Identifier: Apache-2.0
#include "formats.hpp"

#include <quern/simd.hpp>

namespace quantize {
namespace {

using namespace quern;

// 4 bits a weight and a float of 8 bits for every 24 weights under one of 32: nobody's format but this program's.
struct mine : codec<codebook<bnb::nf4_values>, levels<group<24, e4m3>, tensor<f32>>> {
  static constexpr const char* name = "example.nf4_g24";
};

namespace ct = compressed_tensors;
using owners =
    type_list<bnb::nf4, bnb::fp4, bnb::nf4_double, bnb::llm_int8, ct::pack_quantized<4>, ct::pack_quantized<8, all>,
              ct::pack_quantized_asymmetric<4>, ct::int8_channel, ct::nvfp4, nv::nvfp4, fp8::e4m3_channel,
              fp8::e4m3_block, gptq::v1<4>, gptq::v1<8>, gptq::v2<4>, awq::gemm<>, mlx::affine<4>, mlx::affine<8>>;
using others = type_list<mine, mx::mxfp8_e4m3, mx::mxfp6_e2m3, mx::mxfp4, integers::int_channel<8>, hqq::axis1<2, 16>>;
using known = concat<gguf::presets, owners, others>::type;

constexpr auto all_formats = formats_of(known{});

}  // namespace

std::span<const format> formats() { return all_formats; }

}  // namespace quantize
