// The nearest point of a grid, exactly, and fast enough for a search: points lie in lists by the levels of their first
// half, and a list is read only if its points can be nearer than the nearest so far.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstring>

#include "quern/fit/best/lanes.hpp"
#include "quern/fit/nearest_vector.hpp"

namespace quern::inline v0::best_fit {

// Levels that a grid's points have, counted from 0.
template <point_format N>
inline constexpr std::size_t grid_levels = [] {
  std::size_t most = 0;
  for (const auto p : N::points)
    for (std::size_t j = 0; j < N::dimension; ++j)
      most = std::max<std::size_t>(most, p >> (j * N::level_bits) & low_bits(N::level_bits));
  return most + 1;
}();

// A half of a point as a number in base grid_levels, the first coordinate its lowest digit.
template <point_format N>
inline constexpr std::size_t half_keys = [] {
  std::size_t n = 1;
  for (std::size_t j = 0; j < N::dimension / 2; ++j) n *= grid_levels<N>;
  return n;
}();

// Grids that can be searched like this.
template <class N>
inline constexpr bool searchable_grid = [] {
  if constexpr (point_format<N>) {
    if constexpr (N::dimension == 4 || N::dimension == 8) return half_keys<N> <= 256 && N::points.size() <= 4096;
  }
  return false;
}();

// The points with first half k are those from begin[k] to begin[k + 1].
template <point_format N>
struct points_by_half {
  std::array<std::uint16_t, half_keys<N> + 1> begin{};
  std::array<std::uint16_t, N::points.size()> second{}, index{};
};
template <point_format N>
inline constexpr points_by_half<N> halves_of = [] {
  points_by_half<N> h;
  const auto key = [](std::size_t point, std::size_t from) {
    std::size_t k = 0;
    for (std::size_t j = N::dimension / 2; j-- > 0;)
      k = k * grid_levels<N> + (N::points[point] >> ((from + j) * N::level_bits) & low_bits(N::level_bits));
    return k;
  };
  for (std::size_t i = 0; i < N::points.size(); ++i) ++h.begin[key(i, 0) + 1];
  for (std::size_t k = 0; k < half_keys<N>; ++k)
    h.begin[k + 1] = static_cast<std::uint16_t>(h.begin[k + 1] + h.begin[k]);
  auto next = h.begin;
  for (std::size_t i = 0; i < N::points.size(); ++i) {
    const std::size_t at = next[key(i, 0)]++;
    h.second[at] = static_cast<std::uint16_t>(key(i, N::dimension / 2));
    h.index[at] = static_cast<std::uint16_t>(i);
  }
  return h;
}();

// What each level costs in each coordinate, and what it costs more with the other sign.
template <point_format N, bool Flip>
struct level_costs {
  static constexpr std::size_t levels = grid_levels<N>, half = N::dimension / 2;
  std::array<std::array<float, N::dimension>, levels> cost;
  std::array<std::array<float, N::dimension>, Flip ? levels : 0> more;

