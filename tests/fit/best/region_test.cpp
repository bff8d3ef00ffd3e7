// One level of scales: the search against all scales that can be stored.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/best/region.hpp"

#include <cmath>

#include "fit/encoding.hpp"
#include "quern/catalog/gguf.hpp"

namespace {

using namespace encoding;

// The sums of errors of groups by the search, and at the best of all scales that C's only level can store.
struct sums {
  double search = 0, least = 0;
};
template <class C>
sums compare(std::span<const float> x, std::span<const float> importance = {}) {
  using N = typename C::number;
  using M = typename C::granularity::template level<0>::number;
  constexpr std::size_t n = C::granularity::template level<0>::region.cols;
  sums s;
  for (std::size_t first = 0; first + n <= x.size(); first += n) {
    const std::span<const float> group = x.subspan(first, n), e = importance.empty() ? importance : importance.first(n);
    const double mine = squared_error(decoded(encoded<C, best_fit::best_region<false>>(group, 1, n, e)), group, e);
    double least = std::numeric_limits<double>::infinity();
    for (std::uint32_t code = 0; code < 1u << M::bits; ++code) {
      const float scale = M::value(code);
      if (!is_finite(scale)) continue;
      double error = 0;
      for (std::size_t i = 0; i < n && error < least; ++i) {
        const float y = scale == 0 ? 0 : scale * N::value(nearest<N>(group[i] / scale));
        const double d = static_cast<double>(group[i]) - static_cast<double>(y);
        error += d * d * (e.empty() ? 1.0 : static_cast<double>(e[i]));
      }
      least = std::min(least, error);
    }
    CHECK(mine >= least * 0.999999);
    s.search += mine, s.least += least;
  }
  return s;
}
std::vector<float> importances(std::size_t n) {
  std::vector<float> e = bell(n, 1, 2);
  for (float& v : e) v = std::exp(v);
  return e;
}

template <class C>
void check_exact() {
  for (const float spread : {1.0f, 0.02f, 0.0005f}) {
    const std::vector<float> x = bell(128 * 32, spread, 1);
    const sums plain = compare<C>(x), weighted = compare<C>(x, importances(32));
    CHECK(plain.search <= plain.least * 1.000001);
    CHECK(weighted.search <= weighted.least * 1.000001);
  }
}
// Scales of 8 bits, of either sign, for values of which neither a half nor a negative need be one.
using nvfp4_groups = codec<gguf::e2m1_doubled, levels<group<16, gguf::e4m3_half>>>;
using tiny_signed = codec<integer<3>, levels<group<4, e4m3>>>;

TEST_CASE("of the scales of MXFP4 and NVFP4 it finds the best") {
  check_exact<gguf::mxfp4>(), check_exact<nvfp4_groups>();
}
TEST_CASE("of scales of 8 bits with a sign, too") { check_exact<tiny_signed>(); }

TEST_CASE("of halves it finds the best or one that is hardly worse") {
  const std::vector<float> x = bell(64 * 32, 0.05f, 3), e = importances(256);
  const auto check = [&]<class C>(std::type_identity<C>, double plain, double weighted) {
    CAPTURE(C::number::bits);
    const sums p = compare<C>(x), w = compare<C>(x, e);
    CHECK(p.search <= p.least * plain);
    CHECK(w.search <= w.least * weighted);
  };
  check(std::type_identity<gguf::q4_0>{}, 1.005, 1.02);
  check(std::type_identity<gguf::q5_0>{}, 1.02, 1.02);
  check(std::type_identity<gguf::iq4_nl>{}, 1.02, 1.02);
  check(std::type_identity<gguf::q2_0>{}, 1.003, 1.003);
  check(std::type_identity<codec<offset_integer<3>, levels<group<8, f16>>>>{}, 1.01, 1.03);
}

TEST_CASE("of signs the scale is the best half: the weighted mean magnitude") {
  const std::vector<float> x = bell(8 * 128, 0.05f, 4), e = importances(128);
  const sums plain = compare<gguf::q1_0>(x), weighted = compare<gguf::q1_0>(x, e);
  CHECK(plain.search <= plain.least * 1.000001);
  CHECK(weighted.search <= weighted.least * 1.000001);
}

TEST_CASE("where codes are base-3 digits none is above 2") {
  const std::vector<float> x = bell(256, 1, 5);
  const packed<gguf::tq1_0> p = encoded<gguf::tq1_0, best_fit::best_region<true>>(x, 1, 256);
  bool all_there[3] = {};
  for (std::size_t c = 0; c < 256; ++c) {
    const std::uint32_t code = code_at<codes>(p.view(), {0, c});
    REQUIRE(code < 3);
    all_there[code] = true;
    CHECK(static_cast<double>(magnitude(decoded(p)[c])) < 2.0);
  }
  CHECK((all_there[0] && all_there[1] && all_there[2]));
}

}  // namespace
