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

// What follows from the declaration.
template <class C>
struct split_facts {
  using N = typename C::number;
  using offset = typename C::symmetry::offsets::template level<0>;
  static constexpr std::size_t n = grid_sizes<C>::group, parts = n / offset::region.cols, weights_of_part = n / parts,
                               patterns = std::size_t{1} << parts;
  static_assert(N::sign_rule == signs::none && N::vectors == 1 && level_count<N> == 3,
                "ggml::split_fit: the grid must have three levels and no signs");
  static_assert(has_zero_point<C> && C::symmetry::offsets::size == 1 && offset::number::bits == 1 &&
                    offset::region.rows == 1 && n % offset::region.cols == 0 && offset::region.cols % N::dimension == 0,
                "ggml::split_fit: the codec needs zero points of one bit for whole points of a group");

  // What level l counts as, by the code of its part's offset.
  static constexpr auto values = [] {
    std::array<level_values<N>, 2> v{};
    for (std::uint32_t code = 0; code < 2; ++code)
      for (unsigned l = 0; l < 3; ++l) v[code][l] = static_cast<float>(N::magnitudes[l]) - offset::number::value(code);
    return v;
  }();
  static_assert(values[0][0] == -values[1][2] && values[0][1] == -values[1][1] && values[0][2] == -values[1][0],
                "ggml::split_fit: what the two offsets make of the levels must mirror each other");

  static constexpr std::size_t shift_of(std::size_t shifts, std::size_t part) {
    return shifts >> (parts - 1 - part) & 1;
  }
  // What level l of weight i counts as.
  static constexpr float value(std::size_t shifts, std::size_t i, unsigned level) {
    return values[shift_of(shifts, i / weights_of_part)][level];
  }
};

// Adds x, which v stands for and which counts e, to the sums: rounded otherwise than by correlation::add.
constexpr void add_value(correlation& sums, float e, float x, float v) {
  const float ev = exact(e * v);
  sums.with_weights = plus_product(sums.with_weights, ev, x);
  sums.with_itself = plus_product(sums.with_itself, ev, v);
}

// ---- the split ----

// Takes the split if it explains more than the best so far.
constexpr void judge(const correlation& sums, float& explained, std::size_t first_end, std::size_t second_end,
                     std::size_t shifts, split_of_group& best) {
  if (!(exact(sums.with_weights * sums.with_weights) > exact(explained * sums.with_itself) && sums.with_itself > 0))
    return;
  explained = sums.explained();
  best = {first_end, second_end, static_cast<std::uint32_t>(shifts), sums.scale(), true};
}

// The sums of a split, from where its first and its second part end and its offsets.
template <split_sums How, class C>
class sums_of_splits;

template <class C>
class sums_of_splits<split_sums::by_difference, C> {
  using facts = split_facts<C>;
  static_assert(facts::parts == 1, "ggml::split_fit: sums by difference need groups of one offset");

 public:
  // Over the first i weights in order, for every i.
  std::array<float, facts::n + 1> with_weights{}, itself{};

  explicit sums_of_splits(const weights_in_order<C>& w) {
    for (std::size_t i = 0; i < facts::n; ++i) {
      with_weights[i + 1] = plus_product(with_weights[i], w.e[i], w.x[i]);
      itself[i + 1] = itself[i] + w.e[i];
    }
  }
  correlation operator()(std::size_t first_end, std::size_t second_end, std::size_t shifts) const {
    const auto& v = facts::values[shifts];
    const correlation low = between(0, first_end, v[0]), mid = between(first_end, second_end, v[1]),
                      high = between(second_end, facts::n, v[2]);
    return {low.with_weights + mid.with_weights + high.with_weights,
            low.with_itself + mid.with_itself + high.with_itself};
  }

 private:
  // Of the weights from `first` to `end`, which count as v.
  correlation between(std::size_t first, std::size_t end, float v) const {
    return {exact((with_weights[end] - with_weights[first]) * v), exact(exact((itself[end] - itself[first]) * v) * v)};
  }
};

template <class C>
class sums_of_splits<split_sums::in_order, C> {
  using facts = split_facts<C>;

 public:
  explicit sums_of_splits(const weights_in_order<C>& w) : w_(w) {}

  correlation operator()(std::size_t first_end, std::size_t second_end, std::size_t shifts) const {
    correlation sums;
    for (std::size_t i = 0; i < facts::n; ++i)
      add_value(sums, w_.e[i], w_.x[i], facts::value(shifts, w_.at[i], i < first_end ? 0 : i < second_end ? 1 : 2));
    return sums;
  }

 private:
  const weights_in_order<C>& w_;
};

// The best of all splits and of all offsets.
template <const auto& Rules, class C>
void one_by_one::split(const weights_in_order<C>& w, split_of_group& best) {
  const sums_of_splits<Rules.sums, C> sums(w);
  float explained = -std::numeric_limits<float>::max();
  for (std::size_t i = 0; i <= w.x.size(); ++i)
    for (std::size_t j = i; j <= w.x.size(); ++j)
      for (std::size_t shifts = 0; shifts < split_facts<C>::patterns; ++shifts)
        judge(sums(i, j, shifts), explained, i, j, shifts, best);
}

// ---- a group ----

template <class C, const split_rules& Rules>
class split_group {
  using N = typename C::number;
  using facts = split_facts<C>;
  static constexpr std::size_t n = facts::n, dimension = N::dimension, points = n / dimension;

