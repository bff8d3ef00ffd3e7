// Asymmetric fits: the range of the weights becomes the range of the number, in every symmetry.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/min_max.hpp"

#include <cmath>

#include "fit/encoding.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/progression.hpp"

namespace {

using namespace encoding;

template <class S, class N = unsigned_integer<4>>
using of = codec<N, levels<group<32, f32>>, S>;

static_assert(min_max::ideal<of<bias<group<32, f32>>>>({.least = 1, .greatest = 16}).scale == 1);
static_assert(min_max::ideal<of<bias<group<32, f32>>>>({.least = 1, .greatest = 16}).offset == 1);
static_assert(min_max::ideal<of<minimum<group<32, f32>>>>({.least = 1, .greatest = 16}).offset == -1);
static_assert(min_max::ideal<of<zero_point<group<32, f32>>>>({.least = 1, .greatest = 16}).offset == -1);
// An offset binary number begins below zero.
static_assert(min_max::ideal<of<bias<group<32, f32>>, offset_integer<4>>>({.least = 1, .greatest = 16}).offset == 9);
// An unsigned minimum cannot lift a range above zero, a zero point that is a code can put it on neither side.
static_assert(min_max::ideal<of<minimum<group<32, unsigned_integer<6>>>>>({.least = 5, .greatest = 15}).scale == 1);
static_assert(min_max::ideal<of<minimum<group<32, unsigned_integer<6>>>>>({.least = -15, .greatest = -5}).scale ==
              10.0f / 15);
static_assert(min_max::ideal<of<zero_point<group<32, unsigned_integer<4>>>>>({.least = 5, .greatest = 15}).offset == 0);
static_assert(min_max::ideal<of<zero_point<group<32, unsigned_integer<4>>>>>({.least = -15, .greatest = -5}).offset ==
              15);

// s * (v + o): a symmetry of a user's, whose offset the fits cannot know.
struct added_to_value {
  using offsets = levels<group<32, f32>>;
  static constexpr float weight(float s, float v, float o) { return s * (v + o); }
};

TEST_CASE("every weight is within half a step, whatever the symmetry") {
  const auto check = [](auto c, double slack) {
    using C = decltype(c);
    for (const float shift : {0.0f, 0.3f, -0.3f}) {
      std::vector<float> x = bell(8 * 96, 0.1f, 7);
      for (float& v : x) v += shift;
      const auto p = encoded<C>(x, 8, 96);
      const std::vector<float> y = decoded(p);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double step = static_cast<double>(reference::scale_at(p.view(), {i / 96, i % 96}));
        CHECK(std::fabs(static_cast<double>(x[i]) - static_cast<double>(y[i])) <= (0.5 + slack) * step);
      }
    }
  };
  check(of<bias<group<32, f32>>>{}, 1e-5);
  check(of<minimum<group<32, f32>>>{}, 1e-5);
  check(of<zero_point<group<32, f32>>>{}, 1e-5);
  check(of<added_to_value>{}, 1e-5);
  check(of<zero_point<group<32, unsigned_integer<4>>>>{}, 0.5);  // a rounded zero point may cut the ends by half a step
}

TEST_CASE("a group of one value is exact where an offset alone can hold it") {
  const std::vector<float> x(32, 0.7f);
  CHECK(decoded(encoded<of<bias<group<32, f32>>>>(x, 1, 32)) == x);
  CHECK(decoded(encoded<of<minimum<group<32, f32>>>>(x, 1, 32)) == x);
  for (const float y : decoded(encoded<of<zero_point<group<32, unsigned_integer<4>>>>>(x, 1, 32)))
    CHECK(y == doctest::Approx(0.7).epsilon(1e-6));
  const std::vector<float> zeros(32);
  CHECK(decoded(encoded<of<zero_point<group<32, unsigned_integer<4>>>>>(zeros, 1, 32)) == zeros);
}

}  // namespace
