// ggml's searches for a scale: they try some, and keep the one whose codes have the least weighted squared error. Every sum
// is one f32, in the order of the weights, and no product is fused into it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>

#include "quern/fit/fit.hpp"
#include "quern/fit/region.hpp"

namespace quern::inline v0::ggml {

constexpr float smallest_group = 1e-15f;  // below, a group counts as zero

// a + b * c, the product rounded.
constexpr float plus_product(float a, float b, float c) { return a + exact(b * c); }

// The weight of greatest magnitude, the first of equals.
constexpr float extreme_of(const weight_region& w) {
  return gather<statistic::extreme>([&](auto f) { w.each(f); }).extreme;
}
constexpr float sum_of_squares(const weight_region& w) {
  float sum = 0;
  w.each([&](float x) { sum = plus_product(sum, x, x); });
  return sum;
}
// importance * sqrt(typical square + x^2)
inline float emphasis(float importance, float typical, float x) {
  return importance * std::sqrt(plus_product(typical, x, x));
}

// Weighted sums over the values v that N has for factor * x: of x * v and of v * v.
struct correlation {
  float with_weights = 0, with_itself = 0;
  constexpr float scale() const { return with_itself > 0 ? with_weights / with_itself : 0; }
  // Of the scale above, how much of the weighted sum of squares it explains.
  constexpr float explained() const { return exact(scale() * with_weights); }
  constexpr bool explains_more_than(float best) const {
    return with_itself > 0 && exact(with_weights * with_weights) > exact(best * with_itself);
  }
};

// Q4_0 and Q5_0 where weights have an importance: make_qx_quants. The typical square is the mean over the row.
struct weighted_scale {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest};

  template <class C>
  static mapped ideal(const weight_region& w) {
    using N = typename C::number;
    const float n = -lowest<N>, extreme = extreme_of(w);
    if (magnitude(extreme) < smallest_group) return {{0, 0}, 1, n};  // every code is 0
    const weight_region row = w.row();
    const float typical = sum_of_squares(row) / static_cast<float>(row.size());
    const auto correlate = [&](float factor) {
      correlation c;
      for (std::size_t i = 0; i < w.size(); ++i) {
        const float x = w[i], e = emphasis(w.importance(i), typical, x), v = N::value(nearest<N>(factor * x));
        c.with_weights = plus_product(c.with_weights, exact(e * x), v);
        c.with_itself = plus_product(c.with_itself, exact(e * v), v);
      }
      return c;
    };
    float factor = -n / extreme;
    const correlation first = correlate(factor);
    float scale = first.scale(), best = first.explained();
    for (int t = -9; t <= 9; ++t) {
      if (t == 0) continue;
      const float f = -plus_product(n, 0.1f, static_cast<float>(t)) / extreme;
      const correlation c = correlate(f);
      if (c.explains_more_than(best)) factor = f, scale = c.scale(), best = c.explained();
    }
    return {{scale, 0}, factor, 0};
  }
};

// Q4_1 and Q5_1 where weights have an importance: make_qkx3_quants. Each better candidate moves the minimum from which the
// next are tried.
struct weighted_range {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest};

  template <class C>
  static mapped ideal(const weight_region& w) {
    using N = typename C::number;
    const float n = highest<N>;
    const weight_region row = w.row();
    const float typical = sum_of_squares(row) / static_cast<float>(row.size());
    const auto weight = [&](std::size_t i) { return emphasis(w.importance(i), typical, w[i]); };
    float least = w[0], greatest = w[0], sum_w = weight(0), sum_x = exact(sum_w * w[0]);
    for (std::size_t i = 1; i < w.size(); ++i) {
      least = w[i] < least ? w[i] : least, greatest = w[i] > greatest ? w[i] : greatest;
      const float e = weight(i);
      sum_w += e, sum_x = plus_product(sum_x, e, w[i]);
    }
    if (least > 0) least = 0;
    if (greatest <= least) return {{0, least}, 0, 0};

    const auto value_at = [&](std::size_t i, float factor, float shift) { return N::value(nearest<N>(factor * (w[i] - shift))); };
    const auto error = [&](float factor, float shift, float scale, float minimum) {
      float sum = 0;
      for (std::size_t i = 0; i < w.size(); ++i) {
        const float d = exact(plus_product(minimum, scale, value_at(i, factor, shift))) - w[i];
        sum = plus_product(sum, weight(i), exact(d * d));
      }
      return sum;
    };
    mapped best{{0, least}, n / (greatest - least), least};
    best.scale = 1 / best.inverse;
    float best_error = error(best.inverse, least, best.scale, least);
    for (int t = 0; t <= 36; ++t) {
      const float shift = best.offset, factor = (plus_product(-0.9f, 0.05f, static_cast<float>(t)) + n) / (greatest - shift);
      float sum_v = 0, sum_vv = 0, sum_vx = 0;
      for (std::size_t i = 0; i < w.size(); ++i) {
        const float v = value_at(i, factor, shift), ev = exact(weight(i) * v);
        sum_v += ev, sum_vv = plus_product(sum_vv, ev, v), sum_vx = plus_product(sum_vx, ev, w[i]);
      }
      const float determinant = exact(sum_w * sum_vv) - exact(sum_v * sum_v);
      if (!(determinant > 0)) continue;
      float scale = (exact(sum_w * sum_vx) - exact(sum_x * sum_v)) / determinant;
      float minimum = (exact(sum_vv * sum_x) - exact(sum_v * sum_vx)) / determinant;
      if (minimum > 0) minimum = 0, scale = sum_vx / sum_vv;
      const float e = error(factor, shift, scale, minimum);
      if (e < best_error) best_error = e, best = {{scale, minimum}, factor, shift};
    }
    return best;
  }
};

// IQ4_NL: quantize_row_iq4_nl_impl. Codes are the nearest with the scale before it is rounded; ties go up.
struct codebook_scale {
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::ties_up};

  template <class C>
  static mapped ideal(const weight_region& w) {
    using N = typename C::number;
    const float extreme = extreme_of(w), end = lowest<N>;
    if (magnitude(extreme) < smallest_group) return {};
    const float typical = sum_of_squares(w) * (2 / static_cast<float>(w.size()));
    const auto correlate = [&](float factor) {
      correlation c;
      for (std::size_t i = 0; i < w.size(); ++i) {
        const float x = w[i], e = w.has_importance() ? emphasis(w.importance(i), typical, x) : exact(x * x);
        const float ev = exact(e * N::value(round_to<N, codes.round>(factor * x)));
        c.with_weights = plus_product(c.with_weights, ev, x);
        c.with_itself = plus_product(c.with_itself, ev, N::value(round_to<N, codes.round>(factor * x)));
      }
      return c;
    };
    const correlation first = correlate(1 / (-extreme / end));
    float scale = first.scale(), best = first.explained();
    for (int t = -7; t <= 7; ++t) {
      const correlation c = correlate((static_cast<float>(t) + end) / extreme);
      if (c.explains_more_than(best)) scale = c.scale(), best = c.explained();
    }
    return {{scale, 0}, inverse_or_zero(scale), 0};
  }
};

}  // namespace quern::inline v0::ggml
