// ggml's neighbour lists against their definition, and the search among them.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/ggml/neighbours.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "quern/catalog/gguf_numbers.hpp"
#include "quern/catalog/iq_points.hpp"
#include "support.hpp"

namespace {

using namespace quern;
using namespace quern::ggml;

using iq2_xxs = grid<gguf::iq2xxs_points, gguf::iq2_levels, 8, signs::even>;
using iq2_xs = grid<gguf::iq2xs_points, gguf::iq2_levels, 8, signs::even>;
using iq2_s = grid<gguf::iq2s_points, gguf::iq2_levels, 8, signs::each>;
using iq3_xxs = grid<gguf::iq3xxs_points, gguf::iq3xxs_levels, 4, signs::even, 2>;
using iq3_s = grid<gguf::iq3s_points, gguf::iq3s_levels, 4, signs::each>;
using iq1 = grid<gguf::iq1s_points, gguf::iq1_levels, 8, signs::none>;

static_assert(level_count<iq2_xs> == 3 && level_count<iq3_s> == 8 && level_count<iq1> == 3);
static_assert(combinations<iq2_s> == 6561 && combinations<iq3_xxs> == 4096);

template <class N>
std::array<std::uint8_t, N::dimension> levels_of(std::uint32_t combination) {
  std::array<std::uint8_t, N::dimension> levels;
  for (std::size_t j = N::dimension; j-- > 0; combination /= level_count<N>)
    levels[j] = static_cast<std::uint8_t>(combination % level_count<N>);
  return levels;
}

// The list of a combination, from its definition.
template <class N>
std::vector<point<N>> defined(std::uint32_t c, std::size_t shells) {
  const auto own = levels_of<N>(c);
  std::vector<std::pair<int, std::size_t>> all;
  for (std::size_t i = 0; i < N::points.size(); ++i) {
    int distance = 0;
    for (std::size_t j = 0; j < N::dimension; ++j) {
      const int d = 2 * static_cast<int>(level_of<N>(N::points[i], j)) - 2 * own[j];
      distance += d * d;
    }
    all.emplace_back(distance, i);
  }
  std::ranges::sort(all);
  std::vector<point<N>> list;
  std::size_t distances = 0;
  for (std::size_t k = 0; k < all.size(); ++k) {
    distances += k == 0 || all[k].first != all[k - 1].first;
    if (distances > shells) break;
    list.push_back(N::points[all[k].second]);
  }
  return list;
}

// Sizes as ggml's own lists have them, of combinations that occur; for IQ3 all of them occur.
template <class N, unsigned Shells>
void check(std::size_t off_grid, std::size_t neighbours, std::size_t longest) {
  const neighbour_lists<N, Shells> kept, not_kept(1000);
  typename neighbour_lists<N, Shells>::room room, other;
  std::size_t lists = 0, total = 0, most = 0, wrong = 0;
  for (std::uint32_t c = 0; c < combinations<N>; ++c) {
    const auto levels = levels_of<N>(c);
    std::uint32_t listed = 0;
    for (std::size_t j = 0; j < N::dimension; ++j) listed |= static_cast<std::uint32_t>(levels[j]) << (j * N::level_bits);
    REQUIRE(combination<N>(listed) == c);
    if (kept.is_point(c)) {
      wrong += N::points[kept.index(c)] != listed;
      continue;
    }
    const auto list = kept.neighbours(c, room), same = not_kept.neighbours(c, other);
    ++lists, total += list.size(), most = std::max(most, list.size());
    wrong += !std::ranges::equal(list, same) || same.data() != other.data();
    if (c % 50 == 0) wrong += !std::ranges::equal(list, defined<N>(c, Shells));
  }
  CHECK(wrong == 0);
  CHECK(lists == off_grid);
  CHECK(total == neighbours);
  CHECK(most == longest);
}

TEST_CASE("lists have the points at the least distances, in order, whether they are kept or not") {
  check<iq2_xxs, 2>(6305, 113157, 150);
  check<iq2_xs, 2>(6049, 181721, 292);
  check<iq2_s, 1>(5537, 44716, 70);
  check<iq3_xxs, 2>(3840, 18985, 36);
  check<iq3_s, 3>(3584, 24733, 38);
  check<iq1, 3>(4513, 327721, 205);
}

TEST_CASE("threads that ask for the shared lists at once get the same ones, whole") {
  using lists = neighbour_lists<iq3_s, 4>;  // used nowhere else
  std::array<const lists*, 8> got{};
  std::array<std::size_t, 8> sizes{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < got.size(); ++i)
      threads.emplace_back([&, i] {
        lists::room room;
        got[i] = &lists::shared();
        for (std::uint32_t c = 0; c < combinations<iq3_s>; ++c)
          if (!got[i]->is_point(c)) sizes[i] += got[i]->neighbours(c, room).size();
      });
  }
  CHECK(sizes[0] > 24733);
  for (std::size_t i = 1; i < got.size(); ++i) {
    CHECK(got[i] == got[0]);
    CHECK(sizes[i] == sizes[0]);
  }
}

TEST_CASE("the nearest neighbour has the least sum, the first of equals") {
  support::random_source random(5);
  const auto positive = [&] { return random.uniform() + 1; };
  std::size_t wrong = 0;
  for (int run = 0; run < 800; ++run) {
    std::array<float, 8> x, e;
    for (std::size_t j = 0; j < 8; ++j) x[j] = 3 * positive(), e[j] = run % 10 == 0 ? 0 : positive();
    const float scale = 0.8f + 0.1f * static_cast<float>(run % 4);
    level_values<iq2_s> value;
    for (std::size_t l = 0; l < 4; ++l) value[l] = static_cast<float>(2 * l + 1) * scale;
    const auto list = std::span<const point<iq2_s>>(iq2_s::points).subspan(static_cast<std::size_t>(run / 4), 100);
    float least = 0;
    std::uint32_t want = no_neighbour;
    for (const auto p : list) {
      float sum = 0;
      for (std::size_t j = 0; j < 8; ++j) {
        const float d = value[level_of<iq2_s>(p, j)] - x[j];
        sum += exact(exact(e[j] * d) * d);
      }
      if (want == no_neighbour || sum < least) least = sum, want = p;
    }
    wrong += nearest_neighbour<iq2_s>(list, value, x.data(), e.data()) != want;
  }
  CHECK(wrong == 0);
}

TEST_CASE("where every sum overflows there is no nearest neighbour") {
  std::array<float, 8> x, e;
  x.fill(1e30f), e.fill(1);
  level_values<iq2_s> value;
  value.fill(1);
  CHECK(nearest_neighbour<iq2_s>(std::span(iq2_s::points), value, x.data(), e.data()) == no_neighbour);
}

}  // namespace
