// ggml's neighbour lists: which points of a grid may stand for levels that are none of its points, and the search of
// iq2_find_best_neighbour, iq3_find_best_neighbour and iq1_find_best_neighbour2 of ggml-quants.c among them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>

#include "quern/base/exact.hpp"
#include "quern/number/grid.hpp"

namespace quern::inline v0::ggml {

// ---- points ----

// A point as N::points lists it: the levels of its coordinates, the first lowest.
template <point_format N>
using point = std::remove_cvref_t<decltype(N::points[0])>;

template <point_format N>
constexpr unsigned level_of(std::uint32_t point, std::size_t j) {
  return point >> (j * N::level_bits) & low_bits(N::level_bits);
}

// How many levels points have.
template <point_format N>
inline constexpr unsigned level_count = [] {
  unsigned most = 0;
  for (const auto p : N::points)
    for (std::size_t j = 0; j < N::dimension; ++j) most = level_of<N>(p, j) > most ? level_of<N>(p, j) : most;
  return most + 1;
}();

// The combinations of levels that a point could be, numbered in base level_count, the last coordinate lowest.
template <point_format N>
inline constexpr std::uint32_t combinations = [] {
  std::uint32_t n = 1;
  for (std::size_t j = 0; j < N::dimension; ++j) n *= level_count<N>;
  return n;
}();

// Half of a point's levels as it lists them: as many bits, and what they are as digits.
template <point_format N>
inline constexpr unsigned half_bits = N::level_bits * N::dimension / 2;
template <point_format N>
inline constexpr auto half_digits = [] {
  static_assert(N::dimension % 2 == 0, "ggml::neighbours: points must have an even number of coordinates");
  std::array<std::uint16_t, std::size_t{1} << half_bits<N>> t{};
  for (std::uint32_t half = 0; half < t.size(); ++half)
    for (std::size_t j = 0; j < N::dimension / 2; ++j)
      t[half] = static_cast<std::uint16_t>(t[half] * level_count<N> + level_of<N>(half, j));
  return t;
}();

// The number of a combination whose levels are listed as a point's.
template <point_format N>
constexpr std::uint32_t combination(std::uint32_t levels) {
  constexpr std::uint32_t halves = [] {
    std::uint32_t n = 1;
    for (std::size_t j = 0; j < N::dimension / 2; ++j) n *= level_count<N>;
    return n;
  }();
  return half_digits<N>[levels & low_bits(half_bits<N>)] * halves + half_digits<N>[levels >> half_bits<N>];
}

// The levels of all points, coordinate by coordinate.
template <point_format N>
inline constexpr auto point_levels = [] {
  std::array<std::array<std::uint8_t, N::points.size()>, N::dimension> t{};
  for (std::size_t j = 0; j < N::dimension; ++j)
    for (std::size_t i = 0; i < N::points.size(); ++i)
      t[j][i] = static_cast<std::uint8_t>(level_of<N>(N::points[i], j));
  return t;
}();

// ---- lists ----

// The points at the `Shells` least distances from a combination that is no point.
template <point_format N, unsigned Shells>
class neighbourhood {
 public:
  explicit neighbourhood(std::uint32_t combination) {
    for (std::size_t j = N::dimension; j-- > 0; combination /= level_count<N>) {
      const int level = static_cast<int>(combination % level_count<N>);
      for (std::size_t i = 0; i < count; ++i) {
        const int d = point_levels<N>[j][i] - level;
        distance_[i] = static_cast<std::uint8_t>(distance_[i] + d * d);
      }
    }
    std::array<bool, 256> taken{};
    for (const std::uint8_t d : distance_) taken[d] = true;
    for (unsigned d = 1; d < taken.size() && shells_ < Shells; ++d)
      if (taken[d]) shell_[shells_++] = static_cast<std::uint8_t>(d);
  }

  std::size_t size() const {
    std::uint32_t n = 0;
    for (const std::uint8_t d : distance_) n += d <= shell_[shells_ - 1] ? 1 : 0;
    return n;
  }
  // take(p) for each, the nearest first, of equals in the order of the grid.
  void each(auto take) const {
    std::array<std::uint16_t, count> near;
    std::size_t n = 0;
    for (std::size_t i = 0; i < count; ++i)
      near[n] = static_cast<std::uint16_t>(i), n += distance_[i] <= shell_[shells_ - 1] ? 1 : 0;
    for (unsigned shell = 0; shell < shells_; ++shell)
      for (std::size_t i = 0; i < n; ++i)
        if (distance_[near[i]] == shell_[shell]) take(N::points[near[i]]);
  }

