// A region's weights as `best` searches them: copied side by side, brought near 1 by powers of two, cut into groups.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstring>

#include "quern/fit/best/group.hpp"

namespace quern::inline v0::best_fit {

// The power of two that brings x > 0 near 1, if x is so far from it that squares could overflow or vanish.
constexpr float power_to_one(float x) {
  const int e = static_cast<int>(float_to_bits(x) >> 23) - 127;
  return e > 30 ? exp2i(e > 100 ? -100 : -e) : e < -30 ? exp2i(e < -100 ? 100 : -e) : 1.0f;
}

// At most Weights weights of C, in units of Unit that share scale and offset.
template <class C, std::size_t Weights, std::size_t Unit>
class weights {
 public:
  using number = stored_number<C>;
  static constexpr std::size_t unit_lanes = (Unit + width - 1) / width, most_units = Weights / Unit;
  static constexpr bool signs_apart = [] {
    if constexpr (scalar_format<number>) return false;
    else return number::sign_rule != signs::none;
  }();

  explicit weights(const weight_region& w) : size_(w.size()), weighted_(w.has_importance()) {
    float most = 0;
    if (!take_run(w, most))
      each_place(w, [&](std::size_t lane, std::size_t j, float x) {
        x_[lane][j] = x, most = magnitude(x) > most ? magnitude(x) : most;
      });
    for (std::size_t i = 0; i < used(); ++i) e_[i] = all_lanes(1);
    if (weighted_) take_importance(w);
    fill_up();
    unit_ = power_to_one(most);
    if (unit_ != 1)
      for (std::size_t i = 0; i < used(); ++i) x_[i] *= all_lanes(unit_);
    if constexpr (!scalar_format<number>) take_signs();
  }

  std::size_t size() const { return size_; }
  std::size_t units() const { return (size_ + Unit - 1) / Unit; }
  // What weights were multiplied with.
  float unit() const { return unit_; }

  // Units [first, first + count), as far as there are any. Weights without importance do not count for their ends.
  cluster part(std::size_t first, std::size_t count) {
    cluster g;
    g.units = std::min(count, units() - first), g.unit_lanes = unit_lanes;
    g.alike = !weighted_ && Unit % width == 0 && size_ % Unit == 0;
    lanes* e = e_.data() + first * unit_lanes;
    g.x = x_.data() + first * unit_lanes, g.e = e;
    if constexpr (!scalar_format<number>) g.minus = minus_.data() + first * unit_lanes * width / number::elements;
    lanes sum_e{}, sum_x{}, sum_xx{}, low = weighted_ ? lanes{} : g.x[0], high = low;
    for (std::size_t i = 0; i < g.size(); ++i) sum_e += e[i];
    g.counts = sum_of(sum_e) > 0;
    if (!g.counts) {
      for (std::size_t i = 0; i < g.size(); ++i) e[i] = all_lanes(1);
      sum_e = all_lanes(static_cast<float>(g.size()));
    }
    for (std::size_t i = 0; i < g.size(); ++i) {
      const lanes ex = settle(e[i] * g.x[i]);
      sum_x += ex, sum_xx += settle(ex * g.x[i]);
      const lanes x = weighted_ ? choose(e[i] > lanes{}, g.x[i], lanes{}) : g.x[i];
      low = least_of(x, low), high = greatest_of(x, high);
    }
    g.importance = sum_of(sum_e), g.first_moment = sum_of(sum_x), g.energy = sum_of(sum_xx);
    g.least = low[0], g.greatest = high[0];
    for (std::size_t j = 1; j < width; ++j) {
      g.least = low[j] < g.least ? low[j] : g.least;
      g.greatest = high[j] > g.greatest ? high[j] : g.greatest;
    }
    g.extreme = g.greatest > -g.least ? g.greatest : g.least;
    return g;
  }

 private:
  std::size_t used() const { return units() * unit_lanes; }
  // The weights of a run of whole units, all of them finite, four at a time, and their greatest magnitude; else false.
  bool take_run(const weight_region& w, float& most) {
    const float* const from = w.run();
    if (Unit % width != 0 || from == nullptr || size_ % width != 0) return false;
    lanes greatest{};
    lane_masks finite = ~lane_masks{};
    for (std::size_t i = 0; i < size_ / width; ++i) {
      lanes x;
      std::memcpy(&x, from + i * width, sizeof x);
      const lanes size = greatest_of(x, -x);
      finite &= size <= all_lanes(std::numeric_limits<float>::max()), greatest = greatest_of(size, greatest), x_[i] = x;
    }
    for (std::size_t j = 0; j < width; ++j) {
      if (finite[j] == 0) return false;
      most = greatest[j] > most ? greatest[j] : most;
    }
    return true;
  }
  // f(lane, j, x): where the weights lie.
  static void each_place(const weight_region& w, auto f) {
    std::size_t lane = 0, k = 0;  // k counts a unit's weights
    w.each([&](float x) {
      f(lane + k / width, k % width, x);
      if (++k == Unit) k = 0, lane += unit_lanes;
    });
  }
  void take_importance(const weight_region& w) {
    float most = 0;
    for (std::size_t i = 0; i < size_; ++i) most = w.importance(i) > most ? w.importance(i) : most;
    const float factor = power_to_one(most);
    for (std::size_t i = 0; i < size_; ++i)
      e_[i / Unit * unit_lanes + i % Unit / width][i % Unit % width] = exact(w.importance(i) * factor);
  }
  // Places beyond the end of a unit hold its first weight, and count nothing.
  void fill_up() {
    if (Unit % width == 0 && size_ % Unit == 0) return;
    for (std::size_t u = 0; u < units(); ++u)
      for (std::size_t i = std::min(Unit, size_ - u * Unit); i < unit_lanes * width; ++i)
        x_[u * unit_lanes + i / width][i % width] = x_[u * unit_lanes][0],
                                           e_[u * unit_lanes + i / width][i % width] = 0;
  }
  void take_signs() {
    constexpr std::size_t step = elements<number> / width;
    for (std::size_t i = 0; i < units() * unit_lanes; i += step) {
      std::uint8_t minus = 0;
      if constexpr (signs_apart)
        for (std::size_t j = 0; j < elements<number>; ++j) {
          const float x = x_[i + j / width][j % width];
          minus |= static_cast<std::uint8_t>((x < 0) << j);
          x_[i + j / width][j % width] = magnitude(x);
        }
      minus_[i / step] = minus;
    }
  }

  std::size_t size_;
  float unit_ = 1;
  bool weighted_;
  std::array<lanes, most_units * unit_lanes> x_, e_;
  std::array<std::uint8_t, scalar_format<number> ? 1 : most_units * unit_lanes> minus_;
};

}  // namespace quern::inline v0::best_fit
