// Measures of errors: against sums in long double, in exact cases, with hostile elements, cut and merged in any way.
// SPDX-License-Identifier: Apache-2.0
#include "quern/measure/difference.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "api/threads.hpp"

namespace {

using namespace quern;

constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN(),
                greatest = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
constexpr double infinite = std::numeric_limits<double>::infinity();

struct pairs {
  std::vector<float> x, y;
};

pairs random_pairs(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  std::uniform_int_distribution<int> exponent(-30, 30);
  pairs p{std::vector<float>(n), std::vector<float>(n)};
  for (std::size_t i = 0; i < n; ++i) {
    p.x[i] = std::ldexp(normal(random), seed % 2 ? exponent(random) : 0);
    p.y[i] = p.x[i] * (1 + normal(random) / 16);
    if (i % 5 == 0) p.y[i] = -p.y[i];
  }
  return p;
}

difference of(const pairs& p) {
  difference d;
  REQUIRE(d.try_add(std::span(p.x), std::span(p.y)));
  return d;
}

void check_same(const difference& a, const difference& b) {
  CHECK(a.count() == b.count());
  CHECK(a.nonfinite() == b.nonfinite());
  CHECK(a.mse() == b.mse());
  CHECK(a.relative_rmse() == b.relative_rmse());
  CHECK(a.sqnr_db() == b.sqnr_db());
  CHECK(a.cosine() == b.cosine());
  CHECK(a.largest().value == b.largest().value);
  CHECK(a.largest().index == b.largest().index);
}

void check_not_a_number(const difference& d) {
  CHECK(std::isnan(d.mse()));
  CHECK(std::isnan(d.relative_rmse()));
  CHECK(std::isnan(d.sqnr_db()));
  CHECK(std::isnan(d.cosine()));
  CHECK(std::isnan(d.largest().value));
}

TEST_CASE("measures are those of their formulas in long double") {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const pairs p = random_pairs(1000 + seed, seed);
    long double xx = 0, yy = 0, xy = 0, dd = 0, most = -1;
    std::size_t where = 0;
    for (std::size_t i = 0; i < p.x.size(); ++i) {
      const long double x = p.x[i], y = p.y[i], d = x - y;
      xx += x * x, yy += y * y, xy += x * y, dd += d * d;
      if (std::fabs(d) > most) most = std::fabs(d), where = i;
    }
    const auto near = [](double a, long double b) { return std::fabs(a - b) <= 1e-14L * std::fabs(b); };
    const difference d = of(p);
    CHECK(d.count() == p.x.size());
    CHECK(d.nonfinite() == 0);
    CHECK(near(d.mse(), dd / static_cast<long double>(p.x.size())));
    CHECK(near(d.relative_rmse(), std::sqrt(dd) / std::sqrt(xx)));
    CHECK(near(d.sqnr_db(), 10 * std::log10(xx / dd)));
    CHECK(near(d.cosine(), xy / std::sqrt(xx * yy)));
    CHECK(near(d.largest().value, most));
    CHECK(d.largest().index == where);
  }
}

TEST_CASE("measures are exact where their formulas are") {
  const difference d = of({{3, -4, 0, 12}, {3, -3, 2, 10}});
  CHECK(d.mse() == 9.0 / 4);
  CHECK(d.relative_rmse() == 3.0 / 13);
  CHECK(d.sqnr_db() == 10 * std::log10(169.0 / 9));
  CHECK(d.largest().value == 2);
  CHECK(d.largest().index == 2);  // the first of two
  CHECK(of({{1, 10}, {0, 10}}).sqnr_db() == 10 * std::log10(101.0));
  CHECK(of({{10}, {9}}).sqnr_db() == 20);
  CHECK(of({{3, 4}, {4, -3}}).cosine() == 0);
  CHECK(of({{3, 4}, {-3, -4}}).cosine() == -1);
  CHECK(of({{3, 4}, {6, 8}}).cosine() == 1);
  constexpr double mse = [] {
    difference c;
    c.add(1.0f, 0.5f);
    c.add(2.0f, 2.0f);
    return c.mse();
  }();
  static_assert(mse == 0.125);
}

