// Four floats side by side, for searches that round the same weights many times. Every operation is rounded to f32
// and no product is fused, so that results do not depend on the instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "quern/fit/rounding.hpp"

namespace quern::inline v0::best_fit {

using lanes = float __attribute__((vector_size(16)));
using lane_masks = std::int32_t __attribute__((vector_size(16)));
inline constexpr std::size_t width = 4;

constexpr lanes all_lanes(float x) { return lanes{x, x, x, x}; }

// x, rounded here and now: base/exact.hpp for four.
inline lanes settle(lanes x) {
#if defined(__SSE2__)
  asm("" : "+x"(x));
#elif defined(__aarch64__)
  asm("" : "+w"(x));
#else
  asm("" : "+m"(x));
#endif
  return x;
}
inline float sum_of(lanes x) { return (x[0] + x[1]) + (x[2] + x[3]); }

// Where a mask is set a, else b.
inline lanes choose(lane_masks mask, lanes a, lanes b) {
  return reinterpret_cast<lanes>((mask & reinterpret_cast<lane_masks>(a)) | (~mask & reinterpret_cast<lane_masks>(b)));
}

// The lesser and the greater of two; b where a is NaN. One instruction where compilers would not find it.
inline lanes least_of(lanes a, lanes b) {
#if defined(__SSE2__)
  return __builtin_ia32_minps(a, b);
#else
  return choose(a < b, a, b);
#endif
}
inline lanes greatest_of(lanes a, lanes b) {
#if defined(__SSE2__)
  return __builtin_ia32_maxps(a, b);
#else
  return choose(a > b, a, b);
#endif
}

// Whether value i of a number, in rising order, is value 0 + i * step, computed in f32.
template <class N>
inline constexpr bool on_a_line = [] {
  if constexpr (scalar_format<N> && N::bits <= 8) {
    constexpr const auto& s = sorted<N>;
    if (s.size < 2) return false;
    const float step = s.value[1] - s.value[0];
    for (std::size_t i = 0; i < s.size; ++i)
      if (s.value[0] + step * static_cast<float>(i) != s.value[i] ||
          (s.value[i] - s.value[0]) / step != static_cast<float>(i))
        return false;
    return true;
  }
  return false;
}();

// The values of N nearest to q; ties as they come, NaN the lowest.
template <scalar_format N>
inline lanes near(lanes q) {
  static_assert(N::bits <= 8, "best: a number of the weights must have at most 8 bits");
  constexpr const auto& s = sorted<N>;
  constexpr float low = s.value[0], high = s.value[s.size - 1];
  const lanes magic = all_lanes(0x1.8p23f), first = all_lanes(low), last = all_lanes(high);
  if constexpr (on_a_line<N>) {
    q = least_of(greatest_of(q, first), last);
    constexpr float step = s.value[1] - s.value[0];
    if constexpr (step == 1 && low == static_cast<float>(static_cast<int>(low))) {
      return (q + magic) - magic;
    } else {
      const lanes i = (settle((q - first) * all_lanes(1 / step)) + magic) - magic;
      return settle(i * all_lanes(step)) + first;
    }
  } else if constexpr (s.size <= 32) {
    lanes v = first;
    for (std::size_t i = 0; i + 1 < s.size; ++i)
      v = choose(q >= all_lanes(thresholds<N>.at[i]), all_lanes(s.value[i + 1]), v);
    return v;
  } else {
    return lanes{N::value(nearest<N>(q[0])), N::value(nearest<N>(q[1])), N::value(nearest<N>(q[2])),
                 N::value(nearest<N>(q[3]))};
  }
}

}  // namespace quern::inline v0::best_fit
