// What a fit reads of the weights of a region.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

#include "quern/base/bits.hpp"

namespace quern::inline v0 {

enum class statistic {
  magnitude,    // the greatest |x|
  extreme,      // the weight of the greatest |x|, with its sign; the first of equals
  range,        // the least and the greatest x; of zeros that differ in sign, the first
  mean,         // of |x|: added one after the other in f32, divided by their number
  precise_mean  // of |x|: added one after the other in double, divided, rounded to f32
};

// Only what the kind says is set. No weights: all 0.
struct statistics {
  float magnitude = 0, extreme = 0, least = 0, greatest = 0, mean = 0;
};

// each(f) calls f(x) for every weight of the region, row by row.
template <statistic Kind>
constexpr statistics gather(auto&& each) {
  statistics s;
  bool first = true;
  float sum = 0;
  double precise_sum = 0;
  std::size_t count = 0;
  each([&](float x) {
    const float m = magnitude(x);
    if constexpr (Kind == statistic::magnitude) {
      if (m > s.magnitude) s.magnitude = m;
    } else if constexpr (Kind == statistic::extreme) {
      if (m > s.magnitude) s.magnitude = m, s.extreme = x;
    } else if constexpr (Kind == statistic::range) {
      if (first || x < s.least) s.least = x;
      if (first || x > s.greatest) s.greatest = x;
    } else if constexpr (Kind == statistic::mean) {
      sum += m;
    } else {
      precise_sum += static_cast<double>(m);
    }
    first = false, ++count;
  });
  if constexpr (Kind == statistic::mean) {
    if (count > 0) s.mean = sum / static_cast<float>(count);
  } else if constexpr (Kind == statistic::precise_mean) {
    if (count > 0) s.mean = static_cast<float>(precise_sum / static_cast<double>(count));
  }
  return s;
}

}  // namespace quern::inline v0
