// The scale, or the scale and the offset, of the least weighted error for one group, not yet rounded to what is stored.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/best/group.hpp"
#include "quern/fit/default.hpp"

namespace quern::inline v0::best_fit {

// The greatest share of an error that is surely not made by rounding of sums.
inline constexpr float certain = 1 - 0x1p-16f;

// A scale and an offset with its sign, and the error that they leave.
struct trial {
  float scale = 0, shift = 0, error = std::numeric_limits<float>::infinity();
};

// The mean distance of neighbouring values, of grids an eighth of their reach; and the greatest magnitude on the side
// of `positive`.
template <class N>
inline constexpr float gap_of = [] {
  if constexpr (scalar_format<N>) return (highest<N> - lowest<N>) / static_cast<float>(sorted<N>.size - 1);
  else return vector_reach<N> / 8;
}();
template <class N>
constexpr float end_of(bool positive) {
  if constexpr (scalar_format<N>) return positive ? highest<N> : -lowest<N>;
  else return vector_reach<N>;
}

// By how much of itself the reach grows from one scale of a grid to the next that is tried, by its levels.
template <class N>
inline constexpr float growth_of = [] {
  if constexpr (vector_format<N>) return grid_levels<N> > 4 ? 0.1f : 0.16f;
  else return 0.0f;
}();
// Whether signs of a grid's points are stored.
template <class N>
inline constexpr bool stores_signs = [] {
  if constexpr (vector_format<N>) return N::sign_rule != signs::none;
  else return true;
}();

// The scale that is best for values with the moments m, and its error.
inline trial best_scale_for(const cluster& g, const moments& m) {
  if (!(m.vv > 0)) return {0, 0, g.energy};
  const float s = m.xv / m.vv;
  return {s, 0, g.energy - exact(s * m.xv)};
}

// Which offsets are wanted, with their signs: any, or those of one sign.
enum class shifts { any, below, above };
constexpr bool wanted(shifts which, double shift) {
  return which == shifts::any || (which == shifts::below ? shift <= 0 : shift >= 0);
}

// Becomes the scale and the offset that are best for values with the moments m, if they are better; an offset that is
// not wanted becomes 0. Sums of products of floats, exact in double.
inline bool improve_line(trial& best, const cluster& g, const moments& m, shifts which) {
  const auto d = [](float x) { return static_cast<double>(x); };
  const double det = d(g.importance) * d(m.vv) - d(m.v) * d(m.v);
  const double shift = d(m.vv) * d(g.first_moment) - d(m.v) * d(m.xv);  // times det
  if (!(det > 0)) return false;
  trial now;
  if (!wanted(which, shift)) {
    now = best_scale_for(g, m);
  } else {
    const double scale = d(g.importance) * d(m.xv) - d(g.first_moment) * d(m.v);  // times det
    const double explained = exact(scale * d(m.xv)) + exact(shift * d(g.first_moment));
    if (!(explained > exact((d(g.energy) - d(best.error)) * det))) return false;
    now = {static_cast<float>(scale / det), static_cast<float>(shift / det),
           static_cast<float>(d(g.energy) - explained / det)};
  }
  if (!(now.error < best.error)) return false;
  best = now;
  return true;
}

// What a sweep tries, in mean distances of values. Of scales: the first lets the extreme weight stay `back` below the
// number's end, and each lets it reach `step` further, for as long as that may be better. Of ranges: each end of the
// weights from `back` inside the number's end to `ahead` beyond it; if it `follows`, further for as long as that is better.
struct pace {
  float back, step, ahead = 1;
  bool follows = true;
};

// Candidates that are tried at once.
inline constexpr std::size_t together = 2;

// The best scale of one sign, for codes without an offset that stands apart. known: the error of a scale of the other
// sign; much more need not be searched well. seen(m) for the moments of all codes tried.
template <class C>
trial sweep_scales(const cluster& g, bool positive, pace p, float known, auto seen) {
  using N = stored_number<C>;
  constexpr bool vectors = vector_format<N>;
  constexpr float gap = gap_of<N>;
  // Above so many times the least error nothing better follows.
  constexpr float growth = growth_of<N>, enough = stores_signs<N> ? 1.4f : 1.25f;
  const float a = magnitude(g.extreme), end = end_of<N>((g.extreme > 0) == positive);
  trial best{0, 0, g.energy};
  if (!(a > 0) || !(end > 0)) return best;
  constexpr bool by_scale = vectors || coder<C>::kind == offset_kind::slight;
  constexpr std::size_t at_once = by_scale || is_sign<N> ? 1 : together;
  const auto try_scale = [&](float scale) {
    const moments m = coder<C>::correlate(g, scale);
    seen(m);
    return best_scale_for(g, m);
  };
  const float signed_a = positive ? a : -a, inverse = 1 / signed_a;
  const float step = exact(p.step * gap);
  float r = end - exact(p.back * gap);
  if (!(r > step)) r = step;
  std::array<float, at_once> reached{};
  std::array<moments, at_once> made;
  bool more = true;
  for (std::size_t tried = 0; more && tried < 64; tried += at_once) {
    for (float& at : reached) at = r, r += vectors ? exact(r * growth) : r > 2 * end ? r / 8 : step;
    if constexpr (by_scale) {
      made = {coder<C>::correlate(g, signed_a / reached[0])};
    } else {
      std::array<quotients, at_once> maps;
      for (std::size_t i = 0; i < at_once; ++i) maps[i].factor = reached[i] * inverse;
      made = coder<C>::correlate_quotients(g, maps);
    }
    for (std::size_t i = 0; i < at_once && more; ++i) {
      seen(made[i]);
      const trial now = best_scale_for(g, made[i]);
      if (now.error < best.error) best = now;
      else more = !(reached[i] > end && now.error > enough * lesser(best.error, known));
      if constexpr (is_sign<N>) return best;  // of any scale, the codes are signs
    }
  }
  for (int i = 0; i < (vectors ? 1 : 3) && !(best.error > 1.1f * known); ++i) {
    const trial now = try_scale(best.scale);
    if (!(now.error < best.error)) break;
    best = now;
  }
  return best;
}
template <class C>
trial sweep_scales(const cluster& g, bool positive, pace p, float known = no_limit) {
  return sweep_scales<C>(g, positive, p, known, [](const moments&) {});
}

// The best offset and scale of one sign, where the offset stands apart.
template <class C>
trial sweep_ranges(const cluster& g, bool positive, shifts which, pace p) {
  using N = stored_number<C>;
  constexpr float gap = gap_of<N>, steps = (highest<N> - lowest<N>) / gap;
  const float least = which == shifts::below && g.least > 0 ? 0 : g.least;
  const float greatest = which == shifts::above && g.greatest < 0 ? 0 : g.greatest;
  const float range = greatest - least;
  const float first = positive ? least : greatest;  // becomes the number's lowest value
  trial best{0, wanted(which, static_cast<double>(g.first_moment)) ? g.first_moment / g.importance : 0, 0};
  best.error = g.energy - exact(best.shift * g.first_moment);
  if (!(range > 0)) return best;
  const float inverse = (positive ? 1 : -1) / (range / gap);
  float low = 0, high = 0;  // how far the ends of the number lie inside those of the weights
  struct ends {
    float a = 0, b = 0, r = 0, shift = 0;
  };
  const auto at = [&](float a, float b) {
    ends t{a, b, steps + a + b};
    if (!(t.r > 0.5f)) return t;
    const float s = (positive ? range : -range) / (t.r * gap), shift = first + exact(s * (exact(a * gap) - lowest<N>));
    t.shift = wanted(which, static_cast<double>(shift)) ? shift : 0;
    return t;
  };
  const auto take = [&](const ends& t, const moments& m) {
    if (!(t.r > 0.5f) || !improve_line(best, g, m, which)) return false;
    low = t.a, high = t.b;
    return true;
  };
  const auto consider = [&](float a, float b) {
    const ends t = at(a, b);
    return take(t, coder<C>::correlate_quotients(g, t.r * inverse, t.shift));
  };
  std::array<ends, together> some;
  std::size_t count = 0;
  const auto correlate_some = [&] {
    std::array<quotients, together> maps;
    for (std::size_t i = 0; i < together; ++i) maps[i] = {some[i].r * inverse, some[i].shift};
    return coder<C>::correlate_quotients(g, maps);
  };
  const auto take_all = [&] {
    const std::array<moments, together> m = correlate_some();
    for (std::size_t i = 0; i < count; ++i) take(some[i], m[i]);
    count = 0;
  };
  for (float a = -p.back; a <= p.ahead; a += p.step)
    for (float b = -p.back; b <= p.ahead; b += p.step) {
      some[count++] = at(a, b);
      if (count == together) take_all();
    }
  if (count != 0) take_all();
  if (p.follows) {
    some = {at(low + 1, high), at(low, high + 1)};
    const std::array<moments, together> m = correlate_some();
    if (take(some[0], m[0])) {
      for (float more = 2; consider(low + more, high);) more *= 2;
      for (float more = 1; consider(low, high + more);) more *= 2;
    } else if (take(some[1], m[1])) {
      for (float more = 2; consider(low, high + more);) more *= 2;
    }
  }
  for (int i = 0; i < 3; ++i)
    if (!improve_line(best, g, coder<C>::correlate(g, best.scale, best.shift), which)) break;
  return best;
}

}  // namespace quern::inline v0::best_fit
