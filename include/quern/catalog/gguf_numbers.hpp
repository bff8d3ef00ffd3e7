// Number formats that only GGUF has. Source of all: ggml, src/ggml-common.h and src/ggml-quants.c.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>

#include "quern/base/bits.hpp"
#include "quern/number/codebook.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::gguf {

// ---- codebooks of four bits ----

// kvalues_iq4nl. There is no zero.
inline constexpr std::array<std::int8_t, 16> nl_values{-127, -104, -83, -65, -49, -35, -22, -10,
                                                       1,    13,   25,  38,  53,  69,  89,  113};
using nl = codebook<nl_values>;

// kvalues_mxfp4: E2M1 doubled, so that the values are integers. Code 8 is +0.
inline constexpr std::array<std::int8_t, 16> e2m1_doubled_values{0, 1,  2,  3,  4,  6,  8,  12,
                                                                 0, -1, -2, -3, -4, -6, -8, -12};
using e2m1_doubled = codebook<e2m1_doubled_values>;

// ---- scales for doubled E2M1: half of what their bits usually mean ----

// 2^(code - 128); no NaN. Codes 0 and 1 are subnormal in f32.
struct e8m0_half {
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t code) { return exp2i(static_cast<int>(code) - 128); }
  // The nearest power of two, ties upward; beyond the ends, the ends. MXFP4's choice of exponent is a fit.
  static constexpr std::uint32_t nearest(float x) {
    const std::uint32_t u = float_to_bits(magnitude(x));
    if (is_nan(x) || u < 0x00300000) return 0;  // below 1.5 * 2^-128
    if (u < 0x00600000) return 1;               // below 1.5 * 2^-127
    const std::uint32_t code = (u >> 23) + 1 + ((u >> 23) == 0 ? 1 : u >> 22 & 1);
    return code > 255 ? 255 : code;
  }
};

// Half of an unsigned E4M3 whose bit 7 is ignored. 0x7F is 0, but 0xFF, compared as a whole byte, is 240.
struct e4m3_half {
  using finite = minifloat<4, 3, 7, special::none>;
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t code) { return code == 0x7f ? 0.0f : 0.5f * finite::value(code & 0x7f); }
  // ggml_fp32_to_ue4m3, which rounds half up and turns whatever would need the exponent of 256 to 448 into 448.
  // 0 for zero, NaN and what is negative.
  static constexpr std::uint32_t nearest(float x) {
    if (is_nan(x) || !(x > 0)) return 0;
    const float v = x < 224 ? 2 * x : 448;
    const std::uint32_t u = float_to_bits(v);
    const int e = static_cast<int>(u >> 23) - 127 + 7;
    if (e <= 0) {
      const auto m = static_cast<std::uint32_t>(v * 512 + 0.5f);
      return m > 7 ? 7 : m;
    }
    const std::uint32_t code = (static_cast<std::uint32_t>(e) << 3) + (u >> 20 & 7) + (u >> 19 & 1);
    return code >= 15 << 3 ? 0x7e : code;
  }
};

// ---- grids: what a level of a point stands for ----

inline constexpr std::array<std::uint8_t, 4> iq2_levels{8, 25, 43, 0};
inline constexpr std::array<std::int8_t, 4> iq1_levels{-1, 0, 1, 0};
inline constexpr std::array<std::uint8_t, 8> iq3xxs_levels{4, 12, 20, 28, 36, 44, 52, 62};
inline constexpr std::array<std::uint8_t, 8> iq3s_levels{1, 3, 5, 7, 9, 11, 13, 15};

// A grid's block scale, (s + 1/2) / 4 and (s + 1/2) / 2.
using quarter_odd = progression<4, 2, 1, 8>;
using half_odd = progression<4, 2, 1, 4>;
// By how much a block of IQ1's grid is shifted: -1/8 or 1/8.
using eighth = progression<1, 2, -1, 8>;

}  // namespace quern::inline v0::gguf
