// The four symmetries, to the last bit: no step is fused, whatever the target.
// SPDX-License-Identifier: Apache-2.0
#include "quern/symmetry/symmetry.hpp"

#include <doctest/doctest.h>

#include "quern/number/f32.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/symmetry/symmetries.hpp"

namespace {
using namespace quern;

using offsets = group<32, f16>;
static_assert(symmetry<symmetric> && symmetry<zero_point<offsets>> && symmetry<minimum<offsets, tensor<f32>>> &&
              symmetry<bias<offsets>>);
static_assert(!symmetry<offsets> && !symmetry<levels<offsets>> && !symmetry<f16> && !symmetry<int>);
static_assert(symmetric::offsets::size == 0 && minimum<offsets, tensor<f32>>::offsets::size == 2);

static_assert(symmetric::weight(2, 3, 100) == 6);
static_assert(zero_point<offsets>::weight(2, 3, 8) == -10);
static_assert(minimum<offsets>::weight(2, 3, 8) == -2);
static_assert(bias<offsets>::weight(2, 3, 8) == 14);

// A user's own: the offset is scaled by another constant.
struct half_bias {
  using offsets = levels<group<32, f16>>;
  static constexpr float weight(float s, float v, float b) { return exact(s * v) + 0.5f * b; }
};
struct without_offsets {
  static constexpr float weight(float s, float v, float) { return s * v; }
};
struct in_double {
  using offsets = levels<>;
  static constexpr double weight(float s, float v, float) { return static_cast<double>(s) * static_cast<double>(v); }
};
static_assert(symmetry<half_bias> && !symmetry<without_offsets> && !symmetry<in_double>);
static_assert(half_bias::weight(2, 3, 8) == 10);

TEST_CASE("the product is rounded before the offset is added or taken away") {
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 is rounded to 1 + 2^-11; fused, the last term would be seen.
  volatile float s = 1 + 0x1p-12f, v = 1 + 0x1p-12f, one = 1;
  CHECK(minimum<offsets>::weight(s, v, one) == 0x1p-11f);
  CHECK(bias<offsets>::weight(s, v, -one) == 0x1p-11f);
}

TEST_CASE("a weight computed at run time is the one computed at compile time") {
  constexpr float s = 0.1f, v = 0.7f, o = 0.07f;
  volatile float rs = s, rv = v, ro = o;
  CHECK(symmetric::weight(rs, rv, ro) == symmetric::weight(s, v, o));
  constexpr float shifted = zero_point<offsets>::weight(s, v, o), less = minimum<offsets>::weight(s, v, o),
                  more = bias<offsets>::weight(s, v, o);
  CHECK(zero_point<offsets>::weight(rs, rv, ro) == shifted);
  CHECK(minimum<offsets>::weight(rs, rv, ro) == less);
  CHECK(bias<offsets>::weight(rs, rv, ro) == more);
}

}  // namespace
