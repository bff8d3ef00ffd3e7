// GGUF: every format of weights and of activations that ggml stores. Source: ggml, src/ggml-common.h (block_*).
// A row is whole blocks; a comment gives bits per weight and the value of a weight, d, m, s being stored scales.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/gguf_numbers.hpp"
#include "quern/catalog/iq_points.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/ggml.hpp"
#include "quern/fit/ggml/grid.hpp"
#include "quern/fit/ggml/k.hpp"
#include "quern/fit/ggml/sums.hpp"
#include "quern/layout/plane.hpp"
#include "quern/layout/section.hpp"
#include "quern/layout/strided.hpp"
#include "quern/layout/trits.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/grid.hpp"
#include "quern/number/integer.hpp"

namespace quern::inline v0::gguf {

// ---- blocks of 32 ----

using half_32 = levels<group<32, f16>>;

// 4.5 bits: d * (q - 8)
struct q4_0 : codec<offset_integer<4>, half_32, symmetric, blocked<32, stream<scale<>>, plane<codes, 4, 16>>> {
  static constexpr const char* name = "gguf.q4_0";
  using fit = ggml::full_range;
  static constexpr int gguf_id = 2;
  static constexpr bool whole_blocks = true;
};

// 5 bits: d * q + m
struct q4_1 : codec<unsigned_integer<4>, half_32, bias<group<32, f16>>,
                    blocked<32, stream<scale<>>, stream<offset<>>, plane<codes, 4, 16>>> {
  static constexpr const char* name = "gguf.q4_1";
  using fit = ggml::min_max;
  static constexpr int gguf_id = 3;
  static constexpr bool whole_blocks = true;
};

// 5.5 bits: d * (q - 16)
struct q5_0 : codec<offset_integer<5>, half_32, symmetric,
                    blocked<32, stream<scale<>>, stream<codes, 1, 4>, plane<codes, 4, 16>>> {
  static constexpr const char* name = "gguf.q5_0";
  using fit = ggml::full_range;
  static constexpr int gguf_id = 6;
  static constexpr bool whole_blocks = true;
};

// 6 bits: d * q + m
struct q5_1 : codec<unsigned_integer<5>, half_32, bias<group<32, f16>>,
                    blocked<32, stream<scale<>>, stream<offset<>>, stream<codes, 1, 4>, plane<codes, 4, 16>>> {
  static constexpr const char* name = "gguf.q5_1";
  using fit = ggml::min_max;
  static constexpr int gguf_id = 7;
  static constexpr bool whole_blocks = true;
};

// 8.5 bits: d * q
struct q8_0 : codec<integer<8>, half_32, symmetric, blocked<32, stream<scale<>>, stream<codes>>> {
  static constexpr const char* name = "gguf.q8_0";
  using fit = ggml::absmax;
  static constexpr int gguf_id = 8;
  static constexpr bool whole_blocks = true;
};

// 4.5 bits: d * table[q]
struct iq4_nl : codec<nl, half_32, symmetric, blocked<32, stream<scale<>>, plane<codes, 4, 16>>> {
  static constexpr const char* name = "gguf.iq4_nl";
  using fit = ggml::codebook_scale;
  static constexpr int gguf_id = 20;
  static constexpr bool whole_blocks = true;
};

// ---- four-bit floats ----

// 4.25 bits: 2^(s - 127) * E2M1
struct mxfp4
    : codec<e2m1_doubled, levels<group<32, e8m0_half>>, symmetric, blocked<32, stream<scale<>>, plane<codes, 4, 16>>> {
  static constexpr const char* name = "gguf.mxfp4";
  using fit = ggml::mxfp4;
  static constexpr int gguf_id = 39;
  static constexpr bool whole_blocks = true;
};

// 4.5 bits: E4M3 * E2M1. The scale of the tensor lies in another tensor of the file.
struct nvfp4
    : codec<e2m1_doubled, levels<group<16, e4m3_half>>, symmetric, blocked<64, stream<scale<>>, plane<codes, 4, 8>>> {
  static constexpr const char* name = "gguf.nvfp4";
  using fit = ggml::nvfp4;
  static constexpr int gguf_id = 40;
  static constexpr bool whole_blocks = true;
};

// ---- binary and ternary ----

// 1.125 bits: d or -d
struct q1_0 : codec<binary, levels<group<128, f16>>, symmetric, blocked<128, stream<scale<>>, stream<codes>>> {
  static constexpr const char* name = "gguf.q1_0";
  using fit = ggml::absmean;
  static constexpr int gguf_id = 41;
  static constexpr bool whole_blocks = true;
};

// 2.25 bits: d * (q - 1)
struct q2_0 : codec<ternary, levels<group<64, f16>>, symmetric, blocked<64, stream<scale<>>, stream<codes>>> {
  static constexpr const char* name = "gguf.q2_0";
  using fit = ggml::absmax;
  static constexpr int gguf_id = 42;
  static constexpr bool whole_blocks = true;
};

// 2.0625 bits: d * (q - 1)
struct tq2_0 : codec<ternary, levels<group<256, f16>>, symmetric, blocked<256, plane<codes, 2, 32>, stream<scale<>>>> {
  static constexpr const char* name = "gguf.tq2_0";
  using fit = ggml::absmax;
  static constexpr int gguf_id = 35;
  static constexpr bool whole_blocks = true;
};

// 1.6875 bits: the numbers of tq2_0, five to a byte
struct tq1_0 : codec<ternary, levels<group<256, f16>>, symmetric,
                     blocked<256, section<0, 160, trits<codes, 32>>, section<160, 80, trits<codes, 16>>,
                             section<240, 16, trits<codes, 4>>, stream<scale<>>>> {
  static constexpr const char* name = "gguf.tq1_0";
  using fit = ggml::absmax;
  static constexpr int gguf_id = 34;
  static constexpr bool whole_blocks = true;
};

// ---- K: blocks of 256, whose groups have integer scales (and minimums) times a half ----

template <std::size_t Group, scalar_format N>
using k_scales = levels<group<Group, N>, group<256, f16>>;
template <std::size_t Group, scalar_format N>
using k_minimum = minimum<group<Group, N>, group<256, f16>>;

// 2.625 bits: d * s * q - dmin * m
struct q2_k
    : codec<unsigned_integer<2>, k_scales<16, unsigned_integer<4>>, k_minimum<16, unsigned_integer<4>>,
            blocked<256, shared<16, strided<scale<0>, 4, 0, 0, axis<16, 8>>, strided<offset<0>, 4, 0, 4, axis<16, 8>>>,
                    plane<codes, 2, 32>, stream<scale<1>>, stream<offset<1>>>> {
  static constexpr const char* name = "gguf.q2_k";
  using fit = ggml::q2_k;
  static constexpr int gguf_id = 10;
  static constexpr bool whole_blocks = true;
};

// 3.4375 bits: d * (s - 32) * (q - 4)
struct q3_k : codec<offset_integer<3>, k_scales<16, offset_integer<6>>, symmetric,
                    blocked<256, plane<codes, 1, 32, 2>, plane<codes, 2, 32>, plane<scale<0>, 4, 8>,
                            plane<scale<0>, 2, 4, 4>, stream<scale<1>>>> {
  static constexpr const char* name = "gguf.q3_k";
  using fit = ggml::q3_k;
  static constexpr int gguf_id = 11;
  static constexpr bool whole_blocks = true;
};

// Eight scales and eight minimums of 6 bits in twelve bytes; the upper two bits of 4 to 7 fill up the bytes of 0 to 3.
using k_packed =
    shared<12, strided<scale<0>, 4, 0, 0, axis<4, 8>, axis<2, 64>>, strided<scale<0>, 2, 4, 4, axis<4, 8>, axis<2, 2>>,
           strided<offset<0>, 4, 0, 32, axis<4, 8>, axis<2, 36>>, strided<offset<0>, 2, 4, 36, axis<4, 8>, axis<2, 2>>>;

// 4.5 bits: d * s * q - dmin * m
struct q4_k : codec<unsigned_integer<4>, k_scales<32, unsigned_integer<6>>, k_minimum<32, unsigned_integer<6>>,
                    blocked<256, stream<scale<1>>, stream<offset<1>>, k_packed, plane<codes, 4, 32>>> {
  static constexpr const char* name = "gguf.q4_k";
  using fit = ggml::q4_k;
  static constexpr int gguf_id = 12;
  static constexpr bool whole_blocks = true;
};

// 5.5 bits: d * s * q - dmin * m
struct q5_k
    : codec<unsigned_integer<5>, k_scales<32, unsigned_integer<6>>, k_minimum<32, unsigned_integer<6>>,
            blocked<256, stream<scale<1>>, stream<offset<1>>, k_packed, plane<codes, 1, 32, 4>, plane<codes, 4, 32>>> {
  static constexpr const char* name = "gguf.q5_k";
  using fit = ggml::q5_k;
  static constexpr int gguf_id = 13;
  static constexpr bool whole_blocks = true;
};

// 6.5625 bits: d * s * (q - 32)
struct q6_k : codec<offset_integer<6>, k_scales<16, integer<8>>, symmetric,
                    blocked<256, plane<codes, 4, 64>, plane<codes, 2, 32, 4>, stream<scale<0>>, stream<scale<1>>>> {
  static constexpr const char* name = "gguf.q6_k";
  using fit = ggml::q6_k;
  static constexpr int gguf_id = 14;
  static constexpr bool whole_blocks = true;
};

// 4.25 bits: d * (s - 32) * table[q]
struct iq4_xs
    : codec<nl, k_scales<32, offset_integer<6>>, symmetric,
            blocked<256, stream<scale<1>>, stream<scale<0>, 2, 4>, stream<scale<0>, 4>, plane<codes, 4, 16>>> {
  static constexpr const char* name = "gguf.iq4_xs";
  using fit = ggml::iq4_xs;
  static constexpr int gguf_id = 23;
  static constexpr bool whole_blocks = true;
};

// ---- grids: a code is a point (or two) and its signs; its group's scale is an odd number times a half ----

// 2.0625 bits, 8 weights to a code
struct iq2_xxs
    : codec<grid<iq2xxs_points, iq2_levels, 8, signs::even>, k_scales<32, quarter_odd>, symmetric,
            blocked<
                256, stream<scale<1>>,
                shared<64, strided<codes, 8, 0, 0, axis<4, 8>, axis<8, 64>>,
                       strided<codes, 7, 8, 32, axis<4, 7>, axis<8, 64>>, strided<scale<0>, 4, 0, 60, axis<8, 64>>>>> {
  static constexpr const char* name = "gguf.iq2_xxs";
  using fit = ggml::iq2_xxs;
  static constexpr int gguf_id = 16;
  static constexpr bool whole_blocks = true;
};

// 2.3125 bits, 8 weights to a code
struct iq2_xs : codec<grid<iq2xs_points, iq2_levels, 8, signs::even>, k_scales<16, quarter_odd>, symmetric,
                      blocked<256, stream<scale<1>>, stream<codes>, stream<scale<0>>>> {
  static constexpr const char* name = "gguf.iq2_xs";
  using fit = ggml::iq2_xs;
  static constexpr int gguf_id = 17;
  static constexpr bool whole_blocks = true;
};

// 2.5625 bits, 8 weights to a code
struct iq2_s : codec<grid<iq2s_points, iq2_levels, 8, signs::each>, k_scales<16, quarter_odd>, symmetric,
                     blocked<256, stream<scale<1>>, stream<codes, 8>, stream<codes, 8, 10>, stream<codes, 2, 8>,
                             stream<scale<0>>>> {
  static constexpr const char* name = "gguf.iq2_s";
  using fit = ggml::iq2_s;
  static constexpr int gguf_id = 22;
  static constexpr bool whole_blocks = true;
};

// 3.0625 bits, 8 weights to a code: two points of 4, since their 7 sign bits are shared
struct iq3_xxs : codec<grid<iq3xxs_points, iq3xxs_levels, 4, signs::even, 2>, k_scales<32, half_odd>, symmetric,
                       blocked<256, stream<scale<1>>, stream<codes, 16>,
                               shared<32, strided<codes, 7, 16, 0, axis<4, 7>, axis<8, 32>>,
                                      strided<scale<0>, 4, 0, 28, axis<8, 32>>>>> {
  static constexpr const char* name = "gguf.iq3_xxs";
  using fit = ggml::iq3_xxs;
  static constexpr int gguf_id = 18;
  static constexpr bool whole_blocks = true;
};

// 3.4375 bits, 4 weights to a code
struct iq3_s : codec<grid<iq3s_points, iq3s_levels, 4, signs::each>, k_scales<32, odd<4>>, symmetric,
                     blocked<256, stream<scale<1>>, stream<codes, 8>, stream<codes, 1, 8>, stream<codes, 4, 9>,
                             stream<scale<0>>>> {
  static constexpr const char* name = "gguf.iq3_s";
  using fit = ggml::iq3_s;
  static constexpr int gguf_id = 21;
  static constexpr bool whole_blocks = true;
};

// IQ1's grid is shifted by an eighth, up or down: a zero point of one bit.
using iq1_grid = grid<iq1s_points, iq1_levels, 8, signs::none>;

// 1.5625 bits, 8 weights to a code
struct iq1_s
    : codec<iq1_grid, k_scales<32, odd<3>>, zero_point<group<32, eighth>>,
            blocked<256, stream<scale<1>>, stream<codes, 8>,
                    shared<16, strided<codes, 3, 8, 0, axis<4, 3>, axis<8, 16>>,
                           strided<scale<0>, 3, 0, 12, axis<8, 16>>, strided<offset<0>, 1, 0, 15, axis<8, 16>>>>> {
  static constexpr const char* name = "gguf.iq1_s";
  using fit = ggml::iq1_s;
  static constexpr int gguf_id = 19;
  static constexpr bool whole_blocks = true;
};

// 1.75 bits, 8 weights to a code; the half is spread over the top nibbles of four words of scales
struct iq1_m
    : codec<iq1_grid, k_scales<16, odd<3>>, zero_point<group<8, eighth>>,
            blocked<256, stream<codes, 8>,
                    shared<16, strided<codes, 3, 8, 0, axis<32, 4>>, strided<offset<0>, 1, 0, 3, axis<32, 4>>>,
                    shared<8, strided<scale<0>, 3, 0, 0, axis<4, 3>, axis<4, 16>>, strided<scale<1>, 4, 0, 12>,
                           strided<scale<1>, 4, 4, 28>, strided<scale<1>, 4, 8, 44>, strided<scale<1>, 4, 12, 60>>>> {
  static constexpr const char* name = "gguf.iq1_m";
  using fit = ggml::iq1_m;
  static constexpr int gguf_id = 29;
  static constexpr bool whole_blocks = true;
};

// ---- activations: a block also stores sums of its codes: of all times d as a half, of every 16 as integers ----

// 9 bits: d * q
struct q8_1 : codec<integer<8>, half_32, symmetric,
                    blocked<32, stream<scale<>>, shared<2, strided<sums, 16, 0, 0>>, stream<codes>>> {
  static constexpr const char* name = "gguf.q8_1";
  using fit = ggml::absmax_and_sums;
  static constexpr int gguf_id = 9;
  static constexpr bool whole_blocks = true;
};

// 9.125 bits: d * q
struct q8_k
    : codec<integer<8>, levels<group<256, quern::f32>>, symmetric,
            blocked<256, stream<scale<>>, stream<codes>, shared<32, strided<sums, 16, 0, 0, axis<16, 16>>>>> {
  static constexpr const char* name = "gguf.q8_k";
  using fit = ggml::extreme_and_sums;
  static constexpr int gguf_id = 15;
  static constexpr bool whole_blocks = true;
};

// ---- floats; last, because these names hide the numbers ----

struct f32 : codec<quern::f32, levels<>, symmetric, blocked<1, stream<codes>>> {
  static constexpr const char* name = "gguf.f32";
  static constexpr int gguf_id = 0;
  static constexpr bool whole_blocks = true;
};

struct f16 : codec<quern::f16, levels<>, symmetric, blocked<1, stream<codes>>> {
  static constexpr const char* name = "gguf.f16";
  static constexpr int gguf_id = 1;
  static constexpr bool whole_blocks = true;
};

struct bf16 : codec<quern::bf16, levels<>, symmetric, blocked<1, stream<codes>>> {
  static constexpr const char* name = "gguf.bf16";
  static constexpr int gguf_id = 30;
  static constexpr bool whole_blocks = true;
};

using presets =
    type_list<f32, f16, q4_0, q4_1, q5_0, q5_1, q8_0, q8_1, q2_k, q3_k, q4_k, q5_k, q6_k, q8_k, iq2_xxs, iq2_xs,
              iq3_xxs, iq1_s, iq4_nl, iq3_s, iq2_s, iq4_xs, iq1_m, bf16, tq1_0, tq2_0, mxfp4, nvfp4, q1_0, q2_0>;

}  // namespace quern::inline v0::gguf
