// ggml's fit of grids of three levels that are shifted up or down, without signs: quantize_row_iq1_s_impl and
// quantize_row_iq1_m_impl of ggml-quants.c. The weights of a group in order are split in three, in every way there is.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/ggml/grid_block.hpp"

namespace quern::inline v0::ggml {

// How the sums of a split are made, which decides how they are rounded.
enum class split_sums {
  by_difference,  // of sums over the lowest weights
  in_order        // weight by weight
};

struct split_rules : grid_rules {
  split_sums sums;
  bool improves_scale = false;  // the block's scale is the best for the codes of the whole block
};

// A group of weights. Its offsets are those of its parts: a bit of `shifts` is a part's code, the first part's highest.
template <class C, const split_rules& Rules>
class split_group {
  using N = typename C::number;
  using sizes = grid_sizes<C>;
  using offset = typename C::symmetry::offsets::template level<0>;
  using lists = neighbour_lists<N, Rules.shells>;
  static constexpr std::size_t n = sizes::group, dimension = N::dimension, points = n / dimension,
                               parts = n / offset::region.cols, patterns = std::size_t{1} << parts,
                               width = std::size_t{1} << N::level_bits;
  static_assert(N::sign_rule == signs::none && N::vectors == 1 && level_count<N> == 3,
                "ggml::split_fit: the grid must have three levels and no signs");
  static_assert(has_zero_point<C> && C::symmetry::offsets::size == 1 && offset::number::bits == 1 &&
                    offset::region.rows == 1 && n % offset::region.cols == 0 && offset::region.cols % dimension == 0,
                "ggml::split_fit: the codec needs zero points of one bit for whole points of a group");

 public:
  // What level l counts as, by the code of its part's offset.
  static constexpr auto values = [] {
    std::array<std::array<float, width>, 2> v{};
    for (std::uint32_t code = 0; code < 2; ++code)
      for (unsigned l = 0; l < 3; ++l) v[code][l] = static_cast<float>(N::magnitudes[l]) - offset::number::value(code);
    return v;
  }();
  static_assert(values[0][0] == -values[1][2] && values[0][1] == -values[1][1] && values[0][2] == -values[1][0],
                "ggml::split_fit: what the two offsets make of the levels must mirror each other");
  static constexpr std::size_t weights_of_part = n / parts;

  float scale = 0;
  bool in_range = true;  // all sums
  std::uint32_t shifts = 0;
  std::array<std::uint32_t, points> codes{};

  static constexpr std::size_t shift_of(std::size_t shifts, std::size_t part) {
    return shifts >> (parts - 1 - part) & 1;
  }

  split_group(const float* x, const float* e, const lists& all) : x_(x), e_(e) {
    float greatest = magnitude(x[0]);
    for (std::size_t i = 1; i < n; ++i) greatest = greatest > magnitude(x[i]) ? greatest : magnitude(x[i]);
    if (greatest < Rules.least) return;
    float with_weights = 0, with_itself = 0;  // what no sum exceeds, twice over
    for (std::size_t i = 0; i < n; ++i)
      with_weights = plus_product(with_weights, e[i], magnitude(x[i])), with_itself += e[i];
    in_range = 2 * with_weights < most_sum && 2 * with_itself < most_sum;
    sort();
    scale = greatest;
    if constexpr (Rules.sums == split_sums::by_difference) try_by_difference();
    else try_in_order();
    in_range = in_range && is_finite(scale);
    if (!found_) {
      scale = 0;
      return;
    }
    std::array<std::uint8_t, n> levels;
    for (std::size_t i = 0; i < n; ++i)
      levels[order_[i]] = static_cast<std::uint8_t>(i < first_end_ ? 0 : i < second_end_ ? 1 : 2);
    if (scale < 0) {
      scale = -scale;
      shifts ^= low_bits(parts);
      for (std::uint8_t& l : levels) l = static_cast<std::uint8_t>(2 - l);
    }
    choose_points(levels, all);
  }

 private:
  // Weights from the least to the greatest, equal ones in their order.
  void sort() {
    std::array<std::int32_t, n> key;  // integers in the order of the weights; -0 is 0
    for (std::size_t i = 0; i < n; ++i) {
      const auto bits = static_cast<std::int32_t>(float_to_bits(x_[i] + 0.0f));
      key[i] = bits < 0 ? static_cast<std::int32_t>(bits ^ 0x7fffffff) : bits;
    }
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(n); ++i) {
      std::int32_t rank = 0;
      const std::int32_t own = key[static_cast<std::size_t>(i)];
      for (std::int32_t j = 0; j < static_cast<std::int32_t>(n); ++j)
        rank += key[static_cast<std::size_t>(j)] < own + (j < i ? 1 : 0) ? 1 : 0;
      order_[static_cast<std::size_t>(rank)] = static_cast<std::uint8_t>(i);
    }
  }

