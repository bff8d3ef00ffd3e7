// `best` where a block's coarse scale, its groups' scales and their offsets are chosen together.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/best/own.hpp"
#include "quern/fit/best/weights.hpp"
#include "quern/fit/best/wish.hpp"

namespace quern::inline v0::best_fit {

// The search over one block.
template <class C>
class block_search {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  using code = coder<C>;
  using number = typename code::number;
  using group_number = typename G::template level<0>::number;
  using coarse_number = typename G::template level<1>::number;
  static constexpr bool apart = code::apart, slight = code::kind == offset_kind::slight,
                        vectors = vector_format<number>;
  static constexpr std::size_t group_cols = G::template level<0>::region.cols,
                               block_cols = G::template level<1>::region.cols;
  static constexpr std::size_t most_groups = block_cols / group_cols;
  static constexpr std::size_t unit_cols = [] {
    if constexpr (slight) return O::template level<0>::region.cols;
    else return group_cols;
  }();
  static constexpr std::size_t units_of_group = group_cols / unit_cols;
  // Scales of both signs are tried where they make a difference: for each group, or for the block.
  static constexpr std::size_t signs_tried = wish<C>::signs_tried;
  static constexpr bool group_signs = lowest<group_number> < 0;

  // A coarse scale is multiplied by not more than this.
  static constexpr float most_times = 2 * std::max(highest<group_number>, -lowest<group_number>) *
                                      std::max(end_of<number>(true), end_of<number>(false));

  // Weights of many values change their codes, and so their error, with every code of the scale; those of few values
  // do not, and the coarse scale matters more.
  static constexpr bool many_values = scalar_format<number> && number::bits >= 6;
  static constexpr std::size_t radius = many_values ? 12 : sorted<group_number>.size <= 4 ? 4 : 1;
  static constexpr int coarse_tries = many_values ? 1 : 4;

  template <std::size_t I>
  static consteval auto offset_number_of() {
    if constexpr (apart) return std::type_identity<typename O::template level<I>::number>{};
    else return std::type_identity<group_number>{};
  }
  using group_offset = typename decltype(offset_number_of<0>())::type;
  using coarse_offset = typename decltype(offset_number_of<1>())::type;
  static constexpr std::size_t shift_radius = sorted<group_offset>.size <= 4 ? 4 : 1;

  // What is stored of a block, numbers of finer levels by their place in rising order; coarse numbers as they are read
  // back, times the weights' unit, the offset's with its sign.
  struct choice {
    float scale = 0, shift = 0, error = std::numeric_limits<float>::infinity();
    std::array<std::uint8_t, most_groups> scales{}, shifts{};
  };

 public:
  explicit block_search(const weight_region& block) : weights_(block) {
    for (std::size_t u = 0; u < weights_.units(); u += units_of_group)
      groups_[count_++] = weights_.part(u, units_of_group);
  }

  fitted_block choose(const weight_region& block) {
    for (std::size_t i = 0; i < count_; ++i) wishes_[i] = wish<C>(groups_[i]);
    choice best;
    if (fitted_block own; fit_by_own<C>(block, own)) take(own, best);
    best.error = best.error < std::numeric_limits<float>::infinity() ? best.error * certain
                                                                     : std::numeric_limits<float>::infinity();
    if constexpr (apart) search_lines(best);
    else search_scales(best);
    return written(best);
  }

 private:
  static float group_value(std::size_t i) { return sorted<group_number>.value[i]; }
  static float offset_value(std::size_t i) { return sorted<group_offset>.value[i]; }

  float stored_scale(float d) const {
    return coarse_number::value(nearest_finite<coarse_number>(d / weights_.unit())) * weights_.unit();
  }
  float stored_shift(float d) const {
    return offset_sign<C> * coarse_offset::value(nearest_finite<coarse_offset>(offset_sign<C> * d / weights_.unit())) *
           weights_.unit();
  }

