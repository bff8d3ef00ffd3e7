// Rounding to a vector format: the code whose values are nearest to some neighbouring quotients together.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <bit>
#include <limits>

#include "quern/base/bits.hpp"
#include "quern/base/exact.hpp"
#include "quern/number/grid.hpp"

namespace quern::inline v0 {

template <vector_format N>
using vector_of = std::array<float, N::elements>;

// The greatest magnitude that a vector format has.
template <vector_format N>
inline constexpr float vector_reach = [] {
  float reach = 0;
  if constexpr (point_format<N>) {
    for (const auto m : N::magnitudes) {
      const float a = magnitude(static_cast<float>(m));
      reach = a > reach ? a : reach;
    }
  } else {
    for (std::uint32_t code = 0; code < (N::bits < 12 ? 1u << N::bits : 4096u); ++code)
      for (std::size_t j = 0; j < N::elements; ++j) {
        const float a = magnitude(N::value(code, j));
        reach = is_finite(a) && a > reach ? a : reach;
      }
  }
  return reach;
}();

// The sum of e * (q - value)^2, added in order in f32.
constexpr float plus_squared(float sum, float e, float q, float value) {
  const float d = q - value;
  return sum + exact(exact(e * d) * d);
}

// The magnitudes of every point of a grid.
template <point_format N>
inline constexpr auto point_magnitudes = [] {
  std::array<std::array<float, N::dimension>, N::points.size()> t{};
  for (std::size_t i = 0; i < t.size(); ++i)
    for (std::size_t j = 0; j < N::dimension; ++j)
      t[i][j] = point_magnitude<N>(i, j);
  return t;
}();

// A point of a grid: its index, what it costs, and the coordinate whose other sign it includes, if any.
struct grid_point {
  std::uint32_t index = 0;
  float cost = std::numeric_limits<float>::infinity();
  std::size_t flipped = 0;
};

// The point of a grid nearest to the magnitudes a; or nearest where one of its signs must be wrong.
template <point_format N, bool Flip>
constexpr grid_point nearest_point(const float* a, const float* e) {
  grid_point best;
  for (std::uint32_t i = 0; i < N::points.size(); ++i) {
    const auto& m = point_magnitudes<N>[i];
    float cost = 0;
    for (std::size_t j = 0; j < N::dimension && cost < best.cost; ++j) cost = plus_squared(cost, e[j], a[j], m[j]);
    if (!(cost < best.cost)) continue;
    std::size_t flipped = 0;
    if constexpr (Flip) {
      const auto more = [&](std::size_t j) {
        return exact(exact(4 * e[j]) * exact(a[j] * m[j]));
      };  // (a + m)^2 - (a - m)^2
      for (std::size_t j = 1; j < N::dimension; ++j)
        if (more(j) < more(flipped)) flipped = j;
      cost += more(flipped);
    }
    if (cost < best.cost) best = {i, cost, flipped};
  }
  return best;
}

// The code with the least sum of e * (q - value)^2; of equals the lowest, as far as codes are compared one by one. q is
// finite and e not negative.
template <vector_format N>
constexpr std::uint32_t nearest_vector(const vector_of<N>& q, const vector_of<N>& e) {
  if constexpr (point_format<N>) {
    vector_of<N> a = q;
    std::uint32_t minus = 0;
    if constexpr (N::sign_rule != signs::none)
      for (std::size_t j = 0; j < N::elements; ++j) {
        minus |= q[j] < 0 ? 1u << j : 0;
        a[j] = magnitude(q[j]);
      }
    std::array<grid_point, N::vectors> best{};
    for (std::size_t k = 0; k < N::vectors; ++k)
      best[k] = nearest_point<N, false>(a.data() + k * N::dimension, e.data() + k * N::dimension);
    if (N::sign_rule == signs::even && std::popcount(minus) % 2 == 1) {
      std::size_t changed = 0;  // the vector in which a wrong sign costs least
      std::array<grid_point, N::vectors> wrong{};
      const auto more = [&](std::size_t k) { return wrong[k].cost - best[k].cost; };
      for (std::size_t k = 0; k < N::vectors; ++k) {
        wrong[k] = nearest_point<N, true>(a.data() + k * N::dimension, e.data() + k * N::dimension);
        if (more(k) < more(changed)) changed = k;
      }
      best[changed] = wrong[changed];
      minus ^= 1u << (changed * N::dimension + wrong[changed].flipped);
    }
    std::uint32_t code = 0;
    for (std::size_t k = 0; k < N::vectors; ++k) code |= best[k].index << (k * N::index_bits);
    if constexpr (N::sign_bits > 0) code |= (minus & low_bits(N::sign_bits)) << (N::index_bits * N::vectors);
    return code;
  } else {
    static_assert(searchable_format<N>, "nearest_vector: too many codes to try one by one");
    std::uint32_t best = 0;
    float least = 0;
    for (std::uint32_t code = 0; code < 1u << N::bits; ++code) {
      float cost = 0;
      for (std::size_t j = 0; j < N::elements; ++j) cost = plus_squared(cost, e[j], q[j], N::value(code, j));
      if (code == 0 || cost < least) best = code, least = cost;
    }
    return best;
  }
}

}  // namespace quern::inline v0
