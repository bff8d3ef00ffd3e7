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
        e[i] = exact(exact(w.importance(i) * unit.e) * std::sqrt(plus_product(typical, x[i], x[i])));
      else e[i] = plus_product(rules.plain == unweighted::square ? 0 : exact(0.25f * typical), x[i], x[i]);
      in_range = in_range && e[i] < most_sum;
    }
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

// ---- what is searched, and what is found ----

// A group's weights without their signs, though some may be negative, how much each counts, and the root of that.
template <class C>
struct magnitudes_of_group {
  alignas(64) std::array<float, grid_sizes<C>::group> x, root;
  const float* e;
};

// The points of a group, as the grid lists them, and its scale.
template <class C>
struct points_of_group {
  static constexpr std::size_t count = grid_sizes<C>::group / C::number::dimension;
  std::array<std::uint32_t, count> points{};
  std::uint32_t off_grid = 0;  // a bit for each: those that stand for levels that are no point
  float scale = 0;
  bool in_range = true;  // all sums
};

// A group's weights from the least to the greatest, equal ones in their order; how much each counts and where it was.
template <class C>
struct weights_in_order {
  std::array<float, grid_sizes<C>::group> x, e;
  std::array<std::uint8_t, grid_sizes<C>::group> at;
};

// Weights in order up to first_end are of the lowest level, the others up to second_end of the next. The offsets are
// those of the group's parts: a bit of `shifts` is a part's code, the first part's highest.
struct split_of_group {
  std::size_t first_end = 0, second_end = 0;
  std::uint32_t shifts = 0;
  float scale = 0;
  bool found = false;
};

// How the searches are made that take long: one thing after the other, as neighbours.hpp, grid_search.hpp and
// grid_split.hpp define them. Kernels have another way, to the same bits.
struct one_by_one {
  template <point_format N>
  static std::uint32_t nearest(std::span<const point<N>> points, const level_values<N>& value, const float* x,
                               const float* e) {
    return nearest_neighbour<N>(points, value, x, e);
  }
  template <const auto& Rules, class C>
  static void search(const magnitudes_of_group<C>& group, float range, points_of_group<C>& found);
  template <const auto& Rules, class C>
  static void split(const weights_in_order<C>& weights, split_of_group& found);
};

// The point of levels that are listed as a point's; where there is none their best neighbour, value() being what levels
// count as then. in_range: becomes false where no sum is less than the greatest float.
template <class Way, point_format N, unsigned Shells>
std::uint32_t point_near(std::uint32_t levels, auto value, const float* x, const float* e, bool& in_range) {
  const auto& lists = neighbour_lists<N, Shells>::shared();
  const std::uint32_t number = combination<N>(levels);
  if (lists.is_point(number)) return levels;
  typename neighbour_lists<N, Shells>::room room;
  const auto list = lists.neighbours(number, room);
  const std::uint32_t best = Way::template nearest<N>(list, value(), x, e);
  in_range = in_range && best != no_neighbour;
  return best == no_neighbour ? list[0] : best;
}

// Fit, which defines no `choose` itself, fits blocks: try_fit<Way, C>(w, unit, chosen) in units, and it fails where a sum is
// too great. Then all is brought to about 1.
template <class Fit>
struct fits_grids {
  static constexpr bool chooses_blocks = true;

  template <class C>
  static fitted_block choose(const weight_region& w) {
    return choose_by<one_by_one, C>(w);
  }
  template <class Way, class C>
  static fitted_block choose_by(const weight_region& w) {
    fitted_block chosen;
    if (Fit::template try_fit<Way, C>(w, block_unit{}, chosen)) return chosen;
    const block_unit unit = unit_of(w);
    chosen = {};
    Fit::template try_fit<Way, C>(w, unit, chosen);
    chosen.scale = saturated(chosen.scale / unit.x);
    return chosen;
  }
};

// Such a fit, that searches in another way.
template <class Way, class Fit>
struct fits_grids_by {
  static constexpr bool chooses_blocks = true;
  template <class C>
  static fitted_block choose(const weight_region& w) {
    return Fit::template choose_by<Way, C>(w);
  }
};

// The code of a group's scale, of which the block's scale is `inverse` times: odd multiples are stored.
template <class C>
std::uint8_t scale_code(float scale, float inverse) {
  return static_cast<std::uint8_t>(
      nearest_int(0.5f * (exact(inverse * scale) - 1), static_cast<int>(grid_sizes<C>::scale_codes) - 1));
}
template <class C>
inline constexpr float highest_multiple = static_cast<float>(2 * grid_sizes<C>::scale_codes - 1);

}  // namespace quern::inline v0::ggml
