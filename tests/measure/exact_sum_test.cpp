// Exact sums: against a binary number that is added bit by bit, at the ends of the range, and where rounding is tied.
// SPDX-License-Identifier: Apache-2.0
#include "quern/measure/exact_sum.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace {

using namespace quern;

// A number of 800 binary digits, digit i worth 2^(i - 400).
class slow_number {
 public:
  void add(double x) {
    int e = 0;
    auto digits = static_cast<std::uint64_t>(std::ldexp(std::frexp(x, &e), 53));
    for (int i = e - 53 + 400; digits != 0; digits >>= 1, ++i)
      if (digits & 1) add_digit(i);
  }
  // To the nearest, ties to even, by the digit after the 53rd and those that follow.
  double value() const {
    int top = 799;
    while (top >= 0 && !digit_[static_cast<std::size_t>(top)]) --top;
    if (top < 53) return -1;
    double x = 0;
    for (int i = top; i > top - 53; --i) x += at(i) ? std::ldexp(1.0, i - 400) : 0;
    bool more = false;
    for (int i = 0; i < top - 53; ++i) more = more || at(i);
    return at(top - 53) && (more || at(top - 52)) ? x + std::ldexp(1.0, top - 52 - 400) : x;
  }

 private:
  bool at(int i) const { return digit_[static_cast<std::size_t>(i)]; }
  void add_digit(int i) {
    for (; at(i); ++i) digit_[static_cast<std::size_t>(i)] = false;
    digit_[static_cast<std::size_t>(i)] = true;
  }
  std::vector<bool> digit_ = std::vector<bool>(800);
};

double sum_of(const std::vector<double>& terms) {
  exact_sum s;
  for (const double x : terms) s.add(x);
  return s.value();
}

TEST_CASE("sums are rounded once, ties to even") {
  const double two53 = 9007199254740992.0, tiny = std::ldexp(1.0, -298), huge = std::ldexp(1.0, 259);
  CHECK(sum_of({}) == 0);
  CHECK(sum_of({0.0, -0.0}) == 0);
  CHECK(sum_of({tiny}) == tiny);
  CHECK(sum_of({huge}) == huge);
  CHECK(sum_of({huge, huge, huge}) == 3 * huge);
  CHECK(sum_of({0.1}) == 0.1);
  CHECK(sum_of({two53, 1}) == two53);
  CHECK(sum_of({two53, 1, 2}) == two53 + 4);
  for (int e = -298; e < 0; ++e) CHECK(sum_of({two53, 1, std::ldexp(1.0, e)}) == two53 + 2);
  CHECK(sum_of({tiny, 1, two53}) == two53 + 2);
  CHECK(sum_of({huge, tiny}) == huge);
  CHECK(sum_of({two53 * 2 - 1, 0.5}) == two53 * 2);
}

TEST_CASE("a difference of sums is exact, however near they are") {
  const double tiny = std::ldexp(1.0, -298), huge = std::ldexp(1.0, 259);
  exact_sum a, b;
  a.add(huge);
  a.add(tiny);
  b.add(huge);
  CHECK(a.minus(b) == tiny);
  CHECK(b.minus(a) == -tiny);
  CHECK(a.minus(a) == 0);
  b.add(3 * tiny);
  CHECK(a.minus(b) == -2 * tiny);
  CHECK(exact_sum{}.minus(b) == -huge);
  for (int e = -240; e < 250; ++e) {  // less than half a unit below a power of two
    exact_sum c, d;
    c.add(std::ldexp(1.0, e));
    d.add(tiny);
    CHECK(c.minus(d) == std::ldexp(1.0, e));
  }
}

TEST_CASE("a carry passes through all words") {
  const double expected = std::ldexp(1.0, 250);
  exact_sum s;
  for (int e = -298; e < 250; ++e) s.add(std::ldexp(1.0, e));
  s.add(std::ldexp(1.0, -298));
  CHECK(s.value() == expected);
  // The same where the last term comes by merging; without it, one borrow passes through all words.
  exact_sum ones, one;
  for (int e = -298; e < 250; ++e) ones.add(std::ldexp(1.0, e));
  one.add(std::ldexp(1.0, -298));
  exact_sum power;
  power.add(expected);
  CHECK(power.minus(ones) == std::ldexp(1.0, -298));
  ones.merge(one);
  CHECK(ones.value() == expected);
  CHECK(ones.minus(s) == 0);
  CHECK(ones.minus(power) == 0);
  ones.merge(one);
  CHECK(ones.minus(power) == std::ldexp(1.0, -298));
}

TEST_CASE("as a binary number that is added bit by bit, in any order and cut anywhere") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    const int spread = 1 + static_cast<int>(random() % 550);
    std::vector<double> terms(1 + random() % 40);
    slow_number slow;
    for (double& x : terms) {
      // 24 digits times 24 digits at most, at an exponent from the least on.
      const double digits = static_cast<double>(random() & 0xffffff) * static_cast<double>(random() & 0xffffff);
      x = std::ldexp(digits, -298 + static_cast<int>(random() % 550) % spread);
      if (x >= std::ldexp(1.0, 260)) x = 1;
      slow.add(x);
    }
    const double expected = slow.value();
    if (expected < 0) continue;  // 0 or too small for the reference
    CHECK(sum_of(terms) == expected);
    std::shuffle(terms.begin(), terms.end(), random);
    exact_sum left, right;
    const std::size_t cut = random() % (terms.size() + 1);
    for (std::size_t i = 0; i < terms.size(); ++i) (i < cut ? left : right).add(terms[i]);
    right.merge(left);
    CHECK(right.value() == expected);
  }
}

TEST_CASE("2^60 terms are held") {
  exact_sum s;
  s.add(std::ldexp(3.0, 258));
  for (int i = 0; i < 60; ++i) s.merge(exact_sum(s));
  CHECK(s.value() == std::ldexp(3.0, 318));
  exact_sum least;
  least.add(std::ldexp(1.0, -298));
  for (int i = 0; i < 60; ++i) least.merge(least);
  CHECK(least.value() == std::ldexp(1.0, -238));
}

TEST_CASE("sums are constants where their terms are") {
  constexpr double x = [] {
    exact_sum s, t;
    s.add(0.5);
    s.add(0.25);
    t.add(1);
    return s.minus(t);
  }();
  static_assert(x == -0.25);
  CHECK(x == -0.25);
}

}  // namespace
