// An axis of a picture: its range, linear or logarithmic, and round values to be marked on it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "plot_text.hpp"

namespace plot {

enum class axis_scale { linear, logarithmic };

struct tick {
  double value;
  std::string text;  // empty: a line of the grid only
};

struct axis {
  axis_scale scale = axis_scale::linear;
  double low = 0, high = 1;
  std::vector<tick> ticks;

  // 0 at the low end, 1 at the high end. Precondition: shows(x).
  double at(double x) const {
    return scale == axis_scale::linear ? (x - low) / (high - low) : std::log(x / low) / std::log(high / low);
  }
  // Whether a value can lie on an axis of this scale: a sane number, above 0 where it is logarithmic.
  static bool shows(axis_scale scale, double x) {
    constexpr double most = 1e30;
    return std::abs(x) <= most && (scale == axis_scale::linear || x >= 1 / most);
  }
};

// 1, 2 or 5 times a power of ten: number i of that sequence, of which 0 is 1.
inline double round_value(int i) {
  const int decade = i >= 0 ? i / 3 : -((2 - i) / 3);
  const int first = i - 3 * decade, digit = first == 0 ? 1 : first == 1 ? 2 : 5;
  return decade >= 0 ? digit * std::pow(10.0, decade) : digit / std::pow(10.0, -decade);
}

// The number of the greatest round value that is not above x, for x > 0.
inline int round_below(double x) {
  int i = 3 * static_cast<int>(std::floor(std::log10(x))) - 1;
  while (round_value(i + 1) <= x) ++i;
  return i;
}

// From values that are shown, least and greatest: a little more than their range, between round values, with at most
// `most` of them marked.
inline axis make_axis(axis_scale scale, double least, double greatest, int most) {
  axis a{scale, 0, 0, {}};
  if (scale == axis_scale::logarithmic) {
    const double margin = std::max(1.05, std::pow(greatest / least, 0.03));
    const int first = round_below(least / margin), last = -round_below(1 / (greatest * margin));
    a.low = round_value(first), a.high = round_value(last);
    // The grid has all round values, or all powers of ten where those were too many; only some have a text.
    const int all = last - first + 1, grid = all > 4 * most ? 3 : 1;
    int marked = all <= most ? 1 : 3;
    while (all / marked >= most) marked += 3;
    for (int i = first; i <= last; ++i)
      if (i % grid == 0) a.ticks.push_back({round_value(i), i % marked == 0 ? number(round_value(i)) : ""});
    return a;
  }
  const double size = std::max({std::abs(least), std::abs(greatest), 1e-9}),
               range = std::max(greatest - least, size * 1e-6), middle = least + (greatest - least) / 2;
  least = middle - range * 0.53, greatest = middle + range * 0.53;
  int unit = round_below(range / most);
  while (std::ceil(greatest / round_value(unit)) - std::floor(least / round_value(unit)) >= most) ++unit;
  const double step = round_value(unit), first = std::floor(least / step), last = std::ceil(greatest / step);
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  for (double i = first; i <= last; ++i) a.ticks.push_back({i * step, number(i * step, decimals)});
  a.low = a.ticks.front().value, a.high = a.ticks.back().value;
  return a;
}

}  // namespace plot
