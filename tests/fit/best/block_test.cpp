// Two levels of scales: the search against everything that a tiny codec can store.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/best/block.hpp"

#include "fit/encoding.hpp"
#include "quern/fit/best.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace {

using namespace encoding;

// Sixteen weights, four to a group: a scale of 2 bits a group times one of 8 bits.
using tiny = codec<offset_integer<2>, levels<group<4, unsigned_integer<2>>, group<16, e4m3>>>;
// The same with a minimum, both coarse numbers of five bits.
using five = minifloat<3, 1, 3, special::none>;
using tiny_minimum = codec<unsigned_integer<2>, levels<group<4, unsigned_integer<2>>, group<8, five>>,
                           minimum<group<4, unsigned_integer<2>>, group<8, five>>>;

double error_of(std::span<const float> x, std::span<const float> e, float scale, float low, float high, float shift) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double least = std::numeric_limits<double>::infinity();
    for (float v = low; v <= high; ++v) {
      const double d = static_cast<double>(x[i]) - static_cast<double>(scale * v - shift);
      least = std::min(least, d * d);
    }
    sum += least * (e.empty() ? 1.0 : static_cast<double>(e[i]));
  }
  return sum;
}
// The least error of a block, all coarse numbers and all codes of groups tried.
template <class C>
double least_error(std::span<const float> x, std::span<const float> e) {
  using G = typename C::granularity;
  using coarse = typename G::template level<1>::number;
  constexpr bool has_minimum = C::symmetry::offsets::size > 0;
  constexpr float low = lowest<typename C::number>, high = highest<typename C::number>;
  double least = std::numeric_limits<double>::infinity();
  for (std::uint32_t d = 0; d < 1u << coarse::bits; ++d)
    for (std::uint32_t m = 0; m < (has_minimum ? 1u << coarse::bits : 1u); ++m) {
      if (!is_finite(coarse::value(d))) continue;
      double sum = 0;
      for (std::size_t g = 0; g < x.size() && sum < least; g += 4) {
        double group = std::numeric_limits<double>::infinity();
        for (int s = 0; s < 4; ++s)
          for (int k = 0; k < (has_minimum ? 4 : 1); ++k)
            group = std::min(group, error_of(x.subspan(g, 4), e.empty() ? e : e.subspan(g, 4),
                                             coarse::value(d) * static_cast<float>(s), low, high,
                                             has_minimum ? coarse::value(m) * static_cast<float>(k) : 0));
        sum += group;
      }
      least = std::min(least, sum);
    }
  return least;
}

template <class C>
void check(std::size_t blocks, double most) {
  constexpr std::size_t n = C::granularity::template level<1>::region.cols;
  CHECK(std::is_same_v<best<C>, best_fit::best_block>);
  const std::vector<float> x = bell(blocks * n, 1, 1);
  std::vector<float> e = bell(n, 1, 2);
  for (float& v : e) v = v * v;
  for (const std::span<const float> importance : {std::span<const float>{}, std::span<const float>(e)}) {
    double mine = 0, least = 0;
    for (std::size_t b = 0; b < blocks; ++b) {
      const std::span<const float> block = std::span(x).subspan(b * n, n);
      const double error = squared_error(decoded(encoded<C, best<C>>(block, 1, n, importance)), block, importance);
      const double here = least_error<C>(block, importance);
      CHECK(error >= here * 0.999999);
      mine += error, least += here;
    }
    CHECK(mine <= least * most);
  }
}

TEST_CASE("scales of two levels are near the best of all that can be stored") { check<tiny>(64, 1.08); }
TEST_CASE("scales and minimums, too") { check<tiny_minimum>(32, 1.3); }

TEST_CASE("a block that can be stored without error is") {
  using C = codec<unsigned_integer<4>, levels<group<16, unsigned_integer<6>>, group<64, f16>>,
                  minimum<group<16, unsigned_integer<6>>, group<64, f16>>>;
  std::vector<float> x(64);
  for (std::size_t i = 0; i < 64; ++i)
    x[i] = static_cast<float>(i * 7 % 16) * (0.25f * static_cast<float>(63 - i / 16 * 8)) -
           0.5f * static_cast<float>(63 - i / 16 * 9);
  CHECK(squared_error(decoded(encoded<C, best<C>>(x, 1, 64)), x) == 0);
}

TEST_CASE("a group without importance does not move the others' scale") {
  using C = codec<offset_integer<4>, levels<group<16, unsigned_integer<6>>, group<64, f16>>>;
  std::vector<float> x = bell(64, 0.05f, 6), e(64, 1.0f);
  for (std::size_t i = 16; i < 32; ++i) x[i] *= 1000, e[i] = 0;
  std::vector<float> without = x;
  for (std::size_t i = 16; i < 32; ++i) without[i] = 0;
  const double with = squared_error(decoded(encoded<C, best<C>>(x, 1, 64, e)), x, e);
  CHECK(with <= 1.001 * squared_error(decoded(encoded<C, best<C>>(without, 1, 64, e)), without, e));
}

}  // namespace