 public:
  float scale = 0;
  bool in_range = true;  // all sums
  std::uint32_t shifts = 0;
  std::array<std::uint32_t, points> codes{};

  template <class Way>
  split_group(Way, const float* x, const float* e) : x_(x), e_(e) {
    float greatest = magnitude(x[0]);
    for (std::size_t i = 1; i < n; ++i) greatest = greatest > magnitude(x[i]) ? greatest : magnitude(x[i]);
    if (greatest < Rules.least) return;
    float with_weights = 0, with_itself = 0;  // what no sum exceeds, twice over
    for (std::size_t i = 0; i < n; ++i)
      with_weights = plus_product(with_weights, e[i], magnitude(x[i])), with_itself += e[i];
    in_range = 2 * with_weights < most_sum && 2 * with_itself < most_sum;
    const weights_in_order<C> sorted = in_order();
    split_of_group best;
    Way::template split<Rules, C>(sorted, best);
    if (!best.found) return;
    scale = best.scale, shifts = best.shifts;
    in_range = in_range && is_finite(scale);
    const bool mirrored = scale < 0;
    if (mirrored) scale = -scale, shifts ^= low_bits(facts::parts);
    std::array<std::uint32_t, points> levels{};
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t level = i < best.first_end ? 0 : i < best.second_end ? 1 : 2;
      const std::size_t at = sorted.at[i];
      levels[at / dimension] |= (mirrored ? 2 - level : level) << (at % dimension * N::level_bits);
    }
    choose_points<Way>(levels);
  }

  // Adds the weights with the values of their codes times a multiple.
  void add_to(correlation& sums, float multiple) const {
    for (std::size_t i = 0; i < n; ++i) {
      const unsigned level = level_of<N>(N::points[codes[i / dimension]], i % dimension);
      add_value(sums, e_[i], x_[i], exact(facts::value(shifts, i, level) * multiple));
    }
  }

 private:
  weights_in_order<C> in_order() const {
    std::array<std::int32_t, n> key;  // integers in the order of the weights; -0 is 0
    for (std::size_t i = 0; i < n; ++i) {
      const auto bits = static_cast<std::int32_t>(float_to_bits(x_[i] + 0.0f));
      key[i] = bits < 0 ? static_cast<std::int32_t>(bits ^ 0x7fffffff) : bits;
    }
    std::array<std::int32_t, n> rank{};
    for (std::int32_t j = 0; j < static_cast<std::int32_t>(n); ++j) {
      const std::int32_t other = key[static_cast<std::size_t>(j)];
      for (std::int32_t i = 0; i < static_cast<std::int32_t>(n); ++i)
        rank[static_cast<std::size_t>(i)] += other < key[static_cast<std::size_t>(i)] + (j < i ? 1 : 0) ? 1 : 0;
    }
    weights_in_order<C> sorted;
    for (std::size_t i = 0; i < n; ++i) {
      const auto to = static_cast<std::size_t>(rank[i]);
      sorted.x[to] = x_[i], sorted.e[to] = e_[i], sorted.at[to] = static_cast<std::uint8_t>(i);
    }
    return sorted;
  }

  // The points of the levels, or their best neighbours, and then the best scale.
  template <class Way>
  void choose_points(const std::array<std::uint32_t, points>& levels) {
    const auto& lists = neighbour_lists<N, Rules.shells>::shared();
    auto scaled = facts::values;
    for (auto& of_shift : scaled)
      for (float& v : of_shift) v = exact(scale * v);
    bool on_grid = true;
    for (std::size_t k = 0; k < points; ++k) {
      const std::size_t first = k * dimension;
      const auto value = [&] { return scaled[facts::shift_of(shifts, first / facts::weights_of_part)]; };
      const std::uint32_t point =
          point_near<Way, N, Rules.shells>(levels[k], value, x_ + first, e_ + first, in_range);
      on_grid = on_grid && point == levels[k];
      codes[k] = lists.index(combination<N>(point));
    }
    if (on_grid) return;
    correlation sums;
    add_to(sums, 1);
    if (sums.with_weights > 0 && sums.with_itself > 0) scale = sums.scale();
  }

  const float *x_, *e_;
};

template <const split_rules& Rules>
struct split_fit : fits_grids<split_fit<Rules>> {
  template <class Way, class C>
  static bool try_fit(const weight_region& w, block_unit unit, fitted_block& out) {
    using sizes = grid_sizes<C>;
    using group = split_group<C, Rules>;
    const grid_block<C> block(w, Rules, unit);
    bool in_range = block.in_range;
    const auto groups = [&]<std::size_t... G>(std::index_sequence<G...>) {
      return std::array{group(Way(), &block.x[G * sizes::group], &block.e[G * sizes::group])...};
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
      constexpr std::size_t parts = split_facts<C>::parts;
      for (std::size_t p = 0; p < parts; ++p)
        out.offsets[i * parts + p] = static_cast<std::uint8_t>(split_facts<C>::shift_of(g.shifts, p));
      for (std::size_t k = 0; k < g.codes.size(); ++k) out.codes[i * g.codes.size() + k] = g.codes[k];
      if (Rules.improves_scale) g.add_to(sums, static_cast<float>(2 * out.scales[i] + 1));
    }
    if (sums.with_itself > 0) scale = sums.scale();
    out.scale = exact(scale * Rules.stored);
    return in_range && is_finite(scale);
  }
};

}  // namespace quern::inline v0::ggml
