// compressed-tensors (vLLM, llm-compressor). Source: compressed_tensors/compressors/quantized_compressors. Signed codes
// are stored with 2^(Bits - 1) added.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <type_traits>

#include "quern/catalog/nv.hpp"
#include "quern/catalog/spelling.hpp"
#include "quern/codec/codec.hpp"
#include "quern/layout/strided.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::compressed_tensors {

// A 32-bit word of 32 / Bits codes; what is left of it is zero.
template <unsigned Bits, class What>
using word = std::conditional_t<32 % Bits == 0, stream<What>,
                                shared<4, stream<What>, strided<nothing, 32 % Bits, 0, 32 - 32 % Bits>>>;

// s * (q - 2^(Bits - 1)); Bits + 16 / Group bits (3 bits: 3.2 + 16 / Group). weight_packed [n, words], weight_scale.
template <unsigned Bits, std::size_t Group = 128, scalar_format Scale = bf16>
struct pack_quantized : codec<offset_integer<Bits>, levels<group<Group, Scale>>, symmetric,
                              separate<array<unit<1, 32 / Bits>, by_rows, word<Bits, codes>>,
                                       array<unit<1, Group>, by_rows, stream<scale<>>>>> {
  static constexpr spelling text = spelled("compressed_tensors.packed_int", Bits, group_suffix{Group});
  static constexpr const char* name = text.data();
};

// s * (q - z); weight_zero_point is packed down the rows, [n / codes of a word, groups].
template <unsigned Bits, std::size_t Group = 128, scalar_format Scale = bf16>
struct pack_quantized_asymmetric
    : codec<offset_integer<Bits>, levels<group<Group, Scale>>, zero_point<group<Group, offset_integer<Bits>>>,
            separate<array<unit<1, 32 / Bits>, by_rows, word<Bits, codes>>, array<unit<1, Group>, by_rows, stream<scale<>>>,
                     array<unit<32 / Bits, Group>, by_rows, word<Bits, offset<>>>>> {
  static constexpr spelling text = spelled("compressed_tensors.packed_uint", Bits, group_suffix{Group});
  static constexpr const char* name = text.data();
};

// s * q; 8 bits. Format int-quantized: weight int8, weight_scale [n, 1].
struct int8_channel : codec<integer<8>, levels<channel<bf16>>> {
  static constexpr const char* name = "compressed_tensors.int8_channel";
};

// Format nvfp4-pack-quantized: weight_packed, weight_scale, weight_global_scale, by which one divides.
struct nvfp4 : nv::fp4<reciprocal<f32>> {
  static constexpr const char* name = "compressed_tensors.nvfp4";
};

// Formats mxfp4-pack-quantized and mxfp8-quantized.
struct mxfp4 : codec<e2m1, levels<group<32, e8m0>>> {
  static constexpr const char* name = "compressed_tensors.mxfp4";
};
struct mxfp8 : codec<e4m3, levels<group<32, e8m0>>> {
  static constexpr const char* name = "compressed_tensors.mxfp8";
};

using presets = type_list<pack_quantized<4>, pack_quantized<8>, pack_quantized<3>, pack_quantized<4, all>,
                          pack_quantized<8, all>, pack_quantized_asymmetric<4>, pack_quantized_asymmetric<8>,
                          int8_channel, nvfp4, mxfp4, mxfp8>;

}  // namespace quern::inline v0::compressed_tensors
