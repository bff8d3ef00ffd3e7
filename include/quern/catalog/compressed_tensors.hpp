// compressed-tensors (vLLM, llm-compressor). Source: compressed_tensors/compressors/quantized_compressors. Signed codes
// are stored with 2^(Bits - 1) added.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <numeric>

#include "quern/catalog/nv.hpp"
#include "quern/catalog/spelling.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/half_range.hpp"
#include "quern/fit/mx.hpp"
#include "quern/fit/nvfp4.hpp"
#include "quern/fit/zero_point.hpp"
#include "quern/layout/strided.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::compressed_tensors {

// The fewest codes that fill whole words.
template <unsigned Bits>
inline constexpr std::size_t codes_to_words = 32 / std::gcd(32u, Bits);

// Words that are packed down the first axis of their array, of `Word` bytes.
template <std::size_t Word>
struct word_columns {
  static constexpr std::size_t byte(coord u, shape units, std::size_t b, std::size_t size) {
    return ((u.row * (size / Word) + b / Word) * units.cols + u.col) * Word + b % Word;
  }
};

// Format pack-quantized: s * (q - 2^(Bits - 1)); Bits + 16 / Group bits. weight_packed [n, k * Bits / 32] words,
// weight_scale [n, groups] in the type of the model.
template <unsigned Bits, std::size_t Group = 128, scalar_format Scale = bf16>
struct pack_quantized : codec<offset_integer<Bits>, levels<group<Group, Scale>>, symmetric,
                              separate<array<unit<1, codes_to_words<Bits>>, by_rows, stream<codes>>,
                                       array<unit<1, Group>, by_rows, stream<scale<>>>>> {
  static constexpr spelling text =
      spelled("compressed_tensors.packed_int", Bits, group_suffix{Group}, scale_suffix<Scale, bf16>{});
  static constexpr const char* name = text.data();
  using fit = half_range;
};

// s * (q - z); weight_zero_point [n * Bits / 32, groups] words. Arrays: packed, scale, zero point.
template <unsigned Bits, std::size_t Group = 128, scalar_format Scale = bf16>
struct pack_quantized_asymmetric
    : codec<offset_integer<Bits>, levels<group<Group, Scale>>, zero_point<group<Group, offset_integer<Bits>>>,
            separate<array<unit<1, codes_to_words<Bits>>, by_rows, stream<codes>>,
                     array<unit<1, Group>, by_rows, stream<scale<>>>,
                     array<unit<codes_to_words<Bits>, Group>, word_columns<4>, stream<offset<>>>>> {
  static constexpr spelling text =
      spelled("compressed_tensors.packed_uint", Bits, group_suffix{Group}, scale_suffix<Scale, bf16>{});
  static constexpr const char* name = text.data();
  using fit = stored_range;
};

// 3 bits as releases to 0.12 pack them: ten codes to a word, whose upper two bits are zero. 3.2 + 16 / Group bits.
template <std::size_t Group = 128, scalar_format Scale = bf16>
struct padded_int3 : codec<offset_integer<3>, levels<group<Group, Scale>>, symmetric,
                           separate<array<unit<1, 10>, by_rows, shared<4, stream<codes>, strided<nothing, 2, 0, 30>>>,
                                    array<unit<1, Group>, by_rows, stream<scale<>>>>> {
  static constexpr spelling text =
      spelled("compressed_tensors.padded_int3", group_suffix{Group}, scale_suffix<Scale, bf16>{});
  static constexpr const char* name = text.data();
  using fit = half_range;
};

// s * q; 8 bits. Format int-quantized: weight int8, weight_scale [n, 1].
struct int8_channel : codec<integer<8>, levels<channel<bf16>>> {
  static constexpr const char* name = "compressed_tensors.int8_channel";
  using fit = half_range;
};

// Format nvfp4-pack-quantized: weight_packed, weight_scale, weight_global_scale, by which one divides.
struct nvfp4 : nv::fp4<reciprocal<f32>> {
  static constexpr const char* name = "compressed_tensors.nvfp4";
  using fit = nvfp4_scales_or_epsilon;
};

// Formats mxfp4-pack-quantized and mxfp8-quantized.
struct mxfp4 : codec<e2m1, levels<group<32, e8m0>>> {
  static constexpr const char* name = "compressed_tensors.mxfp4";
  using fit = mx_scale<mx_rule::even_fp4>;
};
struct mxfp8 : codec<e4m3, levels<group<32, e8m0>>> {
  static constexpr const char* name = "compressed_tensors.mxfp8";
  using fit = mx_scale<mx_rule::even_fp4>;
};

using presets =
    type_list<pack_quantized<4>, pack_quantized<4, 128, f16>, pack_quantized<8>, pack_quantized<3>, padded_int3<>,
              pack_quantized<4, all>, pack_quantized<8, all>, pack_quantized_asymmetric<4>,
              pack_quantized_asymmetric<8>, pack_quantized_asymmetric<3>, int8_channel, nvfp4, mxfp4, mxfp8>;

}  // namespace quern::inline v0::compressed_tensors
