// A search for the scale, and the offset, of the least squared error.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/default.hpp"

namespace quern::inline v0 {

// The least sum of importance * (weight - decoded weight)^2, in double, among: the default fit's scale and offset, and
// those that it has without the weights of importance 0; the same with the range shrunk or stretched; and for each of
// these (of a vector format, for the best) the scale and offset that are best for its codes. All are compared as stored,
// with the codes that go with them, so the result is never worse than the default fit's. Slow.
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
      constexpr bool both_signs = !has_offset<C> && !is_balanced<typename C::number>;
      constexpr bool vectors = vector_format<typename C::number>;  // finding their codes takes long
      for (int t = -10; t <= 40; t += vectors ? 5 : 1) {           // scales from twice the first to a third of it
        const float factor = 20.0f / static_cast<float>(20 + t);
        for (const float f : {factor, -factor}) {
          if (f < 0 && !both_signs) continue;
          const affine b = stretched<C>(a, f);
          consider(b);
          if (!vectors) consider(best_for_codes<C>(w, b));
        }
      }
      if (vectors) consider(best_for_codes<C>(w, best)), consider(best_for_codes<C>(w, best));
    };
    const auto search = [&](affine a) {
      if constexpr (has_slight_offset<C>) {
        using N = typename C::symmetry::offsets::template level<0>::number;
        for (std::uint32_t code = 0; code < 1u << N::bits; ++code) search_from({a.scale, N::value(code)});
      } else {
        search_from(a);
      }
    };
    search(first);
    const affine important = start<C>(w, true);
    if (important.scale != first.scale || important.offset != first.offset) search(important);
    return best;
  }

 private:
  // Whether there is a value -v for every value v; vector formats count as if.
  template <number_format N>
  static constexpr bool is_balanced = vector_format<N> || lowest<N> == -highest<N>;

  // The default fit of the weights, or of those that have an importance.
  template <class C>
  static constexpr affine start(const weight_region& w, bool important_only) {
    using fit = default_fit<C>;
    return fit::template ideal<C>(gather<fit::reads>([&](auto f) {
      for (std::size_t i = 0; i < w.size(); ++i)
        if (!important_only || w.importance(i) > 0) f(w[i]);
    }));
  }

  // f(x, e, v) for every weight x, its importance e and the value v that it has under scale and offset a.
  template <class C>
  static constexpr void each_value(const weight_region& w, const affine& a, auto f) {
    using N = typename C::number;
    const element_map m = map_of<C, least_squares>(a, a);
    if constexpr (scalar_format<N>) {
      for (std::size_t i = 0; i < w.size(); ++i) {
        const float x = w[i];
        f(x, w.importance(i), value_near<N, rounding::nearest>(quotient_of<C, least_squares>(x, m)));
      }
    } else {
      w.template each_vector<N::elements>([&](std::size_t, std::size_t count, const auto& x, const auto& e) {
        const std::uint32_t code = code_of<C, least_squares>(x, e, m);
        for (std::size_t j = 0; j < count; ++j) f(x[j], e[j], N::value(code, j));
      });
    }
  }

  template <class C>
  static constexpr double error(const weight_region& w, const affine& a) {
    double sum = 0;
    each_value<C>(w, a, [&](float x, float e, float v) {
      const double d = static_cast<double>(x) - static_cast<double>(C::symmetry::weight(a.scale, v, a.offset));
      sum += exact(exact(d * d) * static_cast<double>(e));
    });
    return sum;
  }

  // The range of a's values times `factor`, about the same middle.
  template <class C>
  static constexpr affine stretched(const affine& a, float factor) {
    if constexpr (has_offset<C> && !has_slight_offset<C>) {
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
    double n = 0, v1 = 0, v2 = 0, x1 = 0, xv = 0;  // weighted sums of 1, v, v^2, x, x * v
    each_value<C>(w, a, [&](float weight, float importance, float code_value) {
      // A zero point that is not to be changed counts as part of the value.
      const float value = has_slight_offset<C> ? C::symmetry::weight(1, code_value, a.offset) : code_value;
      const auto x = static_cast<double>(weight), e = static_cast<double>(importance), v = static_cast<double>(value);
      const double ev = exact(e * v);
      n += e, v1 += ev, v2 += exact(ev * v), x1 += exact(e * x), xv += exact(ev * x);
    });
    if constexpr (has_offset<C> && !has_slight_offset<C>) {
      const double determinant = exact(n * v2) - exact(v1 * v1);
      if (!(determinant > 0)) return a;
      const auto s = static_cast<float>((exact(n * xv) - exact(v1 * x1)) / determinant);
      const auto at_zero = static_cast<float>((exact(v2 * x1) - exact(v1 * xv)) / determinant);
      const float least = at_zero + exact(s * lowest<typename C::number>);
      return {s, offset_for<C>(least, s)};
    } else {
      return v2 > 0 ? affine{static_cast<float>(xv / v2), a.offset} : a;
    }
  }
};

}  // namespace quern::inline v0
