// The nearest point of a grid, found fast, against all points tried.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/best/grid.hpp"

#include <random>

#include "quern/catalog/gguf.hpp"
#include "support.hpp"

namespace {

using namespace quern;
using best_fit::lanes;

template <class C, bool Zeros = false>
void check() {
  using N = typename C::number;
  std::mt19937 random(1);
  const auto number = [&] { return static_cast<float>(random() % 20001) / 10000 - 1; };
  for (int round = 0; round < 400; ++round) {
    vector_of<N> x, e, q;
    lanes wide_x[2] = {}, wide_e[2] = {};
    std::uint32_t minus = 0;
    const float scale = (0.2f + magnitude(number())) / vector_reach<N>, zero = N::sign_rule == signs::none ? 0.125f : 0;
    for (std::size_t j = 0; j < N::elements; ++j) {
      x[j] = number(), e[j] = Zeros && random() % 3 == 0 ? 0 : 0.1f + magnitude(number()), q[j] = x[j] / scale + zero;
      if (N::sign_rule != signs::none && x[j] < 0) minus |= 1u << j;
      wide_x[j / 4][j % 4] = N::sign_rule == signs::none ? x[j] : magnitude(x[j]), wide_e[j / 4][j % 4] = e[j];
    }
    const auto cost = [&](std::uint32_t code) {
      double sum = 0;
      for (std::size_t j = 0; j < N::elements; ++j) {
        const double d =
            static_cast<double>(x[j]) - static_cast<double>(scale) * static_cast<double>(N::value(code, j) - zero);
        sum += static_cast<double>(e[j]) * d * d;
      }
      return sum;
    };
    const best_fit::grid_code found = best_fit::find_code<N>(wide_x, wide_e, minus, scale, zero);
    const double mine = cost(found.template code<N>()), least = cost(nearest_vector<N>(q, e));
    CHECK(mine <= least * 1.00001 + 1e-9);
    CHECK(static_cast<double>(found.cost) == doctest::Approx(mine).epsilon(1e-4));
  }
}

TEST_CASE("points of 8 with an even number of minus signs") { check<gguf::iq2_xxs>(), check<gguf::iq2_xs>(); }
TEST_CASE("points of 8 with any signs") { check<gguf::iq2_s>(); }
TEST_CASE("two points of 4 that share their signs' parity") { check<gguf::iq3_xxs>(); }
TEST_CASE("points of 4 with any signs") { check<gguf::iq3_s>(); }
TEST_CASE("points without signs, shifted") { check<gguf::iq1_s>(); }
TEST_CASE("coordinates that do not count") {
  check<gguf::iq2_xxs, true>(), check<gguf::iq3_xxs, true>(), check<gguf::iq1_s, true>();
}

}  // namespace
