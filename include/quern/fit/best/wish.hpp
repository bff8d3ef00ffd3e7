// What a group of a block would have by itself.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/best/search.hpp"

namespace quern::inline v0::best_fit {

// The best scale and offset of each sign, and the weighted mean of the values that the weights have then.
template <class C>
struct wish {
  using code = coder<C>;
  static constexpr bool vectors = code::vectors;
  static constexpr std::size_t signs_tried = code::apart || sign_matters<typename code::number> ? 2 : 1;

  trial best[signs_tried];
  float mean_value[signs_tried] = {};
  std::array<moments, vectors ? 24 : 0> seen{};  // of codes that were tried
  std::size_t seen_count = 0;

  wish() = default;
  explicit wish(const cluster& g) {
    for (std::size_t k = 0; k < signs_tried; ++k) {
      const bool positive = k == 0;
      if constexpr (code::apart) {
        const shifts which = positive ? shifts::below : shifts::above;
        best[k] = sweep_ranges<C>(g, positive, which, {0.5f, 0.333f});
        mean_value[k] = code::correlate(g, best[k].scale, best[k].shift).v / g.importance;
      } else {
        best[k] = sweep_scales<C>(g, positive, {0.8f, 0.5f}, no_limit, [&](const moments& m) {
          if (seen_count < seen.size()) seen[seen_count++] = m;
        });
      }
    }
  }

  // Not less than the least error of a scale, and near it: that of the best codes among those seen.
  float estimate(const cluster& g, float scale) const {
    float least = 0;
    for (std::size_t k = 0; k < seen_count; ++k)
      least = lesser(least, exact(scale * (exact(scale * seen[k].vv) - 2 * seen[k].xv)));
    return g.energy + least;
  }
};

}  // namespace quern::inline v0::best_fit