  // x are weights, or their magnitudes where signs are stored.
  level_costs(const lanes* x, const lanes* e, float scale, float zero) {
    for (std::size_t l = 0; l < levels; ++l) {
      const lanes y = all_lanes(exact(scale * (static_cast<float>(N::magnitudes[l]) - zero)));
      for (std::size_t i = 0; i < N::dimension / width; ++i) {
        const lanes d = x[i] - y, c = settle(settle(e[i] * d) * d);
        std::memcpy(&cost[l][i * width], &c, sizeof c);
        if constexpr (Flip) {
          const lanes s = x[i] + y, m = settle(settle(e[i] * s) * s) - c;
          std::memcpy(&more[l][i * width], &m, sizeof m);
        }
      }
    }
  }
  // f(a, b) over all combinations of levels of `Count` coordinates from `from` on, by key.
  template <std::size_t Count>
  static void combine(const auto& table, std::size_t from, float* out, auto f) {
    if constexpr (Count == 1) {
      for (std::size_t l = 0; l < levels; ++l) out[l] = table[l][from];
    } else {
      combine<Count - 1>(table, from, out, f);
      constexpr std::size_t n = [] {
        std::size_t k = 1;
        for (std::size_t i = 1; i < Count; ++i) k *= levels;
        return k;
      }();
      for (std::size_t l = levels; l-- > 0;)
        for (std::size_t i = 0; i < n; ++i) out[l * n + i] = f(out[i], table[l][from + Count - 1]);
    }
  }
  // The least cost of coordinates [from, to), each by itself.
  float least(std::size_t from, std::size_t to) const {
    float sum = 0;
    for (std::size_t j = from; j < to; ++j) {
      float c = cost[0][j];
      for (std::size_t l = 1; l < levels; ++l) c = cost[l][j] < c ? cost[l][j] : c;
      sum += c;
    }
    return sum;
  }
};

constexpr float lesser(float a, float b) { return b < a ? b : a; }

inline constexpr float no_limit = std::numeric_limits<float>::infinity();

// The point with the least cost; with Flip, the least where one coordinate must have the other sign. Where several are
// equally near, one of them, always the same. A cost of infinity if none costs less than `limit`.
template <point_format N, bool Flip>
grid_point find_point(const lanes* x, const lanes* e, float scale, float zero, float limit) {
  using costs = level_costs<N, Flip>;
  constexpr std::size_t levels = costs::levels, half = costs::half, keys = half_keys<N>;
  constexpr const auto& lists = halves_of<N>;
  const costs c(x, e, scale, zero);
  grid_point best;
  if (limit < no_limit && !(c.least(0, N::dimension) < limit)) return best;
  std::array<float, keys> second;
  [[maybe_unused]] std::array<float, keys> second_more;
  costs::template combine<half>(c.cost, half, second.data(), [](float a, float b) { return a + b; });
  float rest = c.least(half, N::dimension);  // what a second half costs at least, and with Flip another sign
  if constexpr (Flip) {
    costs::template combine<half>(c.more, half, second_more.data(), lesser);
    float more = c.more[0][0];
    for (std::size_t l = 0; l < levels; ++l)
      for (std::size_t j = 0; j < N::dimension; ++j) more = lesser(more, c.more[l][j]);
    rest += more;
  }

  std::size_t found = 0;
  best.cost = limit;
  // The points whose first half is k and costs `first`.
  const auto read = [&](std::size_t k, float first) {
    [[maybe_unused]] float first_more = 0;
    if constexpr (Flip) {
      first_more = std::numeric_limits<float>::infinity();
      for (std::size_t j = 0, digits = k; j < half; ++j, digits /= levels)
        first_more = lesser(first_more, c.more[digits % levels][j]);
    }
    for (std::size_t i = lists.begin[k]; i < lists.begin[k + 1]; ++i) {
      float cost = first + second[lists.second[i]];
      if constexpr (Flip) cost += lesser(first_more, second_more[lists.second[i]]);
      if (cost < best.cost) best.cost = cost, found = i;
    }
  };
  std::array<float, half> least;  // of the first half's coordinates, each by itself
  std::size_t start = 0;
  float start_cost = 0;
  for (std::size_t j = half; j-- > 0;) {
    std::size_t level = 0;
    for (std::size_t l = 1; l < levels; ++l) level = c.cost[l][j] < c.cost[level][j] ? l : level;
    start = start * levels + level, least[j] = c.cost[level][j];
  }
  for (std::size_t j = 0; j < half; ++j) start_cost += least[j];
  read(start, start_cost);
  // All other first halves, coordinate by coordinate from the last, as long as they can be nearer.
  const auto descend = [&](auto self, auto left, std::size_t k, float cost) {
    constexpr std::size_t j = decltype(left)::value - 1;
    float below = cost;
    for (std::size_t i = 0; i < j; ++i) below += least[i];
    for (std::size_t l = 0; l < levels; ++l) {
      if (!(below + c.cost[l][j] + rest < best.cost)) continue;
      if constexpr (j > 0) self(self, std::integral_constant<std::size_t, j>{}, k * levels + l, cost + c.cost[l][j]);
      else if (k * levels + l != start) read(k * levels + l, cost + c.cost[l][j]);
    }
  };
  if (best.cost > start_cost + rest) descend(descend, std::integral_constant<std::size_t, half>{}, 0, 0);
  if (!(best.cost < limit)) best.cost = no_limit;
  best.index = lists.index[found];
  if constexpr (Flip) {
    const auto level = [&](std::size_t j) {
      return N::points[best.index] >> (j * N::level_bits) & low_bits(N::level_bits);
    };
    for (std::size_t j = 1; j < N::dimension; ++j)
      if (c.more[level(j)][j] < c.more[level(best.flipped)][best.flipped]) best.flipped = j;
  }
  return best;
}

// A code of a vector format, its cost, and the coordinates that are minus.
struct grid_code {
  float cost = 0;
  std::array<std::uint32_t, 8> points{};
  std::uint32_t minus = 0;

  template <point_format N>
  constexpr std::uint32_t code() const {
    std::uint32_t c = 0;
    for (std::size_t k = 0; k < N::vectors; ++k) c |= points[k] << (k * N::index_bits);
    if constexpr (N::sign_bits > 0) c |= (minus & low_bits(N::sign_bits)) << (N::index_bits * N::vectors);
    return c;
  }
};

// The nearest code: x as above, minus the signs of the weights. A cost of infinity if none costs less than `limit`.
template <point_format N>
grid_code find_code(const lanes* x, const lanes* e, std::uint32_t minus, float scale, float zero,
                    float limit = no_limit) {
  constexpr std::size_t step = N::dimension / width;
  std::array<grid_point, N::vectors> best;
  grid_code r;
  r.minus = minus;
  if (N::sign_rule == signs::even && std::popcount(minus) % 2 == 1) {
    std::array<grid_point, N::vectors> wrong;
    std::size_t changed = 0;  // the point in which a wrong sign costs least
    for (std::size_t k = 0; k < N::vectors; ++k) {
      wrong[k] = find_point<N, true>(x + k * step, e + k * step, scale, zero, N::vectors > 1 ? no_limit : limit);
      if constexpr (N::vectors > 1) {
        best[k] = find_point<N, false>(x + k * step, e + k * step, scale, zero, no_limit);
        if (wrong[k].cost - best[k].cost < wrong[changed].cost - best[changed].cost) changed = k;
      }
    }
    best[changed] = wrong[changed];
    r.minus ^= 1u << (changed * N::dimension + wrong[changed].flipped);
  } else {
    for (std::size_t k = 0; k < N::vectors; ++k)
      best[k] = find_point<N, false>(x + k * step, e + k * step, scale, zero, limit);
  }
  for (std::size_t k = 0; k < N::vectors; ++k) r.cost += best[k].cost, r.points[k] = best[k].index;
  return r;
}

}  // namespace quern::inline v0::best_fit
