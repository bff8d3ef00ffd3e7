// Marlin: 4-bit weights in the order of tensor-core fragments. Source: IST-DASLab/marlin, marlin/__init__.py
// (_get_perms). Arrays: B [k / 16, 2n] words, s [groups, n].
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <type_traits>

#include "quern/catalog/spelling.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/half_range.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::marlin {

// 64 outputs x 16 inputs. Position (lane * 4 + quarter) * 8 + e is output 16 * quarter + lane / 4 (+ 8) and input
// 2 * (lane % 4) + 0, 1, 8 or 9; the eight e of a lane are stored in the order 0, 2, 4, 6, 1, 3, 5, 7.
struct fragments {
  static constexpr std::array<std::size_t, 8> interleave{0, 2, 4, 6, 1, 3, 5, 7}, inverse{0, 4, 1, 5, 2, 6, 3, 7};
  static constexpr coord at(std::size_t p, shape) {
    const std::size_t e = interleave[p % 8], quarter = p / 8 % 4, lane = p / 32;
    return {quarter * 16 + e / 4 * 8 + lane / 4, lane % 4 * 2 + e % 2 + e % 4 / 2 * 8};
  }
  static constexpr std::size_t position(coord c, shape) {
    const std::size_t lane = c.row % 8 * 4 + c.col % 8 / 2, e = c.row % 16 / 8 * 4 + c.col / 8 * 2 + c.col % 2;
    return (lane * 4 + c.row / 16) * 8 + inverse[e];
  }
};

// Scales of groups: of 64 outputs, 0, 8, 16, ..., then 1, 9, 17, ... Scales of whole columns: of 32 outputs, pairs
// 0, 1, 8, 9, 16, 17, 24, 25, then 2, 3, 10, ...
struct group_scales {
  static constexpr coord at(std::size_t p, shape) { return {p % 8 * 8 + p / 8, 0}; }
  static constexpr std::size_t position(coord c, shape) { return c.row % 8 * 8 + c.row / 8; }
};
struct channel_scales {
  static constexpr coord at(std::size_t p, shape) { return {p / 8 * 2 + p % 8 / 2 * 8 + p % 2, 0}; }
  static constexpr std::size_t position(coord c, shape) { return c.row % 8 / 2 * 8 + c.row / 8 * 2 + c.row % 2; }
};

template <std::size_t Group>
using scales =
    std::conditional_t<Group == all, array<unit<32, all>, by_columns, ordered<channel_scales, stream<scale<>>>>,
                       array<unit<64, Group>, by_columns, ordered<group_scales, stream<scale<>>>>>;

// s * (q - 8); 4 + 16 / Group bits. Group is 128 or `all`.
template <std::size_t Group = 128>
struct w4 : codec<offset_integer<4>, levels<group<Group, f16>>, symmetric,
                  separate<array<unit<64, 16>, by_columns, ordered<fragments, stream<codes>>>, scales<Group>>> {
  static constexpr spelling text = spelled("marlin.w4", group_suffix{Group});
  static constexpr const char* name = text.data();
  using fit = half_range;
  static constexpr const char* refusal(shape s) {
    return s.rows % 256 == 0 && s.cols % 128 == 0 ? nullptr
                                                  : "rows of a Marlin matrix are a multiple of 256, columns of 128";
  }
};

using presets = type_list<w4<128>, w4<all>>;

}  // namespace quern::inline v0::marlin
