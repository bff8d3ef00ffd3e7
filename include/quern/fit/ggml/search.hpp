// ggml's searches for a scale: they try some, and keep the one whose codes have the least weighted error. Every sum is
// one f32, in the order of the weights, and no product is fused into it. x are weights, e how much each counts; N is the
// number that codes are of.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>
#include <span>
#include <type_traits>

#include "quern/fit/fit.hpp"

namespace quern::inline v0::ggml {

constexpr float smallest_group = 1e-15f;  // below, a group counts as zero

// a + b * c, the product rounded.
constexpr float plus_product(float a, float b, float c) { return a + exact(b * c); }

using floats = std::span<const float>;

// The number of greatest magnitude, the first of equals; NaN counts as 0. By integers, without a branch for each number.
constexpr float extreme_of(floats x) {
  const auto size_of = [](float v) {
    const std::uint32_t u = float_to_bits(v) & 0x7fffffff;
    return u > 0x7f800000 ? 0 : u;
  };
  std::uint32_t most = 0;
  for (const float v : x) most = size_of(v) > most ? size_of(v) : most;
  if (most == 0) return 0;
  std::size_t i = 0;
  while (size_of(x[i]) != most) ++i;
  return x[i];
}
constexpr float sum_of(floats x) {
  float sum = 0;
  for (const float v : x) sum += v;
  return sum;
}

// Weighted sums of x * v and of v * v, v being the value that stands for x.
struct correlation {
  float with_weights = 0, with_itself = 0;

  constexpr void add(float e, float x, float v) {
    with_weights = plus_product(with_weights, exact(e * x), v);
    with_itself = plus_product(with_itself, exact(e * v), v);
  }
  constexpr float scale() const { return with_itself > 0 ? with_weights / with_itself : 0; }
  // Of the scale above, how much of the weighted sum of squares it explains.
  constexpr float explained() const { return exact(scale() * with_weights); }
  constexpr bool explains_more_than(float best) const {
    return with_itself > 0 && exact(with_weights * with_weights) > exact(best * with_itself);
  }
};

// make_qx_quants: the extreme weight becomes the lowest value, or up to 0.9 more or less. Where all count as zero,
// every code is 0.
template <class N>
mapped best_scale(floats x, floats e) {
  const float steps = -lowest<N>, extreme = extreme_of(x);
  if (magnitude(extreme) < smallest_group) return {{0, 0}, 1, steps};
  const auto correlate = [&](float factor) {
    correlation c;
    for (std::size_t i = 0; i < x.size(); ++i) c.add(e[i], x[i], value_near<N, rounding::nearest>(factor * x[i]));
    return c;
  };
  float factor = -steps / extreme;
  const correlation first = correlate(factor);
  float scale = first.scale(), best = first.explained();
  for (int t = -9; t <= 9; ++t) {
    if (t == 0) continue;
    const float f = -plus_product(steps, 0.1f, static_cast<float>(t)) / extreme;
    const correlation c = correlate(f);
    if (c.explains_more_than(best)) factor = f, scale = c.scale(), best = c.explained();
  }
  return {{scale, 0}, factor, 0};
}

// Which ranges best_range tries, in steps of a code, and how it counts errors.
struct range_grid {
  float first, step;
  int last;
  bool absolute = false;  // else squared

