// Masks, powers of two, classes of floats; extents and checked products.
// SPDX-License-Identifier: Apache-2.0
#include "quern/base/bits.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "quern/base/shape.hpp"
#include "quern/base/type_list.hpp"

namespace {
using namespace quern;
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

static_assert(low_bits(0) == 0 && low_bits(1) == 1 && low_bits(31) == 0x7fffffff && low_bits(32) == ~0u);
static_assert(float_to_bits(1.0f) == 0x3f800000 && float_from_bits(0x80000000) == 0.0f);
static_assert(is_finite(std::numeric_limits<float>::max()) && is_finite(0x1p-149f) && is_finite(-0.0f));
static_assert(!is_finite(infinity) && !is_finite(-infinity) && !is_finite(nan));
static_assert(is_nan(nan) && is_nan(float_from_bits(0xff800001)) && !is_nan(infinity) && !is_nan(0.0f));
static_assert(exp2i(0) == 1 && exp2i(-126) == 0x1p-126f && exp2i(-127) == 0x1p-127f && exp2i(-149) == 0x1p-149f);
static_assert(exp2i(127) == 0x1p127f);
static_assert(float_to_bits(magnitude(-0.0f)) == 0 && magnitude(-2) == 2 && is_nan(magnitude(nan)));

TEST_CASE("exp2i is every power of two that a float can be") {
  for (int e = -149; e <= 127; ++e) CHECK(exp2i(e) == std::ldexp(1.0f, e));
}

// ---- shape ----

constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

static_assert(within({all, 3}, {7, 9}) == shape{7, 3} && within({2, all}, {7, 9}) == shape{2, 9});
static_assert(shape{3, 4}.count() == 12);
static_assert(ceil_div(0, 5) == 0 && ceil_div(0, 0) == 0 && ceil_div(1, 5) == 1 && ceil_div(5, 5) == 1);
static_assert(ceil_div(6, 5) == 2 && ceil_div(most, 1) == most && ceil_div(most, 2) == most / 2 + 1);
static_assert(round_up(0, 8) == 0 && round_up(1, 8) == 8 && round_up(16, 8) == 16);

constexpr bool product_fits(std::size_t a, std::size_t b) {
  std::size_t out = 42;
  const bool ok = multiply(a, b, out);
  return ok ? out == a * b : out != 42;  // true only if it fits; a failure must leave `out` alone
}
constexpr bool product_overflows(std::size_t a, std::size_t b) {
  std::size_t out = 42;
  return !multiply(a, b, out) && out == 42;
}
static_assert(product_fits(0, most) && product_fits(most, 0) && product_fits(most, 1) && product_fits(1, most));
static_assert(product_fits(std::size_t{1} << 32, (std::size_t{1} << 32) - 1));
static_assert(product_overflows(std::size_t{1} << 32, std::size_t{1} << 32) && product_overflows(most, 2));
static_assert(product_overflows(3, most / 3 + 1) && product_fits(3, most / 3));
static_assert([] {
  std::size_t out = 42;
  const bool fits = add(most - 1, 1, out), kept = out == most;
  return fits && kept && !add(most, 1, out) && out == most;
}());

// ---- type lists ----

static_assert(std::is_same_v<nth<1, char, int, long>::type, int>);
struct of_two : type_list<char, int> {};
static_assert(std::is_same_v<concat<type_list<long>, of_two, type_list<>>::type, type_list<long, char, int>>);
static_assert([] {
  std::size_t bytes = 0;
  for_each_type(type_list<char, std::int32_t>{}, [&]<class T>() { bytes += sizeof(T); });
  return bytes == 5;
}());

}  // namespace
