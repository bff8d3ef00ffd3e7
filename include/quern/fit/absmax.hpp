// Symmetric fits: the weight of the greatest magnitude becomes the number's end.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/fit.hpp"

namespace quern::inline v0 {

// The greatest magnitude becomes what the number reaches on both sides: 7 for offset_integer<4>, 6 for e2m1. Codes are
// the nearest with the scale as stored.
struct absmax {
  static constexpr statistic reads = statistic::magnitude;
  static constexpr code_rule codes{};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    return {s.magnitude / reach<typename C::number>};
  }
};

// The extreme weight becomes the number's end of the greater magnitude, whatever its sign: scales may be negative
// (AutoRound's symmetric scheme). Half a step finer than absmax where the number has one more value on one side.
struct full_range {
  static constexpr statistic reads = statistic::extreme;
  static constexpr code_rule codes{};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    using N = typename C::number;
    static_assert(scalar_format<N> && N::bits <= 8, "full_range: the number must have ends, so at most 8 bits");
    return {s.extreme / (-lowest<N> > highest<N> ? lowest<N> : highest<N>)};
  }
};

}  // namespace quern::inline v0
