// bitsandbytes: NF4, FP4, nested statistics, 8-bit blockwise, LLM.int8(). Source: bitsandbytes, functional.py and
// csrc/kernels.cu. Arrays: weight, absmax, then what absmax itself is scaled with.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/dynamic_map.hpp"
#include "quern/catalog/spelling.hpp"
#include "quern/catalog/top_down.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/bitsandbytes.hpp"
#include "quern/number/codebook.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/integer.hpp"

namespace quern::inline v0::bnb {

// ---- numbers ----

// Quantiles of a normal distribution, scaled to [-1, 1] (Dettmers et al., QLoRA, 2023, appendix E).
inline constexpr std::array<float, 16> nf4_values{
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};
struct nf4_number : codebook<nf4_values> {
  // Midpoints are rounded to f32, and a midpoint is the lower value's: dQuantizeNF4.
  static constexpr std::uint32_t nearest(float x) {
    std::uint32_t code = 0;
    while (code < 15 && x > (nf4_values[code] + nf4_values[code + 1]) / 2) ++code;
    return code;
  }
};

// In twelfths, and in no order: this is not E2M1.
inline constexpr std::array<float, 16> fp4_values{
    0.0f,  0.0625f / 12,  8.0f / 12,  1.0f,  4.0f / 12,  0.5f,  2.0f / 12,  0.25f,
    -0.0f, -0.0625f / 12, -8.0f / 12, -1.0f, -4.0f / 12, -0.5f, -2.0f / 12, -0.25f};
struct fp4_number : codebook<fp4_values> {
  // dQuantizeFP4, with its constants.
  static constexpr std::uint32_t nearest(float x) {
    constexpr std::array<float, 7> above{0.00260417f, 0.0859375f, 0.20833333f, 0.29166667f,
                                         0.4166667f,  0.583333f,  0.8333333f};
    constexpr std::array<std::uint32_t, 8> rising{0, 1, 6, 7, 4, 5, 2, 3};
    std::size_t i = 0;
    while (i < above.size() && magnitude(x) > above[i]) ++i;
    return rising[i] | (x < 0 ? 8u : 0u);
  }
};

// The signed dynamic map (create_dynamic_map): sign, a unary exponent of ten, a fraction.
struct dynamic8 {
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t code) { return float_from_bits(dynamic_bits[code]); }
};

// An absmax of which codes are 127ths.
struct absmax_of_127 {
  static constexpr unsigned bits = 32;
  static constexpr float value(std::uint32_t code) { return float_from_bits(code) / 127; }
  static constexpr std::uint32_t nearest(float x) { return float_to_bits(x * 127); }
};

// ---- formats ----

// Blocks are counted through the whole tensor. Where they do not end with its rows, only one long row can say so.
template <std::size_t Block>
constexpr const char* refusal_of_blocks(shape s) {
  return s.rows <= 1 || s.cols % Block == 0
             ? nullptr
             : "bitsandbytes' blocks run across the ends of rows; view the tensor as one row";
}

// Two codes to a byte, the first in the high nibble.
using nibbles = array<unit<1, 2>, by_rows, top_down<codes, 4, 1>>;

// absmax * table[q]; 4 + 32 / Block bits
template <number_format N, std::size_t Block>
using four_bit =
    codec<N, levels<group<Block, f32>>, symmetric, separate<nibbles, array<unit<1, Block>, by_rows, stream<scale<>>>>>;

// The same, and the absmaxes are coded too (compress_statistics): absmax = map[q] * absmax2 of 256 of them, + their mean.
template <number_format N, std::size_t Block>
using four_bit_nested = codec<
    N, levels<plus<tensor<f32>>, group<Block, dynamic8>, group<256 * Block, f32>>, symmetric,
    separate<nibbles, array<unit<1, Block>, by_rows, stream<scale<1>>>,
             array<unit<1, 256 * Block>, by_rows, stream<scale<2>>>, array<unit<all, all>, by_rows, stream<scale<0>>>>>;

template <std::size_t Block>
struct nf4_blocks : four_bit<nf4_number, Block> {
  static constexpr spelling text = Block == 64 ? spelled("bnb.nf4") : spelled("bnb.nf4_b", Block);
  static constexpr const char* name = text.data();
  using fit = blockwise;
  static constexpr const char* refusal(shape s) { return refusal_of_blocks<Block>(s); }
};
using nf4 = nf4_blocks<64>;  // 4.5 bits

template <std::size_t Block>
struct fp4_blocks : four_bit<fp4_number, Block> {
  static constexpr spelling text = Block == 64 ? spelled("bnb.fp4") : spelled("bnb.fp4_b", Block);
  static constexpr const char* name = text.data();
  using fit = blockwise;
  static constexpr const char* refusal(shape s) { return refusal_of_blocks<Block>(s); }
};
using fp4 = fp4_blocks<64>;  // 4.5 bits

// 4.127 bits
struct nf4_double : four_bit_nested<nf4_number, 64> {
  static constexpr const char* name = "bnb.nf4_double";
  using fit = blockwise;
  static constexpr const char* refusal(shape s) { return refusal_of_blocks<256 * 64>(s); }
};
struct fp4_double : four_bit_nested<fp4_number, 64> {
  static constexpr const char* name = "bnb.fp4_double";
  using fit = blockwise;
  static constexpr const char* refusal(shape s) { return refusal_of_blocks<256 * 64>(s); }
};

// absmax * map[q]; 8 + 32 / Block bits
template <std::size_t Block>
struct int8_blocks : codec<dynamic8, levels<group<Block, f32>>> {
  static constexpr spelling text =
      Block == 256 ? spelled("bnb.int8_blockwise") : spelled("bnb.int8_blockwise_b", Block);
  static constexpr const char* name = text.data();
  using fit = blockwise;
  static constexpr const char* refusal(shape s) { return refusal_of_blocks<Block>(s); }
};
using int8_blockwise = int8_blocks<256>;

// absmax of the row / 127 * q; 8 bits. Arrays: CB, SCB.
struct llm_int8 : codec<integer<8>, levels<channel<absmax_of_127>>> {
  static constexpr const char* name = "bnb.llm_int8";
  using fit = llm_int8_row;
};

using presets = type_list<nf4, fp4, nf4_double, fp4_double, int8_blockwise, llm_int8>;

}  // namespace quern::inline v0::bnb
