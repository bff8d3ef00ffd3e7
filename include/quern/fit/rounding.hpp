// From a real quotient to a code: the number's own rounding, other rules for ties, and truncation.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/exact.hpp"
#include "quern/number/nearest.hpp"

namespace quern::inline v0 {

// Which of two neighbouring values a quotient becomes. All but `truncate` choose the nearest value and differ in ties;
// for numbers of up to 8 bits they are all the same search, in thresholds<N> or decisions<N, R>.
enum class rounding {
  nearest,       // ties as the number says: number/nearest.hpp
  ties_down,     // to the lower value
  ties_up,       // to the higher value
  ties_to_zero,  // to the lesser magnitude
  ties_away,     // to the greater magnitude: C's round()
  truncate       // code = q - value(0) + 0.5, cut toward zero: for numbers of consecutive integers
};

// The smallest float that goes to sorted value i + 1 and not to value i, under rule R.
template <scalar_format N, rounding R>
requires(N::bits <= 8) inline constexpr threshold_list<N> decisions = [] {
  threshold_list<N> t;
  constexpr const auto& s = sorted<N>;
  for (std::size_t i = 0; i + 1 < s.size; ++i) {
    const float a = s.value[i], b = s.value[i + 1];
    const double middle = (static_cast<double>(a) + static_cast<double>(b)) / 2;
    const float m = static_cast<float>(middle);
    const bool lesser_is_above =
        magnitude(b) < magnitude(a) || (magnitude(b) == magnitude(a) && s.code[i + 1] < s.code[i]);
    const bool tie_goes_up = R == rounding::ties_up || (R == rounding::ties_to_zero && lesser_is_above) ||
                             (R == rounding::ties_away && !lesser_is_above);
    const bool m_goes_up = static_cast<double>(m) == middle ? tie_goes_up : static_cast<double>(m) > middle;
    t.at[i] = m_goes_up ? m : next_up(m);
  }
  return t;
}();

// Whether value(code) = value(0) + code.
template <class N>
concept consecutive_integers = scalar_format<N> && N::bits <= 8 &&
                               equally_spaced<N>&& N::value(1) == N::value(0) + 1.0f && sorted<N>.code[0] == 0;

// Whether N's values are consecutive integers, in whatever order its codes are, and N does not round by itself.
template <class N>
inline constexpr bool is_integers = [] {
  if constexpr (scalar_format<N> && !rounds_itself<N>) {
    if constexpr (N::bits <= 8) {
      const float first = sorted<N>.value[0];
      return equally_spaced<N> && sorted<N>.value[1] - first == 1 &&
             first == static_cast<float>(static_cast<int>(first));
    }
  }
  return false;
}();

// x, rounded to an integer, ties to even.
constexpr float round_even(float x) {
  if (!(magnitude(x) < 0x1p22f)) return x;
  return exact(x + 0x1.8p23f) - 0x1.8p23f;
}

// The integer of N that quotient q becomes; the lowest for NaN, which a fit's sums over huge weights may give.
template <scalar_format N>
requires is_integers<N>
constexpr float round_to_integer(float q) {
  constexpr float low = sorted<N>.value[0], high = sorted<N>.value[sorted<N>.size - 1];
  return round_even(q > low ? q < high ? q : high : low);
}

// The code that quotient q becomes. Beyond the ends it is that of the nearest end.
template <scalar_format N, rounding R>
constexpr std::uint32_t round_to(float q) {
  if constexpr (R == rounding::nearest && is_integers<N>) {
    return sorted<N>.code[static_cast<std::size_t>(round_to_integer<N>(q) - sorted<N>.value[0])];
  } else if constexpr (R == rounding::nearest) {
    return nearest<N>(q);
  } else if constexpr (R == rounding::truncate) {
    static_assert(consecutive_integers<N>, "rounding::truncate: the number's values must be consecutive integers");
    constexpr auto last = static_cast<float>(low_bits(N::bits));
    const float t = exact(q) + (0.5f - N::value(0));
    return !(t >= 1.0f) ? 0 : t >= last ? low_bits(N::bits) : static_cast<std::uint32_t>(t);
  } else {
    static_assert(N::bits <= 8, "rounding: a rule for ties of one's own needs a number of at most 8 bits");
    constexpr const auto& s = sorted<N>;
    std::size_t low = 0, high = s.size - 1;  // count the thresholds at or below q
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (q >= decisions<N, R>.at[middle]) low = middle + 1;
      else high = middle;
    }
    return s.code[low];
  }
}

// The value of that code.
template <scalar_format N, rounding R>
constexpr float value_near(float q) {
  if constexpr (R == rounding::nearest && is_integers<N>) return round_to_integer<N>(q);
  else return N::value(round_to<N, R>(q));
}

// The code nearest to x whose value is finite: a scale is never stored as infinity or NaN. NaN is taken for 0.
template <scalar_format N>
constexpr std::uint32_t nearest_finite(float x) {
  if (is_nan(x)) x = 0;
  const std::uint32_t code = nearest<N>(x), sign = float_to_bits(x) & 0x80000000u;
  if (is_finite(N::value(code))) return code;
  std::uint32_t good = 0, bad = float_to_bits(magnitude(x));  // magnitudes that stay finite, and that do not
  while (bad - good > 1) {
    const std::uint32_t middle = good + (bad - good) / 2;
    if (is_finite(N::value(nearest<N>(float_from_bits(middle | sign))))) good = middle;
    else bad = middle;
  }
  return nearest<N>(float_from_bits(good | sign));
}

}  // namespace quern::inline v0
