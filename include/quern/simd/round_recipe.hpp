// How vector code makes codes of quotients: for each number format and rule of rounding the cheapest way that gives the
// reference's code. Found from the values and checked on them, the same for every instruction set; simd/round-inl.hpp
// follows it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <limits>

#include "quern/fit/rounding.hpp"
#include "quern/simd/recipe.hpp"

namespace quern::inline v0 {

// The float below a finite x.
constexpr float next_down(float x) { return -next_up(-x); }

// Whether the codes of a number rise with its values, all of them: 0, 1, 2 ... or the same in two's complement.
template <scalar_format N>
inline constexpr bool codes_rise = [] {
  constexpr const auto& s = sorted<N>;
  for (std::size_t i = 0; i < s.size; ++i)
    if (s.code[i] != i) return false;
  return s.size == s.capacity;
}();
template <scalar_format N>
inline constexpr bool codes_rise_from_middle = [] {
  constexpr const auto& s = sorted<N>;
  for (std::size_t i = 0; i < s.size; ++i)
    if (s.code[i] != ((i + s.capacity / 2) & (s.capacity - 1))) return false;
  return s.size == s.capacity && N::bits >= 2;
}();

// ---- integers: the quotient over the step, rounded, held between the ends ----

enum class integer_rule { none, even, away };
struct integer_rounding {
  integer_rule rule = integer_rule::none;
  float per_step = 0;       // 1 / step, a power of two
  int least = 0, most = 0;  // integers of the ends
};

// The greatest float below 1/2: adding it rounds halves away from zero and nothing else up.
inline constexpr float almost_half = 0x1.fffffep-2f;

constexpr int rounded_integer(const integer_rounding& r, float q) {
  const float t = q * r.per_step, low = static_cast<float>(r.least), high = static_cast<float>(r.most);
  const float held = t < low ? low : t > high ? high : t;
  if (r.rule == integer_rule::away) return static_cast<int>(held + (held < 0 ? -almost_half : almost_half));
  const float shifted = held + 0x1.8p23f;
  return static_cast<int>(shifted - 0x1.8p23f);
}

// Since what is rounded rises with q, it is enough that it changes at the right floats.
template <scalar_format N>
constexpr bool changes_at(const integer_rounding& r, const threshold_list<N>& t) {
  for (std::size_t i = 0; i + 1 < sorted<N>.size; ++i)
    if (rounded_integer(r, t.at[i]) != r.least + static_cast<int>(i) + 1 ||
        rounded_integer(r, next_down(t.at[i])) != r.least + static_cast<int>(i))
      return false;
  return true;
}

template <scalar_format N, rounding R>
inline constexpr integer_rounding integer_rounding_of = [] {
  integer_rounding none;
  if constexpr (N::bits <= 8 && !(R == rounding::nearest && rounds_itself<N>)&&R != rounding::truncate) {
    constexpr const auto& s = sorted<N>;
    if constexpr (s.size >= 2 && equally_spaced<N> && (codes_rise<N> || codes_rise_from_middle<N>)) {
      const float step = s.value[1] - s.value[0];
      if ((float_to_bits(step) & 0x7fffff) != 0 || step < 0x1p-100f || step > 0x1p100f) return none;
      const float first = s.value[0] / step;
      if (first < -0x1p20f || first > 0x1p20f || first != static_cast<float>(static_cast<int>(first))) return none;
      const int least = static_cast<int>(first), most = least + static_cast<int>(s.size) - 1;
      const threshold_list<N> t = [] {
        if constexpr (R == rounding::nearest) return thresholds<N>;
        else return decisions<N, R>;
      }();
      for (const integer_rule rule : {integer_rule::even, integer_rule::away}) {
        const integer_rounding r{rule, 1 / step, least, most};
        if (changes_at<N>(r, t)) return r;
      }
    }
  }
  return none;
}();

// ---- steps: the floats at which the code changes ----

// The codes of rising quotients: code[i] from at[i - 1] on. `ok` if there are at most Most + 1 of them.
template <std::size_t Most>
struct code_steps {
  bool ok = false;
  std::size_t count = 0;  // of changes
  std::array<float, Most + 1> at{};
  std::array<std::uint32_t, Most + 1> code{};
};

// Floats in rising order, as integers; both zeros are 0.
constexpr std::int32_t rank_of(float x) {
  const std::uint32_t u = float_to_bits(x), a = u & 0x7fffffff;
  return u >> 31 ? -static_cast<std::int32_t>(a) : static_cast<std::int32_t>(a);
}
constexpr float of_rank(std::int32_t i) {
  return float_from_bits(i < 0 ? 0x80000000u | static_cast<std::uint32_t>(-i) : static_cast<std::uint32_t>(i));
}

// Of a number that rounds itself: found by bisection, each code standing for one interval.
template <scalar_format N>
constexpr auto own_steps() {
  code_steps<15> s;
  if (N::nearest(0.0f) != N::nearest(-0.0f)) return s;
  constexpr std::int64_t end = rank_of(std::numeric_limits<float>::infinity());
  const auto code_of = [](std::int64_t rank) { return N::nearest(of_rank(static_cast<std::int32_t>(rank))); };
  std::int64_t at = -end;
  s.code[0] = code_of(at);
  while (s.code[s.count] != code_of(end)) {
    std::int64_t above = end;  // the last rank of this code lies in [at, above)
    while (above - at > 1) {
      const std::int64_t middle = at + (above - at) / 2;
      (code_of(middle) == s.code[s.count] ? at : above) = middle;
    }
    if (s.count == 15) return s;
    s.at[s.count] = of_rank(static_cast<std::int32_t>(above));
    ++s.count;
    s.code[s.count] = code_of(above);
    at = above;
  }
  s.ok = true;
  return s;
}

template <scalar_format N, rounding R>
inline constexpr auto steps_of = [] {
  if constexpr (N::bits > 8 || R == rounding::truncate) {
    return code_steps<15>{};
  } else if constexpr (R == rounding::nearest && rounds_itself<N>) {
    if constexpr (N::bits <= 4) return own_steps<N>();
    else return code_steps<15>{};
  } else {
    constexpr const auto& s = sorted<N>;
    code_steps<(s.size > 16 ? 255 : 15)> t;
    t.ok = s.size > 0;
    t.count = s.size - 1;
    for (std::size_t i = 0; i < s.size; ++i) {
      t.code[i] = s.code[i];
      if (i + 1 == s.size) break;
      if constexpr (R == rounding::nearest) t.at[i] = thresholds<N>.at[i];
      else t.at[i] = decisions<N, R>.at[i];
    }
    return t;
  }
}();

// Up to 15 steps in 32 cells of equal width, one step to a cell at most: cell i is where q / width rounds to i, modulo 32.
// In a cell the code is below[i], from at[i] on above[i].
struct step_cells {
  bool ok = false;
  float per_cell = 0, first = 0, last = 0;  // 1 / width, a power of two; quotients of the outermost cells
  alignas(64) std::array<float, 32> at{};
  alignas(64) std::array<std::int32_t, 32> below{}, above{};
};

template <scalar_format N, rounding R>
inline constexpr step_cells cells_of = [] {
  constexpr const auto& s = steps_of<N, R>;
  step_cells c;
  if (!s.ok || s.count == 0 || s.count > 15) return c;
  for (int e = -60; e <= 60; ++e) {
    c.per_cell = exp2i(e);
    std::array<float, 15> cell{}, below{};  // of each step, and of the float below it
    bool apart = true;
    for (std::size_t k = 0; k < s.count; ++k) {
      cell[k] = round_even(s.at[k] * c.per_cell), below[k] = round_even(next_down(s.at[k]) * c.per_cell);
      if (k > 0 && cell[k - 1] == below[k - 1] && below[k] == cell[k] && cell[k - 1] == cell[k]) apart = false;
    }
    if (cell[s.count - 1] - below[0] > 31) return c;
    if (!apart) continue;
    c.ok = true, c.first = below[0] / c.per_cell, c.last = cell[s.count - 1] / c.per_cell;
    std::size_t k = 0;  // steps that lie before the cell, or where it begins
    for (float here = below[0]; here < below[0] + 32; ++here) {
      while (k < s.count && below[k] < here && cell[k] <= here) ++k;
      const bool inside = k < s.count && below[k] == here && cell[k] == here;
      const auto i = static_cast<std::size_t>(static_cast<int>(here) & 31);
      c.at[i] = inside ? s.at[k] : std::numeric_limits<float>::quiet_NaN();
      c.below[i] = static_cast<std::int32_t>(s.code[k]);
      if (inside) ++k;
      c.above[i] = static_cast<std::int32_t>(s.code[k]);
    }
    return c;
  }
  return c;
}();

// The steps as a number format: the value of code i is step i; NaN, which no q reaches, where there is none.
template <scalar_format N, rounding R>
struct step_values {
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t i) {
    return i < steps_of<N, R>.count ? steps_of<N, R>.at[i] : std::numeric_limits<float>::quiet_NaN();
  }
};

