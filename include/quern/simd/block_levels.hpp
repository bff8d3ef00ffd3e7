// Levels that a fit chooses block by block, called by the encode kernel. As in scalar.hpp these functions are compiled for
// no SIMD target, so that no formula of a fit is fused, and once for all.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "quern/fit/ggml/k.hpp"
#include "quern/reference/encode.hpp"
#include "quern/simd/region_fit.hpp"

namespace quern::inline v0 {

// Whether blocks of C are encoded by vectors: runs of a row, whose groups a search fits; else reference::encode serves.
template <class C, class Fit>
inline constexpr bool encodes_by_blocks = [] {
  if constexpr (block_fit<Fit> && ggml::searches_groups<Fit> && C::granularity::size == 2) {
    constexpr shape group = reference::uniform_region<C>, block = C::granularity::template level<1>::region;
    return group == reference::fit_region<C> && group == C::granularity::template level<0>::region &&
           group.rows == 1 && block.rows == 1 && block.cols != all && window_cols<C> == block.cols;
  }
  return false;
}();

// Whether the scales of a block without minimums are chosen in lanes, blocks side by side.
template <class C, class Fit>
inline constexpr bool chooses_in_lanes = [] {
  using G = typename C::granularity;
  if constexpr (ggml::chooses_scales<Fit> && G::size == 2 && C::symmetry::offsets::size == 0)
    return !adding_level<typename G::template level<0>> && !adding_level<typename G::template level<1>>;
  return false;
}();

// Whether the choice reads how much the weights of a group count.
template <class C, class Fit, bool Weighted>
inline constexpr bool reads_weights = [] {
  if constexpr (chooses_in_lanes<C, Fit>) return Fit::choice(Weighted) == ggml::choosing::best_scale;
  return true;
}();

// What a block stores of its levels: codes, and the numbers they make in each group. ideal: the scale before the coarser
// number was rounded. blank: a scale is 0, and the groups' own codes would be kept.
struct stored_levels {
  static constexpr std::size_t room = 2 * fitted_groups::most;
  bool blank = false;
  std::uint32_t coarse_scale = 0, coarse_offset = 0;
  std::array<std::uint32_t, fitted_groups::most> scale_codes{}, offset_codes{};
  alignas(64) std::array<float, room> scale{}, offset{}, ideal{};
};

// The levels of a block from the scales and minimums of its groups.
template <class C, class Fit, bool Weighted>
__attribute__((noinline)) void call_levels(const float* scale, const float* minimum, const float* weight,
                                           std::size_t count, stored_levels& stored) {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  fitted_groups groups{count};
  std::copy_n(scale, count, groups.scale.data());
  std::copy_n(weight, count, groups.weight.data());
  if constexpr (O::size != 0)
    for (std::size_t i = 0; i < count; ++i) groups.offset[i] = -minimum[i];

  const auto keep = [&]<class Levels>(std::type_identity<Levels>, const block_levels& chosen, std::uint32_t& coarse,
                                      auto& codes, auto& numbers, float unit) {
    using coarse_number = typename Levels::template level<1>::number;
    using fine_number = typename Levels::template level<0>::number;
    coarse = nearest_finite<coarse_number>(chosen.coarse);
    const float outer = value<coarse_number>(coarse);
    codes = chosen.codes;
    for (std::size_t i = 0; i < count; ++i) {
      const float inner = value<fine_number>(chosen.codes[i]);
      numbers[i] = combine_levels<Levels>([&]<std::size_t L>() { return L == 0 ? inner : outer; }, unit);
    }
  };
  const block_levels scales = Fit::template scales<C>(groups, Weighted);
  keep(std::type_identity<G>{}, scales, stored.coarse_scale, stored.scale_codes, stored.scale, 1.0f);
  if constexpr (O::size != 0)
    keep(std::type_identity<O>{}, Fit::template offsets<C>(groups, Weighted), stored.coarse_offset, stored.offset_codes,
         stored.offset, 0.0f);
  stored.blank = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (Fit::codes.scale == from::stored && stored.scale[i] == 0) stored.blank = true;
    stored.ideal[i] = exact(scales.coarse * value<typename G::template level<0>::number>(scales.codes[i]));
  }
}

template <class C, class Fit>
__attribute__((noinline)) void call_write_block(const reference::source& s, const packed_span<C>& out, coord first,
                                                shape size) {
  reference::write_block<Fit>(s, out, first, size);
}

// The scale, the minimum and the weight of one group.
template <class C, class Fit>
__attribute__((noinline)) void call_fit_group(const reference::source& s, coord first, shape size, coord block,
                                              shape block_size, float& scale, float& offset, float& weight) {
  const fitted_group g = Fit::template group<C>(s.region(first, size), s.region(block, block_size));
  scale = g.scale, offset = -g.offset, weight = g.weight;
}

}  // namespace quern::inline v0
