// What ggml's fits of grids share: a block's weights and how much each counts, and the codes of its groups' scales.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cmath>
#include <cstdint>

#include "quern/fit/block.hpp"
#include "quern/fit/ggml/neighbours.hpp"
#include "quern/fit/ggml/search.hpp"

namespace quern::inline v0::ggml {

// How much a weight x counts, s being the typical square: with importance e it is e * sqrt(s + x^2), else one of these.
enum class unweighted {
  refused,            // by ggml; here as if every importance were 1
  square,             // x^2
  square_and_typical  // s / 4 + x^2
};

// The first part of what a fit of grids goes by.
struct grid_rules {
  float typical;     // the typical square: so many times the mean square of the block
  unweighted plain;  // what counts where no importance is given
  unsigned shells;   // neighbours of a combination are the points at so many least distances
  float least;       // groups whose greatest magnitude is less count as zero
  float stored;      // the block's scale is stored so many times greater
};

// ---- what follows from the declaration ----

// Sizes in weights.
template <class C>
struct grid_sizes {
  using number = typename C::number;
  using group_scale = typename C::granularity::template level<0>;
  static_assert(point_format<number>, "fit: ggml's fits of grids need a number that is one");
  static_assert(C::granularity::size == 2 && group_scale::region.rows == 1 && group_scale::region.cols != all &&
                    C::granularity::template level<1>::region.rows == 1 &&
                    C::granularity::template level<1>::region.cols != all,
                "fit: ggml's fits of grids need groups in blocks of a row: levels<group<n, ...>, group<m, ...>>");
  static_assert(group_scale::number::bits <= 8 && group_scale::number::value(1) == 3 * group_scale::number::value(0) &&
                    group_scale::number::value(low_bits(group_scale::number::bits)) ==
                        static_cast<float>(2 * low_bits(group_scale::number::bits) + 1) * group_scale::number::value(0),
                "fit: ggml's fits of grids need groups whose scales are odd multiples, like odd<4>");
  static_assert(magnitude(group_scale::number::value(0) * static_cast<float>(number::magnitudes[0])) == 1,
                "fit: ggml's fits of grids need a least scale and a first level whose product is 1");

  static constexpr std::size_t block = C::granularity::template level<1>::region.cols;
  static constexpr std::size_t group = group_scale::region.cols;
  static constexpr std::size_t groups = block / group;
  static_assert(group <= 32, "fit: ggml's fits of grids are for groups of at most 32 weights");

  static constexpr unsigned scale_codes = 1u << group_scale::number::bits;
};

// ---- a block ----

// ggml's rounding, ties to even; what becomes of NaN and of more than 2^22 is ggml's, too. x is rounded to f32.
constexpr int nearest_int(float x) { return static_cast<int>(float_to_bits(x + 12582912.0f) & 0x7fffff) - 0x400000; }
constexpr int nearest_int(float x, int most) {
  const int i = nearest_int(x);
  return i < 0 ? 0 : i > most ? most : i;
}

// Powers of two that weights, and their importance, are multiplied with.
struct block_unit {
  float x = 1, e = 1;
};

// Sums that are greater are those of weights too large for a scale that is a half, or of importance beyond all measure.
constexpr float most_sum = 0x1p84f;

// Weights, and how much each counts; 0 beyond the edge of the matrix.
template <class C>
struct grid_block {
  alignas(64) std::array<float, grid_sizes<C>::block> x, e;
  bool in_range = true;  // all of it

  grid_block(const weight_region& w, const grid_rules& rules, block_unit unit) {
    x.fill(0), e.fill(0);
    const std::size_t n = w.size();
    float squares = 0;
    for (std::size_t i = 0; i < n; ++i) x[i] = exact(w[i] * unit.x), squares += exact(x[i] * x[i]);
    const float typical = rules.typical * squares / static_cast<float>(n);
    for (std::size_t i = 0; i < n; ++i) {
      if (w.has_importance() || rules.plain == unweighted::refused)
        e[i] = exact(w.importance(i) * unit.e) * std::sqrt(plus_product(typical, x[i], x[i]));
      else e[i] = plus_product(rules.plain == unweighted::square ? 0 : exact(0.25f * typical), x[i], x[i]);
      in_range = in_range && e[i] < most_sum;
    }
    settle(e);
  }
};

// Powers of two that bring the greatest weight and the greatest importance into [1, 2), or nearly so.
inline block_unit unit_of(const weight_region& w) {
  float x = 0, e = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    x = magnitude(w[i]) > x ? magnitude(w[i]) : x;
    e = w.importance(i) > e ? w.importance(i) : e;
  }
  const auto inverse = [](float f) {
    const int exponent = static_cast<int>(float_to_bits(f) >> 23) - 127;
    return exp2i(f == 0 ? 0 : exponent < -126 ? 126 : -exponent);
  };
  return {inverse(x), inverse(e)};
}

// try_fit(unit, chosen) fits the block w in units, or fails where a sum is too great: then all is brought to about 1.
fitted_block fit_in_range(const weight_region& w, auto try_fit) {
  fitted_block chosen;
  if (try_fit(block_unit{}, chosen)) return chosen;
  const block_unit unit = unit_of(w);
  chosen = {};
  try_fit(unit, chosen);
  chosen.scale = saturated(chosen.scale / unit.x);
  return chosen;
}

// The code of a group's scale, of which the block's scale is `inverse` times: odd multiples are stored.
template <class C>
std::uint8_t scale_code(float scale, float inverse) {
  return static_cast<std::uint8_t>(
      nearest_int(0.5f * (exact(inverse * scale) - 1), static_cast<int>(grid_sizes<C>::scale_codes) - 1));
}
template <class C>
inline constexpr float highest_multiple = static_cast<float>(2 * grid_sizes<C>::scale_codes - 1);

}  // namespace quern::inline v0::ggml
