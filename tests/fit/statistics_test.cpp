// What fits read of the weights of a region.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/statistics.hpp"

#include <array>

#include "support.hpp"

namespace {

using namespace quern;

constexpr std::array<float, 6> weights{0.0f, -3.0f, 1.0f, 3.0f, -0.0f, 2.0f};

template <statistic Kind>
constexpr statistics of(const auto& x) {
  return gather<Kind>([&](auto f) {
    for (const float v : x) f(v);
  });
}
constexpr std::array<float, 0> none{};

static_assert(of<statistic::magnitude>(weights).magnitude == 3);
static_assert(of<statistic::extreme>(weights).extreme == -3);  // the first of equals
static_assert(of<statistic::range>(weights).least == -3 && of<statistic::range>(weights).greatest == 3);
static_assert(of<statistic::mean>(weights).mean == 1.5f && of<statistic::precise_mean>(weights).mean == 1.5f);
static_assert(of<statistic::range>(none).least == 0 && of<statistic::mean>(none).mean == 0);
static_assert(of<statistic::range>(std::array{2.0f, 5.0f}).least == 2 &&
              of<statistic::range>(std::array{-2.0f}).greatest == -2);

TEST_CASE("of zeros that differ in sign a range has the first") {
  CHECK(support::same(of<statistic::range>(std::array{-0.0f, 0.0f}).least, -0.0f));
  CHECK(support::same(of<statistic::range>(std::array{0.0f, -0.0f}).least, 0.0f));
  CHECK(support::same(of<statistic::range>(std::array{0.0f, -0.0f}).greatest, 0.0f));
}

TEST_CASE("the mean is added in f32, the precise mean in double") {
  std::array<float, 3> x{0x1p24f, 1, 1};
  CHECK(of<statistic::mean>(x).mean == 0x1p24f / 3);
  CHECK(of<statistic::precise_mean>(x).mean == static_cast<float>((0x1p24 + 2) / 3));
}

}  // namespace
