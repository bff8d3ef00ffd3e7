// Two levels of scales as `best` chooses them together: for which codecs, and what is near a wanted number.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>

#include "quern/fit/best/group.hpp"
#include "quern/fit/block.hpp"

namespace quern::inline v0::best_fit {

// Whether C has two levels of scales for blocks of one row that a fitted_block holds, and offsets that are chosen
// with them: none, zero points of few values, or two levels like those of the scales.
template <class C>
inline constexpr bool in_blocks = [] {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  if constexpr (G::size == 2) {
    using group_level = typename G::template level<0>;
    using block_level = typename G::template level<1>;
    constexpr shape group = group_level::region, block = block_level::region;
    if (group.rows != 1 || block.rows != 1 || group.cols == all || block.cols == all) return false;
    if (block.cols > fitted_block::most_weights || block.cols % group.cols != 0) return false;
    if (adding_level<group_level> || adding_level<block_level> || group_level::number::bits > 8) return false;
    if (!searchable_number<stored_number<C>> || group.cols % elements<typename C::number> != 0) return false;
    std::size_t unit = group.cols;
    if constexpr (offset_kind_of<C> == offset_kind::slight) {
      constexpr shape zero = O::template level<0>::region;
      if (zero.rows != 1 || zero.cols == all || group.cols % zero.cols != 0) return false;
      if (zero.cols % elements<typename C::number> != 0) return false;
      unit = zero.cols;
    } else if constexpr (offset_kind_of<C> == offset_kind::apart) {
      if constexpr (O::size == 2) {
        using group_offset = typename O::template level<0>;
        if (group_offset::region != group || O::template level<1>::region != block) return false;
        if (adding_level<group_offset> || adding_level<typename O::template level<1>> || group_offset::number::bits > 8)
          return false;
      } else {
        return false;
      }
    } else if (offset_kind_of<C> != offset_kind::none) {
      return false;
    }
    return block.cols / unit <= fitted_block::most_groups;
  }
  return false;
}();

// Neighbours of x among N's values, in rising order: [first, last) are `radius` values on each side of it.
struct neighbourhood {
  std::size_t first = 0, last = 0;
};
template <scalar_format N>
constexpr neighbourhood around(float x, std::size_t radius) {
  constexpr const auto& s = sorted<N>;
  std::size_t above = 0;  // the first value above x
  if constexpr (on_a_line<N>) {
    constexpr float step = s.value[1] - s.value[0];
    const float i = (x - s.value[0]) / step + 1;
    above = !(i > 0) ? 0 : i >= static_cast<float>(s.size) ? s.size : static_cast<std::size_t>(i);
  } else {
    while (above < s.size && s.value[above] <= x) ++above;
  }
  return {above > radius ? above - radius : 0, std::min(above + radius, s.size)};
}

}  // namespace quern::inline v0::best_fit
