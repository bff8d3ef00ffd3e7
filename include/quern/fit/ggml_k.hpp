// The fits of ggml's super-blocks: K-quants and IQ4_XS, as quantize_row_q*_K_ref, quantize_row_q*_K_impl and
// quantize_row_iq4_nl_impl of ggml-quants.c have them. With importance they are other searches, not the same with
// weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/ggml_group.hpp"

namespace quern::inline v0::ggml {

using groups = std::span<fitted_group>;

constexpr float extreme_scale(groups g) {
  float extreme = 0;
  for (const fitted_group& group : g)
    if (magnitude(group.scale) > magnitude(extreme)) extreme = group.scale;
  return extreme;
}

// ---- the finer level's codes for the groups' scales, or minimums ----

// What is to be coded is not negative: the greatest becomes the highest code.
template <class N>
block_levels by_greatest(groups g, float fitted_group::*what) {
  float greatest = 0;
  for (const fitted_group& group : g) greatest = group.*what > greatest ? group.*what : greatest;
  block_levels l{greatest / highest<N>};
  const float factor = greatest > 0 ? highest<N> / greatest : 0;
  for (std::size_t i = 0; i < g.size(); ++i) l.codes[i] = round_to<N, rounding::nearest>(factor * (g[i].*what));
  return l;
}

// The extreme becomes the lowest code, and the others follow; the scale is what made it so.
template <class N>
block_levels by_extreme(groups g) {
  const float extreme = extreme_scale(g);
  if (extreme == 0) return {};
  const float factor = lowest<N> / extreme;
  block_levels l{1 / factor};
  for (std::size_t i = 0; i < g.size(); ++i) l.codes[i] = round_to<N, rounding::nearest>(factor * g[i].scale);
  return l;
}

// What is to be coded, and its weights, one after the other.
struct listed {
  std::array<float, block_levels::most_groups> x{}, e{};
  std::size_t n;

  listed(groups g, float fitted_group::*what) : n(g.size()) {
    for (std::size_t i = 0; i < n; ++i) x[i] = g[i].*what, e[i] = g[i].weight;
  }
};

// make_qp_quants: what is to be coded is not negative, and has weights. Searched, then improved code by code.
template <class N>
block_levels by_search(groups g, float fitted_group::*what) {
  const listed list(g, what);
  const floats x = floats(list.x).first(list.n), e = floats(list.e).first(list.n);
  float greatest = 0;
  for (const float v : x) greatest = v > greatest ? v : greatest;
  block_levels l;
  if (greatest < smallest_group) return l;
  const auto error = [&](float factor) {
    const float scale = 1 / factor;
    float sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float d = x[i] - exact(scale * value_near<N, rounding::nearest>(factor * x[i]));
      sum = plus_product(sum, exact(e[i] * d), d);
    }
    return sum;
  };
  float factor = highest<N> / greatest, least_error = error(factor);
  for (int t = -4; t <= 4; ++t) {
    if (t == 0) continue;
    const float f = (exact(0.1f * static_cast<float>(t)) + highest<N>) / greatest, now = error(f);
    if (now < least_error) least_error = now, factor = f;
  }
  correlation sums;
  for (std::size_t i = 0; i < x.size(); ++i) {
    l.codes[i] = round_to<N, rounding::nearest>(factor * x[i]);
    sums.add(e[i], x[i], N::value(l.codes[i]));
  }
  l.coarse = descend<N>(x, e, l.codes, sums, true).scale();
  return l;
}

// ---- formats ----

// What K-quants and IQ4_XS share: codes of the last pass are chosen with the stored numbers.
template <class F>
struct k_fit {
  static constexpr bool fits_blocks = true;
  static constexpr code_rule codes{.how = by::division};
  template <class C>
  static fitted_group group(const weight_region& w, const weight_region& block) {
    return w.has_importance() ? fit_group<F, C, true>(w, block) : fit_group<F, C, false>(w, block);
  }
  template <class C>
  using scale_number = typename C::granularity::template level<0>::number;
};

// Scales and minimums.
template <class F>
struct k_range : k_fit<F> {
  template <class C>
  static block_levels scales(groups g, bool weighted) {
    return levels<typename k_fit<F>::template scale_number<C>>(g, &fitted_group::scale, weighted);
  }
  template <class C>
  static block_levels offsets(groups g, bool weighted) {
    return levels<typename C::symmetry::offsets::template level<0>::number>(g, &fitted_group::offset, weighted);
  }

 private:
  template <class N>
  static block_levels levels(groups g, float fitted_group::*what, bool weighted) {
    return weighted ? by_search<N>(g, what) : by_greatest<N>(g, what);
  }
};
inline constexpr range_grid weighted_grid{-0.9f, 0.05f, 36};

struct q2_k : k_range<q2_k> {
  static constexpr group_search search(bool weighted) {
    return weighted ? group_search{searching::range, counting::emphasis, weighted_grid}
                    : group_search{searching::range, counting::magnitude, {-0.5f, 0.1f, 15, true}};
  }
};
struct q4_k : k_range<q4_k> {
  static constexpr group_search search(bool weighted) {
    return weighted ? group_search{searching::range, counting::emphasis, weighted_grid, mean_of::block, 2}
                    : group_search{searching::range, counting::above_rms, {-1.0f, 0.1f, 20}};
  }
};
struct q5_k : k_range<q5_k> {
  static constexpr group_search search(bool weighted) {
    return weighted ? q4_k::search(true) : group_search{searching::range, counting::above_rms, {-0.5f, 0.1f, 15}};
  }
};

struct q3_k : k_fit<q3_k> {
  static constexpr group_search search(bool weighted) {
    return weighted ? group_search{searching::scale, counting::emphasis, {}, mean_of::block, 2}
                    : group_search{searching::sweeps, counting::square};
  }
  template <class C>
  static block_levels scales(groups g, bool weighted) {
    using N = scale_number<C>;
    if (!weighted) return by_extreme<N>(g);
    const listed list(g, &fitted_group::scale);
    const mapped m = best_scale<N>(floats(list.x).first(list.n), floats(list.e).first(list.n));
    block_levels l{m.scale};
    for (std::size_t i = 0; i < g.size(); ++i)
      l.codes[i] = round_to<N, rounding::nearest>((g[i].scale - m.shift) * m.inverse);
    return l;
  }
};

// The importance is taken as it is. A block without a scale to speak of is all zero bits.
struct q6_k : k_fit<q6_k> {
  static constexpr group_search search(bool weighted) {
    return {searching::scale, weighted ? counting::importance : counting::square};
  }
  template <class C>
  static block_levels scales(groups g, bool) {
    if (magnitude(extreme_scale(g)) < smallest_group) {
      for (fitted_group& group : g) group.codes = {};
      return {};
    }
    return by_extreme<scale_number<C>>(g);
  }
};

// Codes are chosen with the scale of the block before it is rounded.
struct iq4_xs : k_fit<iq4_xs> {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::ties_up};
  static constexpr group_search search(bool weighted) {
    return {searching::table_scale, weighted ? counting::emphasis : counting::square, {}, mean_of::block, 2};
  }
  // The extreme / -32, so that a block of zeros has scale -0.
  template <class C>
  static block_levels scales(groups g, bool) {
    using N = scale_number<C>;
    block_levels l{extreme_scale(g) / lowest<N>};
    for (std::size_t i = 0; i < g.size(); ++i)
      l.codes[i] = round_to<N, rounding::nearest>(inverse_or_zero(l.coarse) * g[i].scale);
    return l;
  }
};

}  // namespace quern::inline v0::ggml
