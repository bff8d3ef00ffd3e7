// A search for the scale, and the offset, of the least squared error.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/default.hpp"

namespace quern::inline v0 {

// The least sum of importance * (weight - decoded weight)^2, in double, among: the default fit's scale and offset, and
// those that it has without the weights of importance 0; the same with the range shrunk or stretched; and for each of
// these the scale and offset that are best for its codes. All are compared as stored, with the codes that go with them,
// so the result is never worse than the default fit's. Slow.
struct least_squares {
  static constexpr code_rule codes{};

  template <class C>
  static constexpr affine ideal(const weight_region& w) {
    return start<C>(w, false);
  }

  template <class C>
  static constexpr affine refine(const weight_region& w, affine first, auto settled) {
    affine best = first;
    double least_error = error<C>(w, settled(first));
    const auto consider = [&](affine a) {
      const double e = error<C>(w, settled(a));
      if (e < least_error) best = a, least_error = e;
    };
    const auto search_from = [&](affine a) {
      // The other sign of a scale is another set of values where the number's are not symmetric.
      using N = typename C::number;
      constexpr bool both_signs = !has_offset<C> && lowest<N> != -highest<N>;
      for (int t = -10; t <= 40; ++t) {  // scales from twice the first to a third of it
        const float factor = 20.0f / static_cast<float>(20 + t);
        for (const float f : {factor, -factor}) {
          if (f < 0 && !both_signs) continue;
          const affine b = stretched<C>(a, f);
          consider(b);
          consider(best_for_codes<C>(w, b));
        }
      }
    };
    search_from(first);
    if (w.has_importance()) search_from(start<C>(w, true));
    return best;
  }

 private:
  // The default fit of the weights, or of those that have an importance.
  template <class C>
  static constexpr affine start(const weight_region& w, bool important_only) {
    using fit = default_fit<C>;
    return fit::template ideal<C>(gather<fit::reads>([&](auto f) {
      for (std::size_t i = 0; i < w.size(); ++i)
        if (!important_only || w.importance(i) > 0) f(w[i]);
    }));
  }

  template <class C>
  static constexpr float coded(float x, const element_map& m) {
    return C::number::value(code_of<C, least_squares>(x, m));
  }

  template <class C>
  static constexpr double error(const weight_region& w, const affine& a) {
    const element_map m = map_of<C, least_squares>(a, a);
    double sum = 0;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const float y = C::symmetry::weight(a.scale, coded<C>(w[i], m), a.offset);
      const double d = static_cast<double>(w[i]) - static_cast<double>(y);
      sum += exact(exact(d * d) * static_cast<double>(w.importance(i)));
    }
    return sum;
  }

  // The range of a's values times `factor`, about the same middle.
  template <class C>
  static constexpr affine stretched(const affine& a, float factor) {
    if constexpr (has_offset<C>) {
      using N = typename C::number;
      constexpr float middle = (lowest<N> + highest<N>) / 2, half = (highest<N> - lowest<N>) / 2;
      const float s = a.scale * factor, least = exact(C::symmetry::weight(a.scale, middle, a.offset)) - exact(s * half);
      return {s, offset_for<C>(least, s)};
    } else {
      return {a.scale * factor, a.offset};
    }
  }

  // The least squares solution for the codes that a gives: scale alone, or scale and offset. `a` where there is none.
  template <class C>
  static constexpr affine best_for_codes(const weight_region& w, const affine& a) {
    const element_map m = map_of<C, least_squares>(a, a);
    double n = 0, v1 = 0, v2 = 0, x1 = 0, xv = 0;  // weighted sums of 1, v, v^2, x, x * v
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double x = static_cast<double>(w[i]), e = static_cast<double>(w.importance(i));
      const double v = static_cast<double>(coded<C>(w[i], m)), ev = exact(e * v);
      n += e, v1 += ev, v2 += exact(ev * v), x1 += exact(e * x), xv += exact(ev * x);
    }
    if constexpr (has_offset<C>) {
      const double determinant = exact(n * v2) - exact(v1 * v1);
      if (!(determinant > 0)) return a;
      const auto s = static_cast<float>((exact(n * xv) - exact(v1 * x1)) / determinant);
      const auto at_zero = static_cast<float>((exact(v2 * x1) - exact(v1 * xv)) / determinant);
      const float least = at_zero + exact(s * lowest<typename C::number>);
      return {s, offset_for<C>(least, s)};
    } else {
      return v2 > 0 ? affine{static_cast<float>(xv / v2)} : a;
    }
  }
};

}  // namespace quern::inline v0
