// Formats of ik_llama.cpp, a fork of llama.cpp. Source: ik_llama.cpp, ggml/src/ggml-common.h and iqk/iqk_quantize.cpp.
// One bit for 16 weights chooses between a table and the same table shifted: a zero point. The ids are the fork's own; its
// searches for scales are not followed.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>

#include "quern/catalog/gguf_numbers.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/least_squares.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/codebook.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::ik {

// iq2nl_values, iq3nl_values, iq5nl_values: the first of their two rows.
inline constexpr std::array<std::int8_t, 4> nl2_values{-31, -13, 1, 17};
inline constexpr std::array<std::int8_t, 8> nl3_values{-63, -40, -23, -10, 1, 13, 28, 47};
inline constexpr std::array<std::int8_t, 32> nl5_values{-126, -114, -103, -92, -83, -74, -65, -57, -50, -43, -36,
                                                        -30,  -24,  -18,  -12, -6,  -1,  5,   11,  17,  23,  29,
                                                        36,   43,   51,   59,  68,  77,  87,  97,  109, 121};

// The second row is the first plus Shift: value - 0 or value - (-Shift).
template <int Shift>
using shifted = zero_point<group<16, progression<1, -Shift, 0>>>;

template <scalar_format N>
using scales_of_16 = levels<group<16, N>, group<256, f16>>;

// The scale of iq3_k: an odd number, and its sign in the top bit.
struct signed_odd {
  static constexpr unsigned bits = 5;
  static constexpr float value(std::uint32_t code) { return (code & 16 ? -1.0f : 1.0f) * odd<4>::value(code & 15); }
};

// The codes of iq6_k: a cubic, evaluated in f32 step by step.
struct cubic6 {
  static constexpr unsigned bits = 6;
  static constexpr float value(std::uint32_t code) {
    const auto q = static_cast<float>(code);
    const float inner = exact(exact(q * 0.0011972f) + -0.11218f);
    return exact(q * exact(exact(q * inner) + 6.2568f)) + -127.0f;
  }
};

// 2.375 bits: d * (s - 8) * table[q]
struct iq2_k : codec<codebook<nl2_values>, scales_of_16<offset_integer<4>>, shifted<5>,
                     blocked<256, stream<scale<1>>, stream<offset<>>, stream<scale<0>>, plane<codes, 2, 32>>> {
  static constexpr const char* name = "ik.iq2_k";
  using fit = least_squares;
  static constexpr int gguf_id = 137;
  static constexpr bool whole_blocks = true;
};

// 3.4375 bits: d * (+-)(2s + 1) * table[q]
struct iq3_k : codec<codebook<nl3_values>, scales_of_16<signed_odd>, shifted<4>,
                     blocked<256, stream<scale<1>>, stream<offset<>>, stream<scale<0>, 1, 4>, stream<scale<0>, 4>,
                             plane<codes, 2, 32>, plane<codes, 1, 32, 2>>> {
  static constexpr const char* name = "ik.iq3_k";
  using fit = least_squares;
  static constexpr int gguf_id = 138;
  static constexpr bool whole_blocks = true;
};

// 4.5 bits: d * (s - 32) * table[q]
struct iq4_k : codec<gguf::nl, scales_of_16<offset_integer<6>>, shifted<4>,
                     blocked<256, stream<scale<1>>, stream<offset<>>, stream<scale<0>, 2, 4>, stream<scale<0>, 4>,
                             plane<codes, 4, 16>>> {
  static constexpr const char* name = "ik.iq4_k";
  using fit = least_squares;
  static constexpr int gguf_id = 139;
  static constexpr bool whole_blocks = true;
};

// 5.5 bits: d * (s - 32) * table[q]
struct iq5_k : codec<codebook<nl5_values>, scales_of_16<offset_integer<6>>, shifted<2>,
                     blocked<256, stream<scale<1>>, stream<offset<>>, stream<scale<0>, 2, 4>, stream<scale<0>, 4>,
                             plane<codes, 4, 32>, plane<codes, 1, 32, 4>>> {
  static constexpr const char* name = "ik.iq5_k";
  using fit = least_squares;
  static constexpr int gguf_id = 140;
  static constexpr bool whole_blocks = true;
};

// 6.625 bits: d * s * cubic(q)
struct iq6_k : codec<cubic6, scales_of_16<integer<8>>, shifted<1>,
                     blocked<256, stream<scale<1>>, stream<offset<>>, stream<scale<0>>, plane<codes, 4, 32>,
                             plane<codes, 2, 32, 4>>> {
  static constexpr const char* name = "ik.iq6_k";
  using fit = least_squares;
  static constexpr int gguf_id = 141;
  static constexpr bool whole_blocks = true;
};

using presets = type_list<iq2_k, iq3_k, iq4_k, iq5_k, iq6_k>;

}  // namespace quern::inline v0::ik
