// The fits of ggml's super-blocks: K-quants and IQ4_XS, as quantize_row_q*_K_ref, quantize_row_q*_K_impl and
// quantize_row_iq4_nl_impl of ggml-quants.c have them. With importance they are other searches, not the same with
// weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/block.hpp"
#include "quern/fit/ggml_search.hpp"

namespace quern::inline v0::ggml {

using groups = std::span<fitted_group>;

// ---- the finer level's codes for the groups' scales, or minimums ----

// What is to be coded is not negative: the greatest becomes the highest code.
template <class N>
block_levels by_greatest(groups g, float fitted_group::*what) {
  float greatest = 0;
  for (const fitted_group& group : g) greatest = group.*what > greatest ? group.*what : greatest;
  block_levels l{greatest / highest<N>};
  const float factor = greatest > 0 ? highest<N> / greatest : 0;
  for (std::size_t i = 0; i < g.size(); ++i) l.codes[i] = nearest<N>(factor * (g[i].*what));
  return l;
}

// The extreme becomes the lowest code, and the others follow; the scale is what made it so.
template <class N>
block_levels by_extreme(groups g) {
  const float extreme = extreme_of(g.size(), [&](std::size_t i) { return g[i].scale; });
  if (extreme == 0) return {};
  const float factor = lowest<N> / extreme;
  block_levels l{1 / factor};
  for (std::size_t i = 0; i < g.size(); ++i) l.codes[i] = nearest<N>(factor * g[i].scale);
  return l;
}

// make_qp_quants: what is to be coded is not negative, and has weights. Searched, then improved code by code.
template <class N>
block_levels by_search(groups g, float fitted_group::*what) {
  const auto x = [&](std::size_t i) { return g[i].*what; };
  const auto e = [&](std::size_t i) { return g[i].weight; };
  const auto value_of = [](std::uint32_t code) { return N::value(code); };
  float greatest = 0;
  for (std::size_t i = 0; i < g.size(); ++i) greatest = x(i) > greatest ? x(i) : greatest;
  block_levels l;
  if (greatest < smallest_group) return l;
  const auto error = [&](float factor) {
    const float scale = 1 / factor;
    float sum = 0;
    for (std::size_t i = 0; i < g.size(); ++i) {
      const float d = x(i) - exact(scale * N::value(nearest<N>(factor * x(i))));
      sum = plus_product(sum, exact(e(i) * d), d);
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
  for (std::size_t i = 0; i < g.size(); ++i) {
    l.codes[i] = nearest<N>(factor * x(i));
    sums.add(e(i), x(i), N::value(l.codes[i]));
  }
  l.coarse = descend(g.size(), x, e, value_of, nearest<N>, l.codes, sums, true).scale();
  return l;
}

// ---- groups ----

// The codes of a map, kept in case the stored scale is 0.
template <class C>
fitted_group fitted(const weight_region& w, const mapped& m, float weight) {
  fitted_group g{m.scale, -m.offset, weight};
  for (std::size_t i = 0; i < w.size(); ++i)
    g.codes[i] = static_cast<std::uint8_t>(nearest<typename C::number>((w[i] - m.shift) * m.inverse));
  return g;
}
float sum_of(std::size_t n, auto e) {
  float sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += e(i);
  return sum;
}

// ---- formats ----

// What K-quants and IQ4_XS share: codes of the last pass are chosen with the stored numbers.
struct k_fit {
  static constexpr bool fits_blocks = true;
  static constexpr code_rule codes{.how = by::division};
  template <class C>
  using scale_number = typename C::granularity::template level<0>::number;
};

// Q2_K, Q4_K, Q5_K: scales and minimums. The typical square is Twice / 2 times the mean of the block.
template <int Twice>
struct k_range : k_fit {
  template <class C>
  static fitted_group group(const weight_region& w, const weight_region& block) {
    using N = typename C::number;
    const auto x = [&](std::size_t i) { return w[i]; };
    if (w.has_importance()) {
      const float typical = Twice * sum_of_squares(block) / static_cast<float>(block.size());
      const auto e = [&](std::size_t i) { return emphasis(w.importance(i), typical, w[i]); };
      return fitted<C>(w, best_range<N>(w.size(), x, e, {-0.9f, 0.05f, 36}), sum_of(w.size(), e));
    }
    if constexpr (N::bits == 2) {
      const auto e = [&](std::size_t i) { return magnitude(w[i]); };
      return fitted<C>(w, best_range<N>(w.size(), x, e, {-0.5f, 0.1f, 15, true}), 0);
    } else {
      const float typical = std::sqrt(sum_of_squares(w) / static_cast<float>(w.size()));
      const auto e = [&](std::size_t i) { return typical + magnitude(w[i]); };
      constexpr range_grid grid = N::bits == 4 ? range_grid{-1.0f, 0.1f, 20} : range_grid{-0.5f, 0.1f, 15};
      return fitted<C>(w, best_range<N>(w.size(), x, e, grid), 0);
    }
  }
  template <class C>
  static block_levels scales(groups g, bool weighted) {
    return levels<k_fit::scale_number<C>>(g, &fitted_group::scale, weighted);
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
using q2_k = k_range<1>;
using q4_k = k_range<2>;
using q5_k = k_range<2>;

struct q3_k : k_fit {
  template <class C>
  static fitted_group group(const weight_region& w, const weight_region& block) {
    using N = typename C::number;
    const auto x = [&](std::size_t i) { return w[i]; };
    if (w.has_importance()) {
      const float typical = 2 * sum_of_squares(block) / static_cast<float>(block.size());
      const auto e = [&](std::size_t i) { return emphasis(w.importance(i), typical, w[i]); };
      return fitted<C>(w, best_scale<N>(w.size(), x, e), sum_of(w.size(), e));
    }
    // make_q3_quants
    fitted_group g;
    const float extreme = extreme_of(w.size(), x);
    if (magnitude(extreme) < smallest_group) return g;
    const auto e = [&](std::size_t i) { return exact(w[i] * w[i]); };
    const auto value_of = [](std::uint32_t code) { return N::value(code); };
    correlation sums;
    for (std::size_t i = 0; i < w.size(); ++i) {
      g.codes[i] = static_cast<std::uint8_t>(nearest<N>(lowest<N> / extreme * w[i]));
      sums.add(e(i), w[i], N::value(g.codes[i]));
    }
    const auto code_for = [](float v) { return static_cast<std::uint8_t>(nearest<N>(v)); };
    g.scale = descend(w.size(), x, e, value_of, code_for, g.codes, sums, false).scale();
    return g;
  }
  template <class C>
  static block_levels scales(groups g, bool weighted) {
    using N = scale_number<C>;
    if (!weighted) return by_extreme<N>(g);
    const mapped m = best_scale<N>(
        g.size(), [&](std::size_t i) { return g[i].scale; }, [&](std::size_t i) { return g[i].weight; });
    block_levels l{m.scale};
    for (std::size_t i = 0; i < g.size(); ++i) l.codes[i] = nearest<N>((g[i].scale - m.shift) * m.inverse);
    return l;
  }
};

// The importance is taken as it is. A block without a scale to speak of is all zero bits.
struct q6_k : k_fit {
  template <class C>
  static fitted_group group(const weight_region& w, const weight_region&) {
    const auto x = [&](std::size_t i) { return w[i]; };
    const auto e = [&](std::size_t i) { return w.has_importance() ? w.importance(i) : exact(w[i] * w[i]); };
    return fitted<C>(w, best_scale<typename C::number>(w.size(), x, e), 0);
  }
  template <class C>
  static block_levels scales(groups g, bool) {
    if (magnitude(extreme_of(g.size(), [&](std::size_t i) { return g[i].scale; })) < smallest_group) {
      for (fitted_group& group : g) group.codes = {};
      return {};
    }
    return by_extreme<scale_number<C>>(g);
  }
};

// Codes are chosen with the scale of the block before it is rounded.
struct iq4_xs : k_fit {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::ties_up};
  template <class C>
  static fitted_group group(const weight_region& w, const weight_region& block) {
    const float typical = sum_of_squares(block) * (2 / static_cast<float>(block.size()));
    const auto e = [&](std::size_t i) {
      return w.has_importance() ? emphasis(w.importance(i), typical, w[i]) : exact(w[i] * w[i]);
    };
    return {best_table_scale<typename C::number>(
        w.size(), [&](std::size_t i) { return w[i]; }, e)};
  }
  // The extreme / -32, so that a block of zeros has scale -0.
  template <class C>
  static block_levels scales(groups g, bool) {
    using N = scale_number<C>;
    block_levels l{extreme_of(g.size(), [&](std::size_t i) { return g[i].scale; }) / lowest<N>};
    for (std::size_t i = 0; i < g.size(); ++i) l.codes[i] = nearest<N>(inverse_or_zero(l.coarse) * g[i].scale);
    return l;
  }
};

}  // namespace quern::inline v0::ggml
