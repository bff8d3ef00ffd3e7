// Asymmetric fits: the least weight becomes the number's lower end, the greatest its upper end.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/fit.hpp"

namespace quern::inline v0 {

// The offset that makes the lower end of C's number stand for `least` under scale s. A weight is linear in its offset,
// so two evaluations of the symmetry say what it is.
template <class C>
constexpr float offset_for(float least, float s) {
  const float none = exact(C::symmetry::weight(s, lowest<typename C::number>, 0));
  const float step = exact(C::symmetry::weight(s, 0, 1)) - exact(C::symmetry::weight(s, 0, 0));
  return step == 0 ? 0 : (least - none) / step;
}

// Whether some offset can put the number's lower end above 0, and its upper end below 0. If not, the range must hold 0:
// a zero point is a code, and a minimum is often unsigned.
template <class C, bool Lower>
inline constexpr bool range_may_leave_zero = [] {
  using O = typename C::symmetry::offsets;
  using N = typename O::template level<0>::number;
  constexpr float end = Lower ? lowest<typename C::number> : highest<typename C::number>;
  const float a = C::symmetry::weight(1, end, lowest<N>), b = C::symmetry::weight(1, end, highest<N>);
  return Lower ? a > 0 || b > 0 : a < 0 || b < 0;
}();

// The range of the weights over the range of the number; it holds 0 where the offset cannot say otherwise. A region of
// one value has scale 0 where an offset alone can hold it. Codes are the nearest with scale and offset as stored.
struct min_max {
  static constexpr statistic reads = statistic::range;
  static constexpr code_rule codes{};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    using N = typename C::number;
    static_assert(has_offset<C>, "min_max: the codec has no offset; use absmax");
    static_assert(scalar_format<N> && N::bits <= 8, "min_max: the number must have ends, so at most 8 bits");
    float least = s.least, greatest = s.greatest;
    const bool one_value = least == greatest;
    if ((!range_may_leave_zero<C, true> || (has_zero_point<C> && one_value)) && least > 0) least = 0;
    if ((!range_may_leave_zero<C, false> || (has_zero_point<C> && one_value)) && greatest < 0) greatest = 0;
    constexpr float steps = highest<N> - lowest<N>;
    float scale = (greatest - least) / steps;
    if (!is_finite(scale)) scale = greatest / steps - least / steps;
    return {scale, offset_for<C>(least, scale)};
  }
};

}  // namespace quern::inline v0
