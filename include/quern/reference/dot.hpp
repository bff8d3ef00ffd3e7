// The meaning of a product: weights times activations, summed in double; and how far a kernel may be from it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>
#include <span>

#include "quern/base/half.hpp"
#include "quern/codec/activation.hpp"
#include "quern/reference/decode.hpp"

namespace quern::inline v0::reference {

// ---- activations ----

// The integer nearest to x, ties to even. Precondition: |x| <= 2^22.
constexpr float round_to_integer(float x) { return exact(x + 0x1.8p23f) - 0x1.8p23f; }

// int8's unit of a group: amax / 127; so small an amax that 127 / amax is no float counts as 0.
constexpr float int8_unit(float amax) { return amax >= 0x1p-119f ? amax / 127 : 0; }

// out[k] = what a product with activations A sees in place of x[k], a row of x: x itself, x rounded to bf16, or an integer
// -127 ... 127 times its group's unit. A row that is not finite is NaN to int8.
template <activation_policy A>
constexpr void activate(std::span<const float> x, std::span<double> out) {
  if constexpr (is_int8<A>) {
    bool finite = true;
    for (const float v : x) finite = finite && is_finite(v);
    for (std::size_t first = 0; first < x.size(); first += A::group) {
      const std::size_t count = A::group < x.size() - first ? A::group : x.size() - first;
      float amax = 0;
      for (const float v : x.subspan(first, count)) amax = finite && magnitude(v) > amax ? magnitude(v) : amax;
      const float unit = int8_unit(amax), inverse = unit > 0 ? 127 / amax : 0;
      for (std::size_t k = first; k < first + count; ++k)
        out[k] = finite ? static_cast<double>(round_to_integer(exact(x[k] * inverse))) * static_cast<double>(unit)
                        : std::numeric_limits<double>::quiet_NaN();
    }
  } else {
    for (std::size_t k = 0; k < x.size(); ++k)
      out[k] = static_cast<double>(std::same_as<A, bf16> ? to_float(to_bf16(x[k])) : x[k]);
  }
}

// out[k] = how far activate<A>(x)[k] may be from x[k] for finite x (in bf16, below its overflow): nothing, half a unit in
// the last place, or half of the group's unit and a little for the rounding of 127 / amax.
template <activation_policy A>
constexpr void activation_error(std::span<const float> x, std::span<double> out) {
  if constexpr (is_int8<A>) {
    for (std::size_t first = 0; first < x.size(); first += A::group) {
      const std::size_t count = A::group < x.size() - first ? A::group : x.size() - first;
      double amax = 0;
      for (const float v : x.subspan(first, count))
        amax = static_cast<double>(magnitude(v)) > amax ? magnitude(v) : amax;
      for (std::size_t k = first; k < first + count; ++k) out[k] = amax / 254 * (1 + 0x1p-14) + 0x1p-119;
    }
  } else {
    for (std::size_t k = 0; k < x.size(); ++k)
      out[k] = std::same_as<A, bf16> ? static_cast<double>(magnitude(x[k])) * 0x1p-8 + 0x1p-134 : 0;
  }
}

// ---- products ----

// value: sum over k of w[k] * x[k]. size: the sum of the magnitudes of what these terms are made of, |x| times |s * v| and
// times what the offset adds to it. Errors are measured against it, because terms and offsets may cancel.
struct sum {
  double value = 0, size = 0;
};

// Row r of w (counted from the view's first) times x; x has w.cols() elements.
template <class C, class Byte>
constexpr sum dot(const basic_packed_view<C, Byte>& w, std::size_t r, std::span<const double> x) {
  using N = typename C::number;
  using S = typename C::symmetry;
  sum total;
  for (std::size_t c = 0; c < w.cols(); ++c) {
    const coord at{w.first_row() + r, c};
    const float s = scale_at(w, at), o = offset_at(w, at), v = value<N>(code_at<codes>(w, at), c % elements<N>);
    const double size = x[c] < 0 ? -x[c] : x[c];
    total.value += static_cast<double>(S::weight(s, v, o)) * x[c];
    total.size += size * static_cast<double>(magnitude(S::weight(s, v, 0)));
    if constexpr (S::offsets::size > 0) total.size += size * static_cast<double>(magnitude(S::weight(s, 0, o)));
  }
  return total;
}

// How far a float product of k terms may be from `value`, whatever the order of its sum and wherever it multiplies by
// scales: each term is rounded once as a product, at most twice as a weight, once as integers become a float, three times
// with scale and units, once more with its offset, and at most k times in sums. Below 2^-126 a rounding is absolute.
constexpr double product_bound(sum s, std::size_t k) {
  const auto terms = static_cast<double>(k);
  return (terms + 10) * 0x1p-24 * s.size + terms * 0x1p-125;
}

}  // namespace quern::inline v0::reference