  // Judges all splits whose lowest part has `first` weights. `weights` and `itself` give their sums, for the number of
  // weights that the two lower parts have and the pattern of offsets.
  void judge(std::size_t first, const auto& weights, const auto& itself) {
    for (std::size_t second = first; second <= n; ++second)
      unrolled<patterns>([&]<std::size_t K>() __attribute__((always_inline)) {
        const correlation sums{weights(second, K), itself(second, K)};
        if (!(sums.with_weights * sums.with_weights > explained_ * sums.with_itself && sums.with_itself > 0)) return;
        scale = sums.scale(), explained_ = sums.explained();
        first_end_ = first, second_end_ = second, shifts = static_cast<std::uint32_t>(K), found_ = true;
      });
  }

  void try_by_difference() {
    static_assert(Rules.sums != split_sums::by_difference || parts == 1,
                  "ggml::split_fit: sums by difference need groups of one offset");
    constexpr std::size_t length = round_up(n + 1, lane_count);
    using row = std::array<float, length>;  // of sums over the lowest weights, for their number
    row with_weights{}, with_itself{};
    for (std::size_t i = 0; i < n; ++i) {
      with_weights[i + 1] = plus_product(with_weights[i], e_[order_[i]], x_[order_[i]]);
      with_itself[i + 1] = with_itself[i] + e_[order_[i]];
    }
    // The parts of a split: what is between `from` and `to`, counting as v.
    const auto weights_between = [&](std::size_t from, std::size_t to, float v) {
      return (with_weights[to] - with_weights[from]) * v;
    };
    const auto itself_between = [&](std::size_t from, std::size_t to, float v) {
      return (with_itself[to] - with_itself[from]) * v * v;
    };
    alignas(64) std::array<row, 2> weights_above, itself_above, weights, itself;
    for (std::size_t k = 0; k < 2; ++k)
      for (std::size_t j = 0; j < length; ++j) {
        weights_above[k][j] = weights_between(j, n, values[k][2]);
        itself_above[k][j] = itself_between(j, n, values[k][2]);
      }
    settle(weights_above), settle(itself_above);
    for (std::size_t i = 0; i <= n; ++i) {
      for (std::size_t k = 0; k < 2; ++k) {
        const float weights_below = exact(weights_between(0, i, values[k][0]));
        const float itself_below = exact(itself_between(0, i, values[k][0]));
        for (std::size_t j = 0; j < length; ++j) {
          weights[k][j] = weights_between(i, j, values[k][1]);
          itself[k][j] = itself_between(i, j, values[k][1]);
        }
        settle(weights), settle(itself);
        for (std::size_t j = 0; j < length; ++j) {
          weights[k][j] = weights_below + weights[k][j] + weights_above[k][j];
          itself[k][j] = itself_below + itself[k][j] + itself_above[k][j];
        }
      }
      judge(
          i, [&](std::size_t j, std::size_t k) { return weights[k][j]; },
          [&](std::size_t j, std::size_t k) { return itself[k][j]; });
    }
  }