// Up to 2^Depths - 1 steps, arranged for halving: level k of the tree, 2^k steps, lies at 2^k - 1. 16 numbers more, so that
// whole vectors can be read.
template <scalar_format N, rounding R, std::size_t Depths>
inline constexpr auto step_tree = [] {
  constexpr std::size_t ends = std::size_t{1} << Depths;
  std::array<float, ends + 16> t{};
  for (std::size_t depth = 0; depth < Depths; ++depth)
    for (std::size_t n = 0; n < std::size_t{1} << depth; ++n)
      t[(std::size_t{1} << depth) - 1 + n] =
          step_values<N, R>::value(static_cast<std::uint32_t>((2 * n + 1) * (ends / 2 >> depth) - 1));
  return t;
}();

// Whether the code is the number of steps at or below the quotient.
template <scalar_format N, rounding R>
inline constexpr bool step_codes_rise = [] {
  constexpr const auto& s = steps_of<N, R>;
  for (std::size_t i = 0; i <= s.count; ++i)
    if (s.code[i] != i) return false;
  return true;
}();

// The upper 16 bits of a float's rank, negative zero below positive zero.
constexpr std::int16_t short_rank(float x) {
  const std::uint32_t u = float_to_bits(x);
  return static_cast<std::int16_t>((u ^ (u >> 31 ? 0x7fffffffu : 0u)) >> 16);
}

