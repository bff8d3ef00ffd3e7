// The fit that searches most: never worse than ggml's, on any input, and on most much better.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/best.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fit/encoding.hpp"
#include "quern/catalog/bnb.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/catalog/gptq.hpp"
#include "quern/catalog/ik.hpp"
#include "quern/catalog/mx.hpp"

namespace {

using namespace encoding;

constexpr std::size_t cols = 1536;

// Every type of GGUF that is searched.
using searched = type_list<gguf::q4_0, gguf::q4_1, gguf::q5_0, gguf::q5_1, gguf::q8_0, gguf::iq4_nl, gguf::mxfp4,
                           gguf::nvfp4, gguf::q1_0, gguf::q2_0, gguf::tq1_0, gguf::tq2_0, gguf::q2_k, gguf::q3_k,
                           gguf::q4_k, gguf::q5_k, gguf::q6_k, gguf::iq4_xs, gguf::iq2_xxs, gguf::iq2_xs, gguf::iq2_s,
                           gguf::iq3_xxs, gguf::iq3_s, gguf::iq1_s, gguf::iq1_m>;
template <class... C>
void each(type_list<C...>, auto f) {
  (f(std::type_identity<C>{}), ...);
}

// Two-sided exponential, and Student's t with four degrees of freedom: a normal number over the root of a mean of four
// squares of others.
std::vector<float> laplace(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(n);
  for (float& v : x) {
    const double u = (static_cast<double>(random()) + 0.5) / 4294967296.0;
    v = static_cast<float>(u < 0.5 ? std::log(2 * u) : -std::log(2 - 2 * u));
  }
  return x;
}
std::vector<float> student(std::size_t n, unsigned seed) {
  std::vector<float> x = bell(n, 1, seed);
  const std::vector<float> others = bell(4 * n, 1, seed + 1);
  for (std::size_t i = 0; i < n; ++i) {
    float squares = 0;
    for (std::size_t j = 0; j < 4; ++j) squares += others[4 * i + j] * others[4 * i + j];
    x[i] /= std::sqrt(squares / 4);
  }
  return x;
}
std::vector<float> importances(unsigned seed) {
  std::vector<float> e = bell(cols, 1, seed);
  for (float& v : e) v = std::exp(v);
  return e;
}

// The place of the first number that is infinite or NaN; y.size() if there is none.
std::size_t first_nonfinite(std::span<const float> y) {
  std::size_t i = 0;
  while (i < y.size() && is_finite(y[i])) ++i;
  return i;
}

// best's error over that of the codec's own fit, and the same row by row: none may be worse.
template <class C>
double ratio(std::span<const float> x, std::span<const float> importance = {}) {
  const std::size_t rows = x.size() / cols;
  const std::vector<float> mine = decoded(encoded<C, best<C>>(x, rows, cols, importance));
  const std::vector<float> own = decoded(encoded<C>(x, rows, cols, importance));
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = [&](std::span<const float> m) { return m.subspan(r * cols, cols); };
    const double e = squared_error(row(mine), row(x), importance), of_own = squared_error(row(own), row(x), importance);
    CHECK(!(e > of_own));  // which is infinite or NaN where its own fit overflows
  }
  const double e = squared_error(own, x, importance);
  return e > 0 ? squared_error(mine, x, importance) / e : 1;
}

TEST_CASE("on ggml's own test input no row is worse, with importance or without") {
  const std::vector<float> x = floats("gguf/input.f32"), importance = floats("gguf/imatrix.f32");
  each(searched{}, [&]<class C>(std::type_identity<C>) {
    CAPTURE(std::string(C::name));
    CHECK(ratio<C>(x) <= 1);
    CHECK(ratio<C>(x, importance) < 1);
  });
}

TEST_CASE("on normal, exponential and heavy-tailed weights it is better, but for signs without importance") {
  const std::vector<float> importance = importances(3);
  each(searched{}, [&]<class C>(std::type_identity<C>) {
    CAPTURE(std::string(C::name));
    const double plain = std::is_same_v<C, gguf::q1_0> ? 1 : 0.97, weighted = 0.995;
    for (const auto& x : {bell(4 * cols, 0.05f, 1), laplace(4 * cols, 2), student(4 * cols, 4)}) {
      CHECK(ratio<C>(x) <= plain);
      CHECK(ratio<C>(x, importance) < weighted);
    }
  });
}

TEST_CASE("how much better on normal weights") {
  const std::vector<float> x = bell(8 * cols, 0.05f, 7);
  CHECK(ratio<gguf::q4_0>(x) < 0.90);
  CHECK(ratio<gguf::q4_1>(x) < 0.81);
  CHECK(ratio<gguf::q8_0>(x) < 0.81);
  CHECK(ratio<gguf::nvfp4>(x) < 0.75);
  CHECK(ratio<gguf::tq2_0>(x) < 0.23);
  CHECK(ratio<gguf::q2_k>(x) < 0.78);
  CHECK(ratio<gguf::q6_k>(x) < 0.89);
  CHECK(ratio<gguf::iq1_s>(x) < 0.86);
  CHECK(ratio<gguf::iq3_s>(x) < 0.90);
}

