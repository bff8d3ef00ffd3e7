// `best` where every region is fitted by itself: one level of scales, and of offsets if any.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/best/own.hpp"
#include "quern/fit/best/search.hpp"
#include "quern/fit/best/weights.hpp"

namespace quern::inline v0::best_fit {

// Whether C's regions can be fitted by themselves: few weights, of which each scale and each offset has all.
template <class C>
inline constexpr bool in_regions = [] {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  if constexpr (G::size > 0 && scalar_format<typename C::number> && O::size <= 1) {
    constexpr shape region = G::template level<0>::region;
    if (region.rows == all || region.cols == all || region.count() > 256) return false;
    if (adding_level<typename G::template level<0>> || !searchable_number<stored_number<C>>) return false;
    if (in_digits<C> && (lowest<stored_number<C>> != -reach<typename C::number> ||
                         highest<stored_number<C>> != reach<typename C::number>))
      return false;
    if constexpr (O::size == 1)
      return offset_kind_of<C> == offset_kind::apart && O::template level<0>::region == region;
    return offset_kind_of<C> == offset_kind::none;
  }
  return false;
}();

// The fit from which the search starts: the codec's own, if it fits regions.
template <class C, class Fit>
consteval auto regional_fit() {
  if constexpr (fits_in_blocks<Fit> || is_best_fit<Fit>) return std::type_identity<default_fit<C>>{};
  else return std::type_identity<Fit>{};
}
template <class C, class Fit>
constexpr affine ideal_by(const weight_region& w) {
  if constexpr (has_weighted_form<Fit>)
    if (w.has_importance()) return ideal_by<C, typename Fit::with_importance>(w);
  if constexpr (statistics_fit<Fit>) return Fit::template ideal<C>(gather<Fit::reads>([&](auto f) { w.each(f); }));
  else return Fit::template ideal<C>(w);
}

// Whether the only scale is a number of few values, so that all that may serve are tried.
template <class C>
inline constexpr bool has_few_scales = [] {
  if constexpr (C::granularity::size == 1) return C::granularity::template level<0>::number::bits <= 8;
  else return false;
}();

template <class N>
inline constexpr float greatest_magnitude = end_of<N>(true) > end_of<N>(false) ? end_of<N>(true) : end_of<N>(false);

// Whether N has 2 * v for each of its values v, as far as its greatest magnitude.
template <class N>
inline constexpr bool holds_doubles = [] {
  constexpr const auto& s = sorted<N>;
  constexpr float end = greatest_magnitude<N>;
  for (std::size_t i = 0; i < s.size; ++i) {
    bool found = magnitude(s.value[i]) * 2 > end;
    for (std::size_t j = 0; j < s.size; ++j) found |= s.value[j] == 2 * s.value[i];
    if (!found) return false;
  }
  return lowest<N> == -highest<N>;
}();

// The scale and offset with the least sum of importance * (weight - decoded weight)^2 that the search finds, compared
// as they are stored; not worse than those of the codec's own fit.
template <bool Balanced>
struct best_region {
  static constexpr bool is_best = true;
  static constexpr code_rule codes{.balanced = Balanced};

  template <class C>
  using first = typename decltype(regional_fit<C, fit_of<C>>())::type;
  template <class C>
  static affine ideal(const weight_region& w) {
    return ideal_by<C, first<C>>(w);
  }
  template <class C>
  static affine refine(const weight_region& w, affine begin, auto settled) {
    constexpr std::size_t count = C::granularity::template level<0>::region.count();
    weights<C, count, count> all(w);
    const cluster g = all.part(0, 1);
    candidate<C, decltype(settled)> best{g, all.unit(), settled, begin};
    best.error = best.error_of(settled(begin)) * certain;
    if constexpr (coder<C>::apart) search_lines<C>(g, w.has_importance(), best);
    else if constexpr (has_few_scales<C>) search_stored<C>(g, best);
    else if constexpr (C::number::bits > 6) search_fine<C>(g, best);
    else search_scales<C>(g, w.has_importance(), best);
    return best.chosen;
  }

 private:
  // The best so far. Scales and offsets of the search are those of the weights times `unit`.
  template <class C, class Settled>
  struct candidate {
    const cluster& g;
    float unit;
    Settled settled;
    affine chosen;
    float error = 0;

    float error_of(affine stored) const {
      if (!is_finite(stored.scale * greatest_magnitude<typename C::number>) && overflows(stored))
        return std::numeric_limits<float>::infinity();
      return coder<C>::error(g, stored.scale * unit, coder<C>::apart ? offset_sign<C> * stored.offset * unit : 0);
    }
    // Whether a weight would be decoded to infinity.
    bool overflows(affine stored) const {
      const float factor = inverse_or_zero(stored.scale * unit);
      for (std::size_t i = 0; i < g.size() * width; ++i) {
        float x = g.x[i / width][i % width];
        if constexpr (coder<C>::apart) x = exact(x - offset_sign<C> * stored.offset * unit);
        const float v = coder<C>::number::value(nearest<typename coder<C>::number>(exact(x * factor)));
        if (!is_finite(C::symmetry::weight(stored.scale, v, stored.offset))) return true;
      }
      return false;
    }
    bool consider(float scale, float shift = 0) {
      affine a{saturated(scale / unit), 0};
      if constexpr (coder<C>::apart) a.offset = saturated(offset_sign<C> * shift / unit);
      const float now = error_of(settled(a));
      if (!(now < error)) return false;
      error = now, chosen = a;
      return true;
    }
  };

