// GPTQ checkpoints: 32-bit words packed down k, one row of words for all outputs. Source: AutoGPTQ, GPTQModel
// (nn_modules/qlinear). Arrays: qweight [k * bits / 32, n], qzeros [groups, n * bits / 32], scales [groups, n].
// A permutation of input channels (g_idx) is no part of the format: apply it to the activations.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/bits.hpp"
#include "quern/catalog/spelling.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/zero_point.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::gptq {

// v1 stores a zero point less one, modulo 2^Bits.
template <unsigned Bits>
struct less_one {
  static constexpr unsigned bits = Bits;
  static constexpr float value(std::uint32_t code) { return static_cast<float>((code + 1) & low_bits(Bits)); }
};

template <unsigned Bits, std::size_t Group, scalar_format Zero>
using packed_words = codec<
    unsigned_integer<Bits>, levels<group<Group, f16>>, zero_point<group<Group, Zero>>,
    separate<array<unit<1, 32>, word_rows<4>, stream<codes>>, array<unit<32, Group>, by_columns, stream<offset<>>>,
             array<unit<1, Group>, by_columns, stream<scale<>>>>>;

constexpr const char* refusal_of_words(shape s) {
  return s.rows % 32 == 0 && s.cols % 32 == 0 ? nullptr : "rows and columns of a GPTQ matrix are multiples of 32";
}

// s * (q - z), Bits 2, 3, 4 or 8; Bits + (16 + Bits) / Group bits. Group `all` is the owner's group size -1.
template <unsigned Bits, std::size_t Group = 128>
struct v1 : packed_words<Bits, Group, less_one<Bits>> {  // checkpoint_format "gptq"
  static constexpr spelling text = spelled("gptq.v1_", Bits, "bit", group_suffix{Group});
  static constexpr const char* name = text.data();
  using fit = gptq_range;
  static constexpr const char* refusal(shape s) { return refusal_of_words(s); }
};
template <unsigned Bits, std::size_t Group = 128>
struct v2 : packed_words<Bits, Group, unsigned_integer<Bits>> {  // checkpoint_format "gptq_v2"
  static constexpr spelling text = spelled("gptq.v2_", Bits, "bit", group_suffix{Group});
  static constexpr const char* name = text.data();
  using fit = gptq_range;
  static constexpr const char* refusal(shape s) { return refusal_of_words(s); }
};

using presets = type_list<v1<2>, v1<3>, v1<4>, v1<8>, v2<2>, v2<3>, v2<4>, v2<8>, v1<4, 32>, v1<4, 64>, v1<4, all>,
                          v2<4, 32>, v2<4, 64>, v2<4, all>>;

}  // namespace quern::inline v0::gptq