TEST_CASE("degenerate rows: everything decoded is finite, and none is worse") {
  constexpr std::size_t kinds = 12;
  std::vector<float> x = bell(kinds * cols, 0.05f, 10);
  for (std::size_t c = 0; c < cols; ++c) {
    const auto at = [&](std::size_t r) -> float& { return x[r * cols + c]; };
    at(0) = 0, at(1) = -0.3f, at(2) = 0.7f;
    at(3) *= c % 256 == 5 ? 1e6f : 1.0f;    // an outlier
    at(4) *= c % 256 == 5 ? 1.0f : 0.0f;    // a single weight
    at(5) *= 0x1p-130f, at(6) *= 0x1p-20f;  // subnormal, and below what a half holds
    at(7) *= 0x1p25f, at(8) *= 0x1p120f;    // beyond it
    at(9) = magnitude(at(9)) + 0.01f, at(10) *= c / 32 % 2 == 0 ? 1e-4f : 1.0f;
    at(11) = c % 2 == 0 ? std::numeric_limits<float>::max() : -std::numeric_limits<float>::max();
  }
  std::vector<float> few = importances(11), most(cols, std::numeric_limits<float>::max()), least(cols, 0x1p-149f);
  for (std::size_t c = 0; c < cols; ++c) few[c] *= c % 3 == 0 || c / 32 % 4 == 1 ? 0.0f : 1.0f;
  const std::vector<float> none(cols, 0.0f);
  each(searched{}, [&]<class C>(std::type_identity<C>) {
    CAPTURE(std::string(C::name));
    for (const std::vector<float>& importance : {std::vector<float>{}, few, most, least, none}) {
      const std::vector<float> y = decoded(encoded<C, best<C>>(x, kinds, cols, importance));
      REQUIRE(first_nonfinite(y) == y.size());
      CHECK(std::find_if(y.begin(), y.begin() + cols, [](float v) { return v != 0; }) - y.begin() == cols);
    }
    ratio<C>(x), ratio<C>(x, few);
  });
}

TEST_CASE("infinities and NaN count as the policy says") {
  std::vector<float> x = bell(cols, 0.05f, 12);
  x[7] = std::numeric_limits<float>::infinity(), x[300] = std::numeric_limits<float>::quiet_NaN();
  each(searched{}, [&]<class C>(std::type_identity<C>) {
    CAPTURE(std::string(C::name));
    packed<C> p(1, cols);
    const matrix_view<const float> view(x.data(), 1, cols);
    CHECK(!reference::encode<C, best<C>>(view, p.span()).has_value());
    CHECK(reference::encode<C, best<C>>(view, p.span(), {}, nonfinite::saturate).has_value());
    CHECK(first_nonfinite(decoded(p)) == cols);
  });
}

TEST_CASE("weights of importance 0 do not count, and importance counts in proportion only") {
  std::vector<float> x = bell(cols, 0.05f, 13), importance(cols, 1.0f), twice(cols, 2.0f);
  for (std::size_t c = 4; c < cols; c += 256) x[c] = 50, importance[c] = twice[c] = 0;
  each(searched{}, [&]<class C>(std::type_identity<C>) {
    CAPTURE(std::string(C::name));
    const packed<C> with = encoded<C, best<C>>(x, 1, cols, importance), plain = encoded<C, best<C>>(x, 1, cols);
    CHECK(squared_error(decoded(with), x, importance) < 0.6 * squared_error(decoded(plain), x, importance));
    CHECK(differing(with.array(0), encoded<C, best<C>>(x, 1, cols, twice).array(0)) == 0);
  });
}

TEST_CASE("rows are fitted by themselves, and always alike") {
  const std::vector<float> x = floats("gguf/input.f32");
  each(type_list<gguf::q4_1, gguf::nvfp4, gguf::q3_k, gguf::iq2_xxs>{}, [&]<class C>(std::type_identity<C>) {
    CAPTURE(std::string(C::name));
    const packed<C> all = encoded<C, best<C>>(x, 16, cols);
    const std::size_t bytes = all.array(0).size() / 16;
    for (std::size_t r = 0; r < 16; ++r) {
      const packed<C> one = encoded<C, best<C>>(std::span(x).subspan(r * cols, cols), 1, cols);
      CHECK(differing(one.array(0), all.array(0).subspan(r * bytes, bytes)) == 0);
    }
  });
}

// The numbers of Q4_K in arrays of their own, so that the edge of the matrix may cut a block.
using q4_k_apart =
    codec<unsigned_integer<4>, gguf::k_scales<32, unsigned_integer<6>>, gguf::k_minimum<32, unsigned_integer<6>>>;

TEST_CASE("blocks that the edge of the matrix cuts") {
  const std::vector<float> x = bell(3 * 301, 0.02f, 1);
  const std::vector<float> y = decoded(encoded<q4_k_apart, best<q4_k_apart>>(x, 3, 301));
  CHECK(squared_error(x, y) < 0.0055 * squared_error(x, std::vector<float>(x.size())));
}

// Codecs of other owners, by what they declare.
template <class C, class Fit>
void check_kind(double most) {
  CAPTURE(C::number::bits);
  CHECK(std::is_same_v<best<C>, Fit>);
  const std::vector<float> x = bell(32 * 512, 0.05f, 20);
  const double base = squared_error(decoded(encoded<C, default_fit<C>>(x, 32, 512)), x);
  CHECK(squared_error(decoded(encoded<C, best<C>>(x, 32, 512)), x) < most * base);
}
TEST_CASE("the search follows from what a codec declares") {
  using namespace best_fit;
  check_kind<ik::iq2_k, best_block>(0.5);
  check_kind<ik::iq4_k, best_block>(0.7);
  check_kind<bnb::nf4, best_region<false>>(0.97);
  check_kind<mx::mxfp4, best_region<false>>(0.99);
  check_kind<codec<ternary, levels<group<64, bf16>>>, best_region<false>>(0.4);
  check_kind<gptq::v2<4>, least_squares>(1);
  CHECK(std::is_same_v<best<gguf::tq1_0>, best_region<true>>);
  CHECK(std::is_same_v<best<gguf::f16>, least_squares>);
}

}  // namespace