TEST_CASE("the cosine of parallel vectors is not beyond 1") {
  std::mt19937 random(3);
  double most = 0, least_one = 1;
  for (int round = 0; round < 1000; ++round) {
    difference up, down;
    for (int i = 0; i < 3; ++i) {
      const float x = std::ldexp(static_cast<float>(1 + random() % 0xfffff), -static_cast<int>(random() % 20));
      up.add(x, 3 * x);
      down.add(x, -7 * x);
    }
    most = std::max(most, up.cosine());
    least_one = std::min(least_one, -down.cosine());
    CHECK(down.cosine() >= -1);
  }
  CHECK(most == 1);
  CHECK(least_one == doctest::Approx(1).epsilon(1e-15));
}

TEST_CASE("without any error SQNR is infinite, and without a signal it is minus infinity") {
  for (const pairs& equal : {pairs{{}, {}}, pairs{{0, -0.0f}, {-0.0f, 0}}, pairs{{1, 2}, {1, 2}}}) {
    const difference d = of(equal);
    CHECK(d.mse() == 0);
    CHECK(d.relative_rmse() == 0);
    CHECK(d.sqnr_db() == infinite);
    CHECK(d.cosine() == 1);
    CHECK(d.largest().value == 0);
    CHECK(d.largest().index == (equal.x.empty() ? largest_error::nowhere : 0));
  }
  const difference silent = of({{0, 0}, {0, 3}});
  CHECK(silent.mse() == 4.5);
  CHECK(silent.relative_rmse() == infinite);
  CHECK(silent.sqnr_db() == -infinite);
  CHECK(silent.cosine() == 0);
  CHECK(silent.largest().index == 1);
  const difference lost = of({{0, 3}, {0, 0}});
  CHECK(lost.relative_rmse() == 1);
  CHECK(lost.sqnr_db() == 0);
  CHECK(lost.cosine() == 0);
}

TEST_CASE("what is not finite makes every measure NaN, wherever it stands and also when both are equal") {
  const std::vector<pairs> hostile = {{{1, nan, 3}, {1, 2, 3}},
                                      {{1, 2, 3}, {1, nan, 3}},
                                      {{1, inf, 3}, {1, inf, 3}},
                                      {{1, 2, 3}, {1, -inf, 3}},
                                      {{1, nan, 3}, {9, nan, 3}}};
  for (const pairs& p : hostile) {
    const difference d = of(p);
    check_not_a_number(d);
    CHECK(d.count() == 3);
    CHECK(d.nonfinite() == 1);
    CHECK(d.largest().index == 1);
  }
  difference late(10), early(4), fine;
  late.add(nan, 1.0f);
  early.add(1.0f, 1.0f);
  early.add(1.0f, inf);
  fine.add(1.0f, 100.0f);
  fine.merge(late);
  CHECK(fine.largest().index == 10);
  fine.merge(early);
  check_not_a_number(fine);
  CHECK(fine.nonfinite() == 2);
  CHECK(fine.largest().index == 5);
}

TEST_CASE("the greatest and the least floats neither overflow nor vanish") {
  const difference huge = of({{greatest, -greatest}, {-greatest, greatest}});
  CHECK(huge.mse() == 4 * static_cast<double>(greatest) * static_cast<double>(greatest));
  CHECK(huge.relative_rmse() == 2);
  CHECK(huge.cosine() == -1);
  CHECK(huge.largest().value == 2 * static_cast<double>(greatest));
  const difference tiny = of({{least, 2 * least}, {0, 2 * least}});
  CHECK(tiny.mse() == std::ldexp(1.0, -299));
  CHECK(tiny.relative_rmse() == std::sqrt(0.2));
  CHECK(tiny.largest().value == static_cast<double>(least));
  // An error that a sum in floating point would lose beside the others.
  CHECK(of({{greatest, least}, {greatest, 0}}).mse() == std::ldexp(1.0, -299));
  const difference wide = of({{greatest, least, greatest}, {1, 0, -1}});
  CHECK(wide.cosine() == 0);
  CHECK(wide.count() == 3);
}

