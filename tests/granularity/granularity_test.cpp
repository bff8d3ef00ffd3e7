// Levels: which regions there are, and how stored numbers become the scale that a weight sees.
// SPDX-License-Identifier: Apache-2.0
#include "quern/granularity/granularity.hpp"

#include <doctest/doctest.h>

#include "quern/granularity/levels.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/grid.hpp"
#include "quern/number/minifloat.hpp"

namespace {
using namespace quern;

// ---- what is a level, what is a granularity ----

static_assert(group<32, f16>::region == shape{1, 32} && channel<f16>::region == shape{1, all});
static_assert(tensor<f32>::region == shape{all, all} && block<128, 64, f32>::region == shape{128, 64});
static_assert(scale_level<group<32, f16>> && scale_level<plus<tensor<f32>>> && !scale_level<f16> && !scale_level<int>);
static_assert(adding_level<plus<tensor<f32>>> && !adding_level<tensor<f32>>);
static_assert(granularity<levels<>> && granularity<levels<group<16, e4m3>, tensor<f32>>>);
static_assert(!granularity<f16> && !granularity<group<32, f16>> && !granularity<int>);
static_assert(std::is_same_v<levels<group<16, e4m3>, tensor<f32>>::level<1>, tensor<f32>>);

// A user's own need no template of ours.
struct of_48 {
  static constexpr shape region{1, 48};
  using number = f16;
};
struct one {
  static constexpr std::size_t size = 1;
  template <std::size_t>
  using level = of_48;
};
struct without_region {
  using number = f16;
};
struct of_vectors {
  static constexpr shape region{1, 48};
  struct number {
    static constexpr unsigned bits = 8;
    static constexpr std::size_t elements = 2;
    static constexpr float value(std::uint32_t, std::size_t) { return 1; }
  };
};
static_assert(granularity<one> && !scale_level<without_region> && !scale_level<of_vectors>);

// ---- from the coarsest level down ----

template <class G, std::size_t Count>
constexpr float total(const float (&stored)[Count], float none = -1) {
  return combine_levels<G>([&]<std::size_t L>() { return stored[L]; }, none);
}
using one_level = levels<group<8, f32>>;
using two = levels<group<8, f32>, tensor<f32>>;
using three = levels<group<8, f32>, group<64, f32>, tensor<f32>>;
static_assert(total<levels<>>({0}, 1) == 1 && total<one_level>({3}) == 3 && total<two>({3, 5}) == 15);
static_assert(total<three>({2, 3, 5}) == 30);

// (coarsest * next) * finest, each step rounded; another order would not underflow, or would.
static_assert(total<three>({0.5f, 0x1p-100f, 0x1p-100f}) == 0);
static_assert(total<three>({0x1p-100f, 0x1p-100f, 0x1p100f}) == 0x1p-100f);
constexpr float a = 0.1f, b = 0.1f, c = 1.3f;
static_assert(total<three>({a, b, c}) == static_cast<float>(c * b) * a);
static_assert(static_cast<float>(c * b) * a != static_cast<float>(a * b) * c);  // so the order is seen

// A level that adds: bitsandbytes' nested scales, code * f32 + mean.
using nested = levels<plus<tensor<f32>>, group<64, f32>, group<16384, f32>>;
static_assert(total<nested>({100, 3, 5}) == 115);
static_assert(total<levels<group<8, f32>, plus<tensor<f32>>, tensor<f32>>>({3, 100, 5}) == 315);

TEST_CASE("a product that meets a sum is rounded first") {
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24, of which float keeps 1 + 2^-11; a fused step would leave 2^-11 + 2^-24.
  volatile float minus_one = -1, x = 1 + 0x1p-12f;
  const float stored[3] = {minus_one, x, x};
  CHECK(total<nested>(stored) == 0x1p-11f);
}

}  // namespace