  void try_in_order() {
    // Of all patterns of offsets, side by side.
    struct sums {
      alignas(16) std::array<float, patterns> weights, itself;
      void add(const sums& s) {
        for (std::size_t k = 0; k < patterns; ++k) weights[k] += s.weights[k];
        for (std::size_t k = 0; k < patterns; ++k) itself[k] += s.itself[k];
      }
    };
    alignas(64) std::array<std::array<sums, n>, 3> of;  // what the i-th weight adds at a level
    for (std::size_t l = 0; l < 3; ++l)
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t at = order_[i], part = at / weights_of_part;
        unrolled<patterns>([&]<std::size_t K>() __attribute__((always_inline)) {
          const float v = values[shift_of(K, part)][l], ev = e_[at] * v;
          of[l][i].weights[K] = ev * x_[at], of[l][i].itself[K] = ev * v;
        });
      }
    settle(of);
    // The sums over the first i at level 0 and those up to j at level 1, for each i; lane_count of them at a time get
    // the others at level 2.
    std::array<sums, round_up(n + 1, lane_count)> low;
    std::array<std::array<sums, low.size()>, n + 1> all;
    low.fill({});
    for (std::size_t i = 0; i < n; ++i) low[i + 1] = low[i], low[i + 1].add(of[0][i]);
    for (std::size_t j = 0; j <= n; ++j)
      for (std::size_t i = 0; i <= j; i += lane_count) {
        std::array<sums, lane_count> total;
        for (std::size_t u = 0; u < lane_count; ++u) total[u] = low[i + u];
        for (std::size_t rest = j; rest < n; ++rest)
          unrolled<lane_count>([&]<std::size_t U>() __attribute__((always_inline)) { total[U].add(of[2][rest]); });
        for (std::size_t u = 0; u < lane_count; ++u) {
          all[j][i + u] = total[u];
          if (j < n && i + u <= j) low[i + u].add(of[1][j]);
        }
      }
    for (std::size_t i = 0; i <= n; ++i)
      judge(
          i, [&](std::size_t j, std::size_t k) { return all[j][i].weights[k]; },
          [&](std::size_t j, std::size_t k) { return all[j][i].itself[k]; });
  }

  // The points of the levels, or their best neighbours, and then the best scale.
  void choose_points(const std::array<std::uint8_t, n>& levels, const lists& all) {
    std::array<level_values<N>, 2> scaled;
    for (std::size_t code = 0; code < 2; ++code)
      for (std::size_t l = 0; l < width; ++l) scaled[code][l] = all_lanes(scale * values[code][l]);
    settle(scaled);
    bool on_grid = true;
    for (std::size_t k = 0; k < points; ++k) {
      const std::size_t first = k * dimension;
      std::uint32_t number = combination<N>(&levels[first]);
      if (!all.is_point(number)) {
        typename lists::room room;
        const auto list = all.neighbours(number, room);
        const std::uint32_t best =
            nearest_neighbours<N>(list, scaled[shift_of(shifts, first / weights_of_part)], x_ + first, e_ + first)[0];
        in_range = in_range && best != no_neighbour, on_grid = false;
        std::array<std::uint8_t, dimension> own;
        write_levels<N>(best == no_neighbour ? list[0] : best, own.data());
        number = combination<N>(own.data());
      }
      codes[k] = all.index(number);
    }
    if (on_grid) return;
    correlation sums;
    add_to(sums, 1);
    if (sums.with_weights > 0 && sums.with_itself > 0) scale = sums.scale();
  }

 public:
  // Adds the weights with the values of their codes times a multiple.
  void add_to(correlation& sums, float multiple) const {
    for (std::size_t i = 0; i < n; ++i) {
      const unsigned level = level_of<N>(N::points[codes[i / dimension]], i % dimension);
      const float v = exact(values[shift_of(shifts, i / weights_of_part)][level] * multiple), ev = exact(e_[i] * v);
      sums.with_weights = plus_product(sums.with_weights, ev, x_[i]);
      sums.with_itself = plus_product(sums.with_itself, ev, v);
    }
  }

 private:
  const float *x_, *e_;
  std::array<std::uint8_t, n> order_;
  std::size_t first_end_ = 0, second_end_ = 0;
  float explained_ = -std::numeric_limits<float>::max();
  bool found_ = false;
};

template <const split_rules& Rules>
struct split_fit {
  static constexpr bool chooses_blocks = true;

  template <class C>
  static fitted_block choose(const weight_region& w) {
    return fit_in_range(w, [&](block_unit unit, fitted_block& out) { return try_fit<C>(w, unit, out); });
  }

 private:
  template <class C>
  static bool try_fit(const weight_region& w, block_unit unit, fitted_block& out) {
    using sizes = grid_sizes<C>;
    using group = split_group<C, Rules>;
    const auto& lists = neighbour_lists<typename C::number, Rules.shells>::shared();
    const grid_block<C> block(w, Rules, unit);
    bool in_range = block.in_range;
    const auto groups = [&]<std::size_t... G>(std::index_sequence<G...>) {
      return std::array{group(&block.x[G * sizes::group], &block.e[G * sizes::group], lists)...};
    }
    (std::make_index_sequence<sizes::groups>{});
    float greatest = 0;
    for (const group& g : groups) greatest = greatest > g.scale ? greatest : g.scale, in_range = in_range && g.in_range;
    if (greatest == 0) return in_range;

    float scale = greatest / highest_multiple<C>;
    const float inverse = 1 / scale;
    correlation sums;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const group& g = groups[i];
      out.scales[i] = scale_code<C>(g.scale, inverse);
      constexpr std::size_t parts = sizes::group / group::weights_of_part;
      for (std::size_t p = 0; p < parts; ++p)
        out.offsets[i * parts + p] = static_cast<std::uint8_t>(group::shift_of(g.shifts, p));
      for (std::size_t k = 0; k < g.codes.size(); ++k) out.codes[i * g.codes.size() + k] = g.codes[k];
      if (Rules.improves_scale) g.add_to(sums, static_cast<float>(2 * out.scales[i] + 1));
    }
    if (sums.with_itself > 0) scale = sums.scale();
    out.scale = exact(scale * Rules.stored);
    return in_range && is_finite(scale);
  }
};

}  // namespace quern::inline v0::ggml