  // The best codes of group i for the coarse numbers of c, and their error.
  float choose_group(std::size_t i, choice& c) const {
    const cluster& g = groups_[i];
    const wish<C>& w = wishes_[i];
    float least = std::numeric_limits<float>::infinity();
    for (std::size_t k = 0; k < signs_tried; ++k) {
      if (!group_signs && signs_tried > 1 && (0 > c.scale) != (k == 1)) continue;
      const float wanted = c.scale == 0 ? 0 : w.best[k].scale / c.scale;
      const neighbourhood near = around<group_number>(wanted, radius);
      for (std::size_t j = near.first; j < near.last; ++j) {
        const float scale = exact(c.scale * group_value(j));
        if constexpr (apart) {
          const float shift = g.first_moment / g.importance - exact(scale * w.mean_value[k]);
          const neighbourhood offsets = around<group_offset>(c.shift == 0 ? 0 : shift / c.shift, shift_radius);
          for (std::size_t m = offsets.first; m < offsets.last; ++m) {
            const float now = code::error(g, scale, exact(c.shift * offset_value(m)));
            if (now < least)
              least = now, c.scales[i] = static_cast<std::uint8_t>(j), c.shifts[i] = static_cast<std::uint8_t>(m);
          }
        } else {
          if constexpr (vectors)
            if (scale < 0) continue;
          const float now = code::error(g, scale, 0, least);
          if (now < least) least = now, c.scales[i] = static_cast<std::uint8_t>(j);
        }
      }
    }
    return g.counts ? least : 0;
  }
  // c with the best codes for its coarse numbers; not to the end where that is worse than `best`.
  void choose_groups(choice& c, float best) const {
    c.error = 0;
    for (std::size_t i = 0; i < count_ && c.error < best; ++i) c.error += choose_group(i, c);
  }
  bool consider(float scale, float shift, choice& best) const {
    choice c;
    c.scale = stored_scale(scale);
    if constexpr (apart) c.shift = stored_shift(shift);
    if (!is_finite(c.scale / weights_.unit() * most_times)) return false;  // weights could be decoded to infinity
    choose_groups(c, best.error);
    if (!(c.error < best.error)) return false;
    best = c;
    return true;
  }
  // Coarse numbers that are best for the values which the codes of c give, as long as that is better.
  void refit(choice& best) const {
    for (int round = 0; round < (vectors ? 3 : 8); ++round) {
      double ss = 0, st = 0, tt = 0, sx = 0, tx = 0;  // sums over s = code * value, t = the offset's code
      for (std::size_t i = 0; i < count_; ++i) {
        const cluster& g = groups_[i];
        if (!g.counts) continue;
        const float s = group_value(best.scales[i]);
        const moments m =
            code::correlate(g, exact(best.scale * s), apart ? exact(best.shift * offset_value(best.shifts[i])) : 0);
        const auto d = [](float x) { return static_cast<double>(x); };
        ss += exact(exact(d(s) * d(s)) * d(m.vv)), sx += exact(d(s) * d(m.xv));
        if constexpr (apart) {
          const float t = offset_value(best.shifts[i]);
          st += exact(exact(d(s) * d(t)) * d(m.v)), tt += exact(exact(d(t) * d(t)) * d(g.importance)),
              tx += exact(d(t) * d(g.first_moment));
        }
      }
      float scale = best.scale, shift = best.shift;
      const double det = exact(ss * tt) - exact(st * st);
      if (apart && det > 0) {
        scale = static_cast<float>((exact(tt * sx) - exact(st * tx)) / det);
        shift = static_cast<float>((exact(ss * tx) - exact(st * sx)) / det);
      } else if (ss > 0) {
        scale = static_cast<float>((sx - exact(st * static_cast<double>(shift))) / ss);
      }
      if (!consider(scale, shift, best)) return;
    }
  }

