// Plain integers with a scale, and a zero point or none: the vocabulary of ONNX, TFLite, quanto, torchao and of papers.
// Arrays: codes as a stream of bits, low bits first; scales; zero points, a byte each.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/spelling.hpp"
#include "quern/codec/codec.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::integers {

// ---- symmetric, two's complement: s * q ----

template <unsigned Bits, scalar_format Scale = f32>
struct int_tensor : codec<integer<Bits>, levels<tensor<Scale>>> {
  static constexpr spelling text = spelled("integers.int", Bits, "_tensor", scale_suffix<Scale, f32>{});
  static constexpr const char* name = text.data();
};
template <unsigned Bits, scalar_format Scale = f32>
struct int_channel : codec<integer<Bits>, levels<channel<Scale>>> {
  static constexpr spelling text = spelled("integers.int", Bits, "_channel", scale_suffix<Scale, f32>{});
  static constexpr const char* name = text.data();
};
template <unsigned Bits, std::size_t Group = 128, scalar_format Scale = f32>
struct int_group : codec<integer<Bits>, levels<group<Group, Scale>>> {
  static constexpr spelling text = spelled("integers.int", Bits, group_suffix{Group}, scale_suffix<Scale, f32>{});
  static constexpr const char* name = text.data();
};

// ---- symmetric, offset: s * (q - 2^(Bits - 1)) ----

template <unsigned Bits, scalar_format Scale = f32>
struct offset_tensor : codec<offset_integer<Bits>, levels<tensor<Scale>>> {
  static constexpr spelling text = spelled("integers.offset", Bits, "_tensor", scale_suffix<Scale, f32>{});
  static constexpr const char* name = text.data();
};
template <unsigned Bits, scalar_format Scale = f32>
struct offset_channel : codec<offset_integer<Bits>, levels<channel<Scale>>> {
  static constexpr spelling text = spelled("integers.offset", Bits, "_channel", scale_suffix<Scale, f32>{});
  static constexpr const char* name = text.data();
};
template <unsigned Bits, std::size_t Group = 128, scalar_format Scale = f32>
struct offset_group : codec<offset_integer<Bits>, levels<group<Group, Scale>>> {
  static constexpr spelling text = spelled("integers.offset", Bits, group_suffix{Group}, scale_suffix<Scale, f32>{});
  static constexpr const char* name = text.data();
};

// ---- asymmetric: s * (q - z), both unsigned ----

using zero_byte = unsigned_integer<8>;

template <unsigned Bits, scalar_format Scale = f32>
struct uint_tensor : codec<unsigned_integer<Bits>, levels<tensor<Scale>>, zero_point<tensor<zero_byte>>> {
  static constexpr spelling text = spelled("integers.uint", Bits, "_tensor", scale_suffix<Scale, f32>{});
  static constexpr const char* name = text.data();
};
template <unsigned Bits, scalar_format Scale = f32>
struct uint_channel : codec<unsigned_integer<Bits>, levels<channel<Scale>>, zero_point<channel<zero_byte>>> {
  static constexpr spelling text = spelled("integers.uint", Bits, "_channel", scale_suffix<Scale, f32>{});
  static constexpr const char* name = text.data();
};
template <unsigned Bits, std::size_t Group = 128, scalar_format Scale = f32>
struct uint_group : codec<unsigned_integer<Bits>, levels<group<Group, Scale>>, zero_point<group<Group, zero_byte>>> {
  static constexpr spelling text = spelled("integers.uint", Bits, group_suffix{Group}, scale_suffix<Scale, f32>{});
  static constexpr const char* name = text.data();
};

using presets = type_list<int_tensor<8>, int_channel<8>, int_group<8>, int_tensor<4>, int_channel<4>, int_group<4>,
                          int_tensor<2>, int_channel<2>, int_group<2>, uint_tensor<8>, uint_channel<8>, uint_group<8>,
                          uint_tensor<4>, uint_channel<4>, uint_group<4>, uint_tensor<2>, uint_channel<2>,
                          uint_group<2>, offset_channel<4>, offset_group<4>, offset_channel<2>, offset_group<2>>;

}  // namespace quern::inline v0::integers
