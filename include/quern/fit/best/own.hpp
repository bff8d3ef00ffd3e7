// The levels that a codec's own fit chooses for a block, from which the search for better ones starts.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/best/levels.hpp"
#include "quern/fit/default.hpp"

namespace quern::inline v0::best_fit {

template <class Fit>
concept is_best_fit = requires {
  Fit::is_best;
};

// The levels of a block that C's own fit chooses, without codes of the weights; false if that is no fit of blocks.
template <class C, class Fit = fit_of<C>>
bool fit_by_own(const weight_region& block, fitted_block& b) {
  if constexpr (has_weighted_form<Fit>)
    if (block.has_importance()) return fit_by_own<C, typename Fit::with_importance>(block, b);
  if constexpr (is_best_fit<Fit>) {
    return false;
  } else if constexpr (whole_block_fit<Fit>) {
    b = Fit::template choose<C>(block);
    return true;
  } else if constexpr (block_fit<Fit>) {
    constexpr std::size_t group_cols = C::granularity::template level<0>::region.cols;
    std::array<float, fitted_block::most_weights> x, e;
    for (std::size_t i = 0; i < block.size(); ++i) x[i] = block[i], e[i] = block.importance(i);
    const matrix_view<const float> row = *matrix_view<const float>::try_make(x.data(), 1, block.size());
    const bool weighted = block.has_importance();
    const std::span<const float> importance(e.data(), weighted ? block.size() : 0);
    const weight_region whole(row, importance, {0, 0}, {1, block.size()});
    fitted_groups groups;
    for (std::size_t first = 0; first < block.size(); first += group_cols) {
      const shape extent{1, std::min(group_cols, block.size() - first)};
      const fitted_group g = Fit::template group<C>(weight_region(row, importance, {0, first}, extent), whole);
      const std::size_t i = groups.count++;
      groups.scale[i] = g.scale, groups.offset[i] = g.offset, groups.weight[i] = g.weight;
    }
    const auto copy = [&](const block_levels& l, float& coarse, auto& codes) {
      coarse = l.coarse;
      for (std::size_t i = 0; i < groups.count; ++i) codes[i] = static_cast<std::uint8_t>(l.codes[i]);
    };
    copy(Fit::template scales<C>(groups, weighted), b.scale, b.scales);
    if constexpr (C::symmetry::offsets::size == 2)
      copy(Fit::template offsets<C>(groups, weighted), b.offset, b.offsets);
    return true;
  } else {
    return false;
  }
}

}  // namespace quern::inline v0::best_fit
