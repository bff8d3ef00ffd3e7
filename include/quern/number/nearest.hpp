// Rounding to a scalar format: nearest<N>(x) for every format, derived from its values.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>

#include "quern/base/bits.hpp"
#include "quern/number/number.hpp"

namespace quern::inline v0 {

template <class N>
concept rounds_itself = requires {
  { N::nearest(float{}) } -> std::same_as<std::uint32_t>;
};

// The finite values of N in rising order, each once, with the lowest code that has it; -0 counts as 0.
template <scalar_format N>
  requires(N::bits <= 8)
struct sorted_values {
  static constexpr std::size_t capacity = std::size_t{1} << N::bits;
  std::array<float, capacity> value{};
  std::array<std::uint32_t, capacity> code{};
  std::size_t size = 0;
};

template <scalar_format N>
  requires(N::bits <= 8)
inline constexpr sorted_values<N> sorted = [] {
  sorted_values<N> s;
  for (std::uint32_t c = 0; c < s.capacity; ++c) {
    const float v = N::value(c);
    if (!is_finite(v)) continue;
    std::size_t at = s.size;
    while (at > 0 && s.value[at - 1] > v) --at;
    if (at > 0 && s.value[at - 1] == v) continue;
    for (std::size_t i = s.size; i > at; --i) s.value[i] = s.value[i - 1], s.code[i] = s.code[i - 1];
    s.value[at] = v, s.code[at] = c, ++s.size;
  }
  return s;
}();

// The code whose value is nearest to x. Ties go to the lower value's code where the values are irregular, to the even
// multiple of the step where they are equally spaced, and as N says where N rounds by itself. x beyond the ends gives the
// ends; NaN gives the code of the least magnitude, unless N says otherwise.
template <scalar_format N>
constexpr std::uint32_t nearest(float x);

// Whether the sorted values are equally spaced.
template <scalar_format N>
  requires(N::bits <= 8)
inline constexpr bool equally_spaced = [] {
  constexpr const auto& s = sorted<N>;
  if (s.size < 2) return false;
  for (std::size_t i = 2; i < s.size; ++i)
    if (s.value[i] - s.value[i - 1] != s.value[1] - s.value[0]) return false;
  return true;
}();

// The smallest float that is nearer to sorted value i + 1 than to value i, by the rule for ties above.
template <scalar_format N>
  requires(N::bits <= 8)
struct threshold_list {
  std::array<float, sorted_values<N>::capacity> at{};  // size - 1 of them
};

constexpr float next_up(float x) {  // the next float above a finite x
  const std::uint32_t u = float_to_bits(x);
  if ((u & 0x7fffffff) == 0) return float_from_bits(1);
  return float_from_bits(u >> 31 ? u - 1 : u + 1);
}

template <scalar_format N>
  requires(N::bits <= 8)
inline constexpr threshold_list<N> thresholds = [] {
  threshold_list<N> t;
  constexpr const auto& s = sorted<N>;
  for (std::size_t i = 0; i + 1 < s.size; ++i) {
    const float a = s.value[i], b = s.value[i + 1];
    // Twice 53 bits hold the midpoint of any two floats that lie within 2^29 of each other; what is lost further apart
    // is below half a unit of the smaller one.
    const double middle = (static_cast<double>(a) + static_cast<double>(b)) / 2;
    float m = static_cast<float>(middle);
    const bool exact_tie = static_cast<double>(m) == middle;
    if (!exact_tie) {
      if (static_cast<double>(m) < middle) m = next_up(m);  // the first float above the midpoint
    } else if (equally_spaced<N>) {
      const float step = s.value[1] - s.value[0];
      const auto multiple = static_cast<long long>(b / step);  // ties to the even multiple, or to the even index
      const bool even_above = static_cast<float>(multiple) * step == b ? multiple % 2 == 0 : (i + 1) % 2 == 0;
      if (!even_above) m = next_up(m);
    } else {
      m = next_up(m);
    }
    t.at[i] = m;
  }
  return t;
}();

template <scalar_format N>
constexpr std::uint32_t nearest(float x) {
  if constexpr (rounds_itself<N>) {
    return N::nearest(x);
  } else {
    static_assert(N::bits <= 8, "nearest: a format of more than 8 bits must have a member nearest(float)");
    constexpr const auto& s = sorted<N>;
    static_assert(s.size > 0, "nearest: the format has no finite value");
    if (is_nan(x)) x = 0;
    std::size_t low = 0, high = s.size - 1;  // count the thresholds at or below x
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (x >= thresholds<N>.at[middle]) low = middle + 1;
      else high = middle;
    }
    return s.code[low];
  }
}

}  // namespace quern::inline v0