// Whether more than 15 steps are told apart by their short ranks, so that these leave one step to be compared.
template <scalar_format N, rounding R>
inline constexpr bool has_short_ranks = [] {
  constexpr const auto& s = steps_of<N, R>;
  if (!s.ok || s.count <= 15) return false;
  for (std::size_t i = 0; i < s.count; ++i)
    if (s.at[i] == 0 || (i != 0 && short_rank(s.at[i]) == short_rank(s.at[i - 1]))) return false;
  return true;
}();

// ---- floats of another width: bits rounded to even by integer operations ----

// With a = |q| and its bits u: where a < smallest (the least normal number), code = bits(a + magic) - bits(magic); else
// code = (u - rebias + half + the last bit kept) >> shift, at most `most`. Then the sign, or 0 for a negative q if unsigned.
struct float_rounding {
  bool ok = false, is_signed = false;
  unsigned shift = 0;
  std::uint32_t rebias = 0, most = 0;
  float smallest = 0, magic = 0;
};

constexpr std::uint32_t rounded_bits(const float_rounding& r, unsigned bits, float q) {
  const std::uint32_t u = float_to_bits(q), a = u & 0x7fffffff;
  if (!r.is_signed && u >> 31) return 0;
  std::uint32_t code;
  if (float_from_bits(a) < r.smallest) code = float_to_bits(float_from_bits(a) + r.magic) - float_to_bits(r.magic);
  else code = (a - r.rebias + ((1u << (r.shift - 1)) - 1) + (a >> r.shift & 1)) >> r.shift;
  return (code < r.most ? code : r.most) | (r.is_signed ? u >> 31 << (bits - 1) : 0);
}

template <scalar_format N>
inline constexpr float_rounding float_rounding_of = [] {
  float_rounding r;
  if constexpr (says_it_is_a_float<N> && rounds_itself<N>) {
    constexpr bit_shift_facts f = bit_shift_float<N>;
    if (!f.ok || f.exponent_offset < 0 || f.shift == 0) return r;
    const int mantissa = 23 - static_cast<int>(f.shift),
              least = f.exponent_offset - 126;  // exponent of the least normal
    if (least > 100) return r;
    r = {true,
         f.is_signed,
         f.shift,
         static_cast<std::uint32_t>(f.exponent_offset) << 23,
         N::nearest(std::numeric_limits<float>::infinity()),
         f.exponent_offset == 0 ? 0.0f : exp2i(least),
         exp2i(least - mantissa + 23)};
    const std::uint32_t end = 1u << (N::bits - f.is_signed);
    const auto same = [&](float x) {
      return rounded_bits(r, N::bits, x) == N::nearest(x) && rounded_bits(r, N::bits, -x) == N::nearest(-x);
    };
    // At every value and middle of two, with the floats beside them; of a long format at some, and where subnormals end.
    const auto at = [&](std::uint32_t code) {
      const float v = N::value(code), next = code + 1 < end ? N::value(code + 1) : v;
      r.ok = r.ok && same(v);
      if (!is_finite(v) || !is_finite(next)) return;
      const float middle = static_cast<float>((static_cast<double>(v) + static_cast<double>(next)) / 2);
      r.ok = r.ok && same(next_up(v)) && same(next_down(next)) && same(middle) && same(next_up(middle)) &&
             same(next_down(middle));
    };
    const std::uint32_t stride = N::bits <= 8 ? 1 : end / 64 | 1, normal = 1u << mantissa;
    for (std::uint32_t code = 0; code < end && is_finite(N::value(code)); code += stride) at(code);
    if (N::bits > 8)
      for (const std::uint32_t code : {1u, 2u, normal - 1, normal, 2 * normal - 1}) at(code);
    r.ok = r.ok && same(std::numeric_limits<float>::max()) && same(std::numeric_limits<float>::infinity()) && same(0);
  }
  return r;
}();

// ---- the choice ----

enum class round_recipe { binary32, binary16, integers, truncation, floats, short_steps, long_steps, calls };

template <scalar_format N, rounding R>
inline constexpr round_recipe round_recipe_of = [] {
  if constexpr (R == rounding::truncate) {
    return round_recipe::truncation;
  } else if constexpr (R == rounding::nearest && is_binary32<N>) {
    return round_recipe::binary32;
  } else if constexpr (R == rounding::nearest && float_rounding_of<N>.ok) {
    return is_binary16<N> && float_rounding_of<N>.most == 0x7c00 ? round_recipe::binary16 : round_recipe::floats;
  } else if constexpr (integer_rounding_of<N, R>.rule != integer_rule::none) {
    return round_recipe::integers;
  } else {
    constexpr const auto& s = steps_of<N, R>;
    return !s.ok ? round_recipe::calls : s.count <= 15 ? round_recipe::short_steps : round_recipe::long_steps;
  }
}();

}  // namespace quern::inline v0