 private:
  static constexpr std::size_t count = N::points.size();
  static constexpr unsigned most = level_count<N> - 1;
  static_assert(N::dimension * most * most < 256, "ggml::neighbourhood: squared distances have 8 bits");

  std::array<std::uint8_t, count> distance_{};
  std::array<std::uint8_t, Shells> shell_{};
  unsigned shells_ = 0;
};

// All lists of a grid. What it takes: 4 bytes for each combination and 2 for each neighbour; see the table in
// fit/ggml/grid.hpp. Where there is no memory for the neighbours, each list is made when it is asked for.
template <point_format N, unsigned Shells>
class neighbour_lists {
 public:
  using list = std::span<const point<N>>;
  static constexpr std::size_t beyond = 15;                      // as many points may be read behind a list
  using room = std::array<point<N>, N::points.size() + beyond>;  // for one list

  // most_bytes: the neighbours of all lists take no more, or they are not kept.
  explicit neighbour_lists(std::size_t most_bytes = std::numeric_limits<std::size_t>::max()) noexcept {
    for (std::uint32_t i = 0; i < N::points.size(); ++i) entries_[combination<N>(N::points[i])] = i + 1;
    std::size_t total = 0;
    for (std::uint32_t c = 0; c < entries_.size(); ++c) {
      if (entries_[c] != 0) continue;
      entries_[c] = no_point + static_cast<std::uint32_t>(total);
      total += 1 + neighbourhood<N, Shells>(c).size();  // a list begins with its length
    }
    if (total > most_bytes / sizeof(point<N>)) return;
    lists_.reset(new (std::nothrow) point<N>[total + beyond]());
    if (lists_ == nullptr) return;
    for (std::uint32_t c = 0; c < entries_.size(); ++c) {
      if (is_point(c)) continue;
      point<N>* const length = &lists_[entries_[c] - no_point];
      *length = 0;
      neighbourhood<N, Shells>(c).each([&](point<N> p) { length[++*length] = p; });
    }
  }

  // Of the whole program; made on first use.
  static const neighbour_lists& shared() noexcept {
    alignas(neighbour_lists) static std::byte memory[sizeof(neighbour_lists)];
    static const neighbour_lists* const all = new (memory) neighbour_lists;  // kept for threads that outlive main
    return *all;
  }

  bool is_point(std::uint32_t combination) const { return entries_[combination] < no_point; }
  // Of a combination that is a point.
  std::uint32_t index(std::uint32_t combination) const { return entries_[combination] - 1; }
  // Of one that is none; valid as long as `own` is.
  list neighbours(std::uint32_t combination, room& own) const {
    if (lists_ != nullptr) {
      const point<N>* const length = &lists_[entries_[combination] - no_point];
      return {length + 1, *length};
    }
    std::size_t n = 0;
    neighbourhood<N, Shells>(combination).each([&](point<N> p) { own[n++] = p; });
    return list(own).first(n);
  }

 private:
  static constexpr std::uint32_t no_point = 1u << 31;
  static_assert(N::points.size() < 65536, "ggml::neighbours: indices of points have 16 bits");

  std::array<std::uint32_t, combinations<N>> entries_{};  // index + 1, or no_point + where the list begins
  std::unique_ptr<point<N>[]> lists_;
};

// ---- the search ----

// What each level stands for.
template <point_format N>
using level_values = std::array<float, std::size_t{1} << N::level_bits>;

inline constexpr std::uint32_t no_neighbour = ~0u;

// Of some points the one with the least sum of e * (value[level] - x)^2, the first of equals; no_neighbour where no sum
// is less than the greatest float.
template <point_format N>
std::uint32_t nearest_neighbour(std::span<const point<N>> points, const level_values<N>& value, const float* x,
                                const float* e) {
  std::array<level_values<N>, N::dimension> cost;
  for (std::size_t j = 0; j < N::dimension; ++j)
    for (std::size_t l = 0; l < value.size(); ++l) {
      const float d = value[l] - x[j];
      cost[j][l] = exact(exact(e[j] * d) * d);
    }
  float least = std::numeric_limits<float>::max();
  std::uint32_t best = no_neighbour;
  for (const std::uint32_t p : points) {
    float sum = cost[0][level_of<N>(p, 0)];
    for (std::size_t j = 1; j < N::dimension; ++j) sum += cost[j][level_of<N>(p, j)];
    if (sum < least) least = sum, best = p;
  }
  return best;
}

}  // namespace quern::inline v0::ggml