  // The group's scale of the greatest magnitude, of those that count if any do; of the wishes of one sign, or of all.
  float extreme_scale(std::size_t first, std::size_t last) const {
    float extreme = 0;
    bool counts = false;
    for (std::size_t i = 0; i < count_; ++i) {
      if (groups_[i].counts < counts) continue;
      if (groups_[i].counts > counts) extreme = 0, counts = true;
      std::size_t k = first;
      for (std::size_t j = first; j < last; ++j) k = wishes_[i].best[j].error < wishes_[i].best[k].error ? j : k;
      if (magnitude(wishes_[i].best[k].scale) > magnitude(extreme)) extreme = wishes_[i].best[k].scale;
    }
    return extreme;
  }
  void search_scales(choice& best) const {
    constexpr float low = -lowest<group_number>, high = highest<group_number>, end = low > high ? low : high;
    if constexpr (vectors) {
      // Of many coarse scales those two are tried that the codes seen say are best.
      const float extreme = extreme_scale(0, 1);
      std::array<trial, 2> found;
      for (int t = -4; t < 40; ++t) {
        const float scale = extreme / (end * (1 - exact(0.01f * static_cast<float>(t)))), error = estimate(scale);
        if (error < found[0].error) found[1] = found[0], found[0] = {scale, 0, error};
        else if (error < found[1].error) found[1] = {scale, 0, error};
      }
      for (const trial& t : found) consider(t.scale, 0, best);
      refit(best);
    } else {
      for (std::size_t k = 0; k < (group_signs ? 1 : signs_tried); ++k) {
        const float extreme = extreme_scale(k, group_signs ? signs_tried : k + 1);
        const float to_end = low > high ? -extreme : extreme;
        for (int t = 0; t < coarse_tries; ++t)
          if (consider(to_end / (end - exact(0.6f * gap_of<group_number> * static_cast<float>(t))), 0, best))
            refit(best);
        for (const float beyond : {1.5f, 2.5f})
          if (consider(to_end / (end * beyond), 0, best)) refit(best);
      }
    }
  }
  // The error of a block with this coarse scale, as each group's codes seen so far say.
  float estimate(float scale) const {
    float sum = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (!groups_[i].counts) continue;
      const neighbourhood near = around<group_number>(scale == 0 ? 0 : wishes_[i].best[0].scale / scale, 1);
      float least = std::numeric_limits<float>::infinity();
      for (std::size_t j = near.first; j < near.last; ++j)
        least = lesser(least, wishes_[i].estimate(groups_[i], exact(scale * group_value(j))));
      sum += least;
    }
    return sum;
  }
  void search_lines(choice& best) const {
    constexpr float scale_end = highest<group_number>, shift_end = highest<group_offset>;
    constexpr float scale_step = std::max(0.03f * scale_end, 0.45f * gap_of<group_number>);
    constexpr float shift_step = std::max(0.03f * shift_end, 0.45f * gap_of<group_offset>);
    for (std::size_t k = 0; k < signs_tried; ++k) {
      const float scale = extreme_scale(k, k + 1);
      float shift = 0;
      for (std::size_t i = 0; i < count_; ++i)
        if (magnitude(wishes_[i].best[k].shift) > magnitude(shift)) shift = wishes_[i].best[k].shift;
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          if (consider(scale / (scale_end - exact(scale_step * static_cast<float>(i))),
                       shift / (shift_end - exact(shift_step * static_cast<float>(j))), best))
            refit(best);
    }
  }

  // What is stored for b, and its error with the nearest codes.
  void take(const fitted_block& b, choice& c) const {
    const auto place = []<class N>(std::type_identity<N>, std::uint32_t code) {
      std::size_t i = 0;
      while (i + 1 < sorted<N>.size && sorted<N>.value[i] != N::value(code)) ++i;
      return static_cast<std::uint8_t>(i);
    };
    c.scale = stored_scale(b.scale * weights_.unit());
    if constexpr (apart) c.shift = stored_shift(offset_sign<C> * b.offset * weights_.unit());
    c.error = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      c.scales[i] = place(std::type_identity<group_number>{}, b.scales[i]);
      if constexpr (apart) c.shifts[i] = place(std::type_identity<group_offset>{}, b.offsets[i]);
      const float shift = apart ? exact(c.shift * offset_value(c.shifts[i])) : 0;
      const float error = code::error(groups_[i], exact(c.scale * group_value(c.scales[i])), shift);
      if (groups_[i].counts) c.error += error;
    }
  }

  fitted_block written(const choice& c) const {
    fitted_block b;
    b.scale = c.scale / weights_.unit();
    if constexpr (apart) b.offset = offset_sign<C> * c.shift / weights_.unit();
    std::size_t k = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const cluster& g = groups_[i];
      b.scales[i] = static_cast<std::uint8_t>(sorted<group_number>.code[c.scales[i]]);
      if constexpr (apart) b.offsets[i] = static_cast<std::uint8_t>(sorted<group_offset>.code[c.shifts[i]]);
      const float scale = exact(c.scale * group_value(c.scales[i])),
                  shift = apart ? exact(c.shift * offset_value(c.shifts[i])) : 0;
      for (std::size_t u = 0; u < g.units; ++u) {
        const std::size_t left =
            (weights_.size() - (i * units_of_group + u) * unit_cols + elements<number> - 1) / elements<number>;
        const std::size_t here = std::min(left, unit_cols / elements<number>);
        const std::uint32_t zero = code::codes(g, u, scale, shift, [&](std::size_t n, std::uint32_t q) {
          if (n < here) b.codes[k++] = q;
        });
        if constexpr (slight) b.offsets[i * units_of_group + u] = static_cast<std::uint8_t>(zero);
      }
    }
    return b;
  }

  weights<C, block_cols, unit_cols> weights_;
  std::array<cluster, most_groups> groups_;
  std::array<wish<C>, most_groups> wishes_;
  std::size_t count_ = 0;
};

struct best_block {
  static constexpr bool is_best = true, chooses_blocks = true;
  template <class C>
  static fitted_block choose(const weight_region& block) {
    return block_search<C>(block).choose(block);
  }
};

}  // namespace quern::inline v0::best_fit