TEST_CASE("bit for bit the same in any order, cut anywhere, merged in any order") {
  const pairs p = random_pairs(3000, 7);
  const difference whole = of(p);
  std::mt19937 random(2);
  for (int round = 0; round < 20; ++round) {
    std::vector<difference> pieces;
    for (std::size_t first = 0; first < p.x.size();) {
      const std::size_t n = std::min<std::size_t>(random() % 700, p.x.size() - first);
      pieces.emplace_back(first);
      REQUIRE(pieces.back().try_add(std::span(p.x).subspan(first, n), std::span(p.y).subspan(first, n)));
      first += n;
    }
    std::shuffle(pieces.begin(), pieces.end(), random);
    difference merged;
    for (const difference& piece : pieces) merged.merge(piece);
    check_same(merged, whole);
  }
  // Of equal errors the first is named, whichever piece is merged first.
  difference a(0), b(1), ab, ba;
  a.add(1.0f, 2.0f);
  b.add(2.0f, 1.0f);
  ab.merge(a), ab.merge(b), ba.merge(b), ba.merge(a);
  CHECK(ab.largest().index == 0);
  check_same(ab, ba);
  // What is added next follows the last.
  ba.add(0.0f, 5.0f);
  CHECK(ba.largest().index == 2);
}

TEST_CASE("a piece without errors still has a largest one when it is merged") {
  difference zero(5), empty, none;
  zero.add(1.0f, 1.0f);
  empty.merge(zero);
  CHECK(empty.largest().index == 5);
  empty.merge(none);
  CHECK(empty.largest().index == 5);
  CHECK(empty.count() == 1);
}

TEST_CASE("matrices with any strides and elements, by any executor") {
  const std::size_t rows = 77, cols = 19, stride = 23;
  const pairs p = random_pairs(rows * stride, 4), dense = random_pairs(rows * cols, 6);
  const matrix_view x(p.x.data(), rows, cols, stride), y(p.y.data(), rows, cols, stride);
  difference expected;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < cols; ++c) expected.add(x(r, c), y(r, c));
  CHECK(expected.largest().index < rows * cols);
  check_same(measure(x, y), expected);
  for (const std::size_t threads : {1u, 2u, 3u, 8u, 100u}) {
    api::test_threads pool(threads);
    check_same(measure(x, y, pool.executor()), expected);
    CHECK(pool.most_tasks() <= 32);
    for (const std::size_t few : {0u, 1u, 2u, 31u, 33u, 64u}) {
      const matrix_view<const float> a(p.x.data(), few, cols, stride), b(p.y.data(), few, cols, stride);
      check_same(measure(a, b, pool.executor()), measure(a, b));
    }
  }
  std::vector<f16_t> halves(dense.x.size());
  std::vector<float> floats(dense.x.size());
  for (std::size_t i = 0; i < halves.size(); ++i) {
    halves[i] = from_float<f16_t>(dense.x[i]);
    floats[i] = to_float(halves[i]);
  }
  const matrix_view h(halves.data(), rows, cols);
  const matrix_view<const float> f(floats.data(), rows, cols), decoded(dense.y.data(), rows, cols);
  check_same(measure(h, decoded), measure(f, decoded));
  CHECK(measure(h, f).sqnr_db() == infinite);
}

TEST_CASE("shapes must agree, and nothing is added where they do not") {
  const std::vector<float> v(12);
  const matrix_view a(v.data(), 3, 4), b(v.data(), 2, 4), c(v.data(), 3, 3);
  api::test_threads pool(2);
  for (const executor& ex : {executor{}, pool.executor()}) {
    const auto rows = try_measure(a, b, ex), cols = try_measure(a, c, ex);
    REQUIRE(!rows);
    CHECK(std::string(rows.error().what) == "the numbers of rows differ");
    CHECK(rows.error().value == 3);
    CHECK(rows.error().bound == 2);
    REQUIRE(!cols);
    CHECK(std::string(cols.error().what) == "the numbers of columns differ");
    CHECK(cols.error().value == 4);
    CHECK(cols.error().bound == 3);
  }
  difference d;
  const auto spans = d.try_add(std::span(v), std::span(v).first(5));
  REQUIRE(!spans);
  CHECK(std::string(spans.error().what) == "the numbers of elements differ");
  CHECK(!d.try_add(a, b));
  CHECK(d.count() == 0);
  CHECK_THROWS_AS(measure(a, b), error);
  CHECK(measure(matrix_view<const float>(), matrix_view<const float>()).count() == 0);
  CHECK(measure(matrix_view<const float>(nullptr, 5, 0), matrix_view<const float>(nullptr, 5, 0)).count() == 0);
}

}  // namespace
