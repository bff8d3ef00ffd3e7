// Symmetric fits that divide the range of the weights by the number's range.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/fit.hpp"

namespace quern::inline v0 {

// The distance from 1 to the next number.
template <scalar_format N>
inline constexpr float epsilon = [] {
  int k = 0;
  while (k < 23 && N::value(nearest<N>(1 + exp2i(-k - 1))) == 1 + exp2i(-k - 1)) ++k;
  return exp2i(-k);
}();

// The least positive float that is not stored as 0.
template <scalar_format N>
inline constexpr float least_stored = [] {
  std::uint32_t lost = 0, stored = float_to_bits(std::numeric_limits<float>::infinity());
  if (N::value(nearest_finite<N>(0)) != 0) return 0.0f;
  while (stored - lost > 1) {
    const std::uint32_t middle = lost + (stored - lost) / 2;
    (N::value(nearest_finite<N>(float_from_bits(middle))) == 0 ? lost : stored) = middle;
  }
  return float_from_bits(stored);
}();

// x / by for a finite x >= 0, and 0 where `by` is 0: without a branch for each x.
constexpr float over_or_zero(float x, float by) { return x / (by == 0 ? std::numeric_limits<float>::infinity() : by); }

// x >= 0, or the stored number's epsilon where x would be stored as 0.
template <scalar_format N>
constexpr float or_epsilon(float x) {
  return x < least_stored<N> ? epsilon<N> : x;
}

// The number of the finest level of scales.
template <class C>
using finest_scale = typename C::granularity::template level<0>::number;

// The greatest magnitude is half of the number's range: 7.5 for offset_integer<4>, 448 for e4m3; a scale of 0 becomes
// the stored number's epsilon. compressed-tensors, quantization/utils/helpers.py (calculate_qparams) and
// quantization/lifecycle/forward_helpers.py (_quantize); but for the epsilon, also Marlin's.
struct half_range {
  static constexpr statistic reads = statistic::magnitude;
  static constexpr code_rule codes{.how = by::division};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    using N = typename C::number;
    static_assert(scalar_format<N> && N::bits <= 8, "half_range: the number must have ends, so at most 8 bits");
    return {s.magnitude / ((highest<N> - lowest<N>) / 2)};
  }
  template <class C>
  static constexpr float finest_number(const statistics& s, float coarser) {
    return or_epsilon<finest_scale<C>>(over_or_zero(ideal<C>(s).scale, coarser));
  }
  template <class C>
  static constexpr std::uint32_t finest_code(const statistics& s, float coarser) {
    return nearest_finite<finest_scale<C>>(finest_number<C>(s, coarser));
  }
};

}  // namespace quern::inline v0