  template <class C>
  static void search_lines(const cluster& g, bool weighted, auto& best) {
    const pace p = weighted ? pace{0.5f, 0.25f, 2} : C::number::bits > 4 ? pace{0.5f, 0.5f} : pace{0, 0.5f, 0.5f, false};
    const trial t = sweep_ranges<C>(g, true, shifts::any, p);
    best.consider(t.scale, t.shift);
    if (!weighted) return;
    // The offset that is best for the scale as stored.
    const float scale = best.settled(affine{t.scale / best.unit, 0}).scale * best.unit;
    const moments m = coder<C>::correlate(g, scale, t.shift);
    best.consider(t.scale, (g.first_moment - exact(scale * m.v)) / g.importance);
  }

  template <class C>
  static void search_scales(const cluster& g, bool weighted, auto& best) {
    const pace p = !weighted ? pace{0.4f, 0.5f} : C::number::bits > 2 ? pace{3, 0.15f} : pace{1, 0.4f};
    trial t = sweep_scales<C>(g, true, p);
    if constexpr (sign_matters<typename coder<C>::number>) {
      const trial other = sweep_scales<C>(g, false, p, weighted ? no_limit : t.error);
      if (other.error < t.error) t = other;
    }
    best.consider(t.scale);
  }

  // Of numbers of many values: each scale gives other codes, so many are tried as they are stored, from that which
  // lets the extreme weight stay a twelfth below the end to that which lets it reach a step beyond.
  template <class C>
  static void search_fine(const cluster& g, auto& best) {
    using N = typename coder<C>::number;
    const float end = greatest_magnitude<N>;
    const bool flipped = sign_matters<N> && (g.extreme > 0) != (end_of<N>(true) > end_of<N>(false));
    const float a = flipped ? -magnitude(g.extreme) : magnitude(g.extreme);
    for (int i = -1; i < 16; ++i) best.consider(a / (end + 0.5f - exact(0.005f * end * static_cast<float>(i))));
  }

  // All stored scales that may be the best, from the greatest on. A scale that reaches all weights is not better than
  // half of it, if that does so, too, where the number's doubled values are its values; and below a scale beyond
  // whose reach weights alone leave a greater error than the least so far, there is no better one.
  template <class C>
  static void search_stored(const cluster& g, auto& best) {
    using N = typename coder<C>::number;
    using M = typename C::granularity::template level<0>::number;
    constexpr const auto& scales = sorted<M>;
    constexpr float end = greatest_magnitude<N>;
    const float extreme = magnitude(g.extreme), most = extreme * (2 / nearest_to_zero<N>) / best.unit;
    std::size_t i = 0, last = scales.size;  // the first scale with which all weights are nearest to 0
    while (i < last) {
      const std::size_t middle = (i + last) / 2;
      if (scales.value[middle] > most) last = middle;
      else i = middle + 1;
    }
    if (i < scales.size) ++i;
    while (i-- > 0) {
      const float scale = scales.value[i];
      if (holds_doubles<N> && has_half<M>[i] && end / 2 * scale * best.unit >= extreme) continue;
      if (scale < 0 && !sign_matters<N>) return;
      const bool worse = !best.consider(scale * best.unit);
      if (worse && lowest<M> >= 0 && clipped(g, end * scale * best.unit) > best.error) return;
    }
  }
  // Whether half of a value of M, in rising order, is a value, too.
  template <class M>
  static constexpr auto has_half = [] {
    constexpr const auto& s = sorted<M>;
    std::array<bool, s.capacity> t{};
    for (std::size_t i = 0, j = 0; i < s.size; ++i) {
      while (s.value[i] > 0 && s.value[j] < s.value[i] / 2) ++j;
      t[i] = s.value[i] > 0 && s.value[j] == s.value[i] / 2;
    }
    return t;
  }();
  // The least magnitude that N has besides 0.
  template <class N>
  static constexpr float nearest_to_zero = [] {
    float least = std::numeric_limits<float>::max();
    for (std::size_t i = 0; i < sorted<N>.size; ++i) {
      const float m = magnitude(sorted<N>.value[i]);
      if (m > 0 && m < least) least = m;
    }
    return least;
  }();
  // The error that weights leave at least whose magnitude is above `end`.
  static float clipped(const cluster& g, float end) {
    lanes sum{};
    for (std::size_t i = 0; i < g.size(); ++i) {
      const lanes beyond = greatest_of(greatest_of(g.x[i], -g.x[i]) - all_lanes(end), lanes{});
      sum += settle(settle(g.e[i] * beyond) * beyond);
    }
    return sum_of(sum);
  }
};

}  // namespace quern::inline v0::best_fit