  friend constexpr bool operator==(const range_grid&, const range_grid&) = default;
};

// make_qkx2_quants, make_qkx3_quants: scale and minimum. Each better candidate moves the minimum from which the next
// are tried.
template <class N>
mapped best_range(floats x, floats e, range_grid grid) {
  const float steps = highest<N>;
  float least = x[0], greatest = x[0], sum_e = e[0], sum_x = exact(sum_e * x[0]);
  for (std::size_t i = 1; i < x.size(); ++i) {
    least = x[i] < least ? x[i] : least, greatest = x[i] > greatest ? x[i] : greatest;
    sum_e += e[i], sum_x = plus_product(sum_x, e[i], x[i]);
  }
  if (least > 0) least = 0;
  if (greatest <= least) return {{0, least}, 0, 0};

  const auto value_at = [&](std::size_t i, float factor, float shift) {
    return value_near<N, rounding::nearest>(factor * (x[i] - shift));
  };
  const auto error = [&](float factor, float shift, float scale, float minimum) {
    float sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float d = exact(plus_product(minimum, scale, value_at(i, factor, shift))) - x[i];
      sum = plus_product(sum, e[i], grid.absolute ? magnitude(d) : exact(d * d));
    }
    return sum;
  };
  mapped best{{0, least}, steps / (greatest - least), least};
  best.scale = 1 / best.inverse;
  float least_error = error(best.inverse, least, best.scale, least);
  for (int t = 0; t <= grid.last; ++t) {
    const float shift = best.offset;
    const float factor =
        (exact(plus_product(grid.first, grid.step, static_cast<float>(t))) + steps) / (greatest - shift);
    float sum_v = 0, sum_vv = 0, sum_vx = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float v = value_at(i, factor, shift), ev = exact(e[i] * v);
      sum_v += ev, sum_vv = plus_product(sum_vv, ev, v), sum_vx = plus_product(sum_vx, ev, x[i]);
    }
    const float determinant = exact(sum_e * sum_vv) - exact(sum_v * sum_v);
    if (!(determinant > 0)) continue;
    float scale = (exact(sum_e * sum_vx) - exact(sum_x * sum_v)) / determinant;
    float minimum = (exact(sum_vv * sum_x) - exact(sum_v * sum_vx)) / determinant;
    if (minimum > 0) minimum = 0, scale = sum_vx / sum_vv;
    const float now = error(factor, shift, scale, minimum);
    if (now < least_error) least_error = now, best = {{scale, minimum}, factor, shift};
  }
  return best;
}

// quantize_row_iq4_nl_impl: the scale of a table's values; of two values equally near, the higher one.
template <class N>
float best_table_scale(floats x, floats e) {
  const float extreme = extreme_of(x), end = lowest<N>;
  if (magnitude(extreme) < smallest_group) return 0;
  const auto correlate = [&](float factor) {
    correlation c;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float v = value_near<N, rounding::ties_up>(factor * x[i]), ev = exact(e[i] * v);
      c.with_weights = plus_product(c.with_weights, ev, x[i]);
      c.with_itself = plus_product(c.with_itself, ev, v);
    }
    return c;
  };
  const correlation first = correlate(1 / (-extreme / end));
  float scale = first.scale(), best = first.explained();
  for (int t = -7; t <= 7; ++t) {
    const correlation c = correlate((static_cast<float>(t) + end) / extreme);
    if (c.explains_more_than(best)) scale = c.scale(), best = c.explained();
  }
  return scale;
}

// Up to five times through the codes: each moves to where the others' scale puts it, if that explains more. `sums` are
// those of the codes; returned are those in the end. ranges: the others must have values besides 0 (make_qp_quants).
template <class N>
correlation descend(floats x, floats e, auto& codes, correlation sums, bool ranges) {
  for (int sweep = 0; sweep < 5; ++sweep) {
    bool moved = false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float v = N::value(codes[i]);
      correlation others = sums;
      others.with_weights -= exact(exact(e[i] * x[i]) * v);
      others.with_itself -= exact(exact(e[i] * v) * v);
      if (!(others.with_weights > 0) || (ranges && !(others.with_itself > 0))) continue;
      const float q = exact(x[i] * others.with_itself) / others.with_weights;
      const std::uint32_t code = round_to<N, rounding::nearest>(q);
      if (code == codes[i]) continue;
      others.add(e[i], x[i], N::value(code));
      if (others.with_itself > 0 && exact(exact(others.with_weights * others.with_weights) * sums.with_itself) >
                                        exact(exact(sums.with_weights * sums.with_weights) * others.with_itself)) {
        codes[i] = static_cast<std::remove_reference_t<decltype(codes[i])>>(code);
        sums = others, moved = true;
      }
    }
    if (!moved) break;
  }
  return sums;
}

// make_q3_quants: the extreme weight becomes the lowest value, then the codes are improved one by one. The scale; where all
// count as zero it is 0 and the codes are left as they are.
template <class N>
float best_sweeps(floats x, floats e, auto& codes) {
  const float extreme = extreme_of(x);
  if (magnitude(extreme) < smallest_group) return 0;
  const float factor = lowest<N> / extreme;
  correlation sums;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint32_t code = round_to<N, rounding::nearest>(factor * x[i]);
    codes[i] = static_cast<std::remove_reference_t<decltype(codes[i])>>(code);
    sums.add(e[i], x[i], N::value(code));
  }
  return descend<N>(x, e, codes, sums, false).scale();
}

}  // namespace quern::inline v0::ggml
