// The fits of ggml's super-blocks: K-quants and IQ4_XS, as quantize_row_q*_K_ref, quantize_row_q*_K_impl and
// quantize_row_iq4_nl_impl of ggml-quants.c have them. With importance they are other searches, not the same with
// weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/ggml/group.hpp"

namespace quern::inline v0::ggml {

// ---- the finer level's codes for the groups' scales, or minimums: x ----

// x is not negative: the greatest becomes the highest code.
template <class N>
block_levels by_greatest(floats x) {
  float greatest = 0;
  for (const float v : x) greatest = v > greatest ? v : greatest;
  block_levels l{greatest / highest<N>};
  const float factor = greatest > 0 ? highest<N> / greatest : 0;
  for (std::size_t i = 0; i < x.size(); ++i) l.codes[i] = round_to<N, rounding::nearest>(factor * x[i]);
  return l;
}

// The extreme becomes the lowest code, and the others follow; the scale is what made it so.
template <class N>
block_levels by_extreme(floats x) {
  const float extreme = extreme_of(x);
  if (extreme == 0) return {};
  const float factor = lowest<N> / extreme;
  block_levels l{1 / factor};
  for (std::size_t i = 0; i < x.size(); ++i) l.codes[i] = round_to<N, rounding::nearest>(factor * x[i]);
  return l;
}

// make_qp_quants: x is not negative, and counts e. Searched, then improved code by code.
template <class N>
block_levels by_search(floats x, floats e) {
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

// The scale that explains most, and what it makes of the others; e: how much each counts.
template <class N>
block_levels by_best_scale(floats x, floats e) {
  const mapped m = best_scale<N>(x, e);
  block_levels l{m.scale};
  for (std::size_t i = 0; i < x.size(); ++i) l.codes[i] = round_to<N, rounding::nearest>((x[i] - m.shift) * m.inverse);
  return l;
}

// Which of these chooses the codes of the groups' scales, so that SIMD code makes the same choice.
enum class choosing { extreme, best_scale };
template <class N>
block_levels choose(choosing how, floats x, floats e) {
  return how == choosing::best_scale ? by_best_scale<N>(x, e) : by_extreme<N>(x);
}
template <class F>
concept chooses_scales = requires(bool weighted) {
  { F::choice(weighted) } -> std::same_as<choosing>;
};

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

  static floats first(const fitted_groups& g, const std::array<float, fitted_groups::most>& x) {
    return floats(x).first(g.count);
  }
};

// Scales and minimums.
template <class F>
struct k_range : k_fit<F> {
  template <class C>
  static block_levels scales(const fitted_groups& g, bool weighted) {
    return levels<typename k_fit<F>::template scale_number<C>>(g, g.scale, weighted);
  }
  template <class C>
  static block_levels offsets(const fitted_groups& g, bool weighted) {
    return levels<typename C::symmetry::offsets::template level<0>::number>(g, g.offset, weighted);
  }

 private:
  template <class N>
  static block_levels levels(const fitted_groups& g, const auto& what, bool weighted) {
    const floats x = k_fit<F>::first(g, what);
    return weighted ? by_search<N>(x, k_fit<F>::first(g, g.weight)) : by_greatest<N>(x);
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
  static constexpr choosing choice(bool weighted) { return weighted ? choosing::best_scale : choosing::extreme; }
  template <class C>
  static block_levels scales(const fitted_groups& g, bool weighted) {
    return choose<scale_number<C>>(choice(weighted), first(g, g.scale), first(g, g.weight));
  }
};

// The importance is taken as it is. A block without a scale to speak of is all zero bits.
struct q6_k : k_fit<q6_k> {
  static constexpr group_search search(bool weighted) {
    return {searching::scale, weighted ? counting::importance : counting::square};
  }
  static constexpr choosing choice(bool) { return choosing::extreme; }
  template <class C>
  static block_levels scales(const fitted_groups& g, bool weighted) {
    const floats x = first(g, g.scale);
    if (magnitude(extreme_of(x)) < smallest_group) return {.blank = true};
    return choose<scale_number<C>>(choice(weighted), x, first(g, g.weight));
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
  static block_levels scales(const fitted_groups& g, bool) {
    using N = scale_number<C>;
    const floats x = first(g, g.scale);
    block_levels l{extreme_of(x) / lowest<N>};
    for (std::size_t i = 0; i < x.size(); ++i)
      l.codes[i] = round_to<N, rounding::nearest>(inverse_or_zero(l.coarse) * x[i]);
    return l;
  }
};

}  // namespace quern::inline v0::ggml
