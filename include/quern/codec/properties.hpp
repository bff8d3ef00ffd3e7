// What a kernel may know of a declaration: facts of its numbers, never names of formats. Every fact is found in the values
// themselves, so a user's format has it, too. Each is a variable template, computed once and only where it is asked for.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "quern/base/bits.hpp"
#include "quern/codec/parts.hpp"
#include "quern/number/grid.hpp"
#include "quern/number/number.hpp"

namespace quern::inline v0 {

// ---- which formats can be asked ----

// One value a code, and few enough to try them all.
template <class N>
concept tabulated = scalar_format<N> && N::bits <= 8;

// Few enough codes to try them all, of one value or of several.
template <class N>
concept enumerable = number_format<N> && N::bits <= 12 && (elements<N> << N::bits) <= 4096;

// value_table<N>[code], the whole format.
template <tabulated N>
inline constexpr auto value_table = [] {
  std::array<float, std::size_t{1} << N::bits> table{};
  for (std::uint32_t code = 0; code < table.size(); ++code) table[code] = N::value(code);
  return table;
}();

// visit(v) for every value, repeated ones included; of grids, every magnitude with every sign that it may have.
template <number_format N>
  requires(enumerable<N> || point_format<N>)
constexpr void each_value(auto visit) {
  if constexpr (point_format<N>) {
    for (const auto& level : N::magnitudes) {
      visit(static_cast<float>(level));
      if (N::sign_rule != signs::none) visit(-static_cast<float>(level));
    }
  } else {
    for (std::uint32_t code = 0; code < 1u << N::bits; ++code)
      for (std::size_t j = 0; j < elements<N>; ++j) visit(value<N>(code, j));
  }
}

// ---- small integers times a constant ----

// Every value is integer * unit, least <= integer <= most. unit is the largest power of two of which that is true, so the
// integers are as small as they can be. unit is 0 where there is none, or the integers do not fit into a byte, signed,
// unsigned or shifted (most - least <= 255).
struct small_integers {
  float unit = 0;
  int least = 0, most = 0;
  constexpr explicit operator bool() const { return unit != 0; }
  constexpr bool fit_i8() const { return unit != 0 && least >= -128 && most <= 127; }
  constexpr bool fit_u8() const { return unit != 0 && least >= 0 && most <= 255; }
  bool operator==(const small_integers&) const = default;
};

// The exponent of the lowest bit that is set in a finite x other than 0.
constexpr int lowest_exponent(float x) {
  const std::uint32_t u = float_to_bits(x), e = u >> 23 & 255;
  return static_cast<int>(e ? e : 1) - 150 + std::countr_zero(e ? u | 0x800000u : u);
}

// Minus zero is an integer here: right for products and sums, not for decoding (has_negative_zero). NaN and infinity are none.
template <number_format N>
inline constexpr small_integers as_small_integers = [] {
  small_integers none, s;
  if constexpr (enumerable<N> || point_format<N>) {
    int exponent = 128;  // of the unit
    bool finite = true;
    each_value<N>([&](float v) {
      if (!is_finite(v)) finite = false;
      else if (magnitude(v) > 0 && lowest_exponent(v) < exponent) exponent = lowest_exponent(v);
    });
    if (!finite) return none;
    s = {exponent == 128 ? 1.0f : exp2i(exponent), 1 << 30, -(1 << 30)};
    each_value<N>([&](float v) {
      const double scaled = static_cast<double>(v) / static_cast<double>(s.unit);
      if (scaled < -255 || scaled > 255) finite = false;
      if (!finite) return;
      const int i = static_cast<int>(scaled);
      s.least = i < s.least ? i : s.least;
      s.most = i > s.most ? i : s.most;
    });
    return finite && s.most - s.least <= 255 ? s : none;
  }
  return none;
}();

// ---- formulas in place of tables ----

// value(code) = first + step * code, exactly; step is 0 where that is not so. At most 12 bits.
struct progression_facts {
  float first = 0, step = 0;
  bool operator==(const progression_facts&) const = default;
};
template <number_format N>
inline constexpr progression_facts progression_of = [] {
  progression_facts p;
  if constexpr (scalar_format<N> && enumerable<N>) {
    const float first = N::value(0), second = N::value(1);
    if (!is_finite(first) || !is_finite(second)) return p;
    const double step = static_cast<double>(second) - static_cast<double>(first);
    if (step < -0x1p126 || step > 0x1p126 || static_cast<double>(static_cast<float>(step)) != step) return p;
    for (std::uint32_t code = 0; code < 1u << N::bits; ++code) {
      const float v = N::value(code);
      if (!is_finite(v) || static_cast<double>(v) != static_cast<double>(first) + step * code) return p;
    }
    p = {first, static_cast<float>(step)};
  }
  return p;
}();
template <number_format N>
inline constexpr bool is_progression = progression_of<N>.step != 0;

// value(code) = unit * code read as two's complement of N::bits bits; unit is 0 where that is not so. 2 to 12 bits.
template <number_format N>
inline constexpr float twos_complement_unit = [] {
  if constexpr (scalar_format<N> && enumerable<N> && N::bits >= 2) {
    const float unit = N::value(1);
    if (!is_finite(unit)) return 0.0f;
    for (std::uint32_t code = 0; code < 1u << N::bits; ++code) {
      const int i = static_cast<int>(code) - static_cast<int>(code >> (N::bits - 1) << N::bits);
      const float v = N::value(code);
      if (!is_finite(v) || static_cast<double>(v) != static_cast<double>(unit) * i) return 0.0f;
    }
    return unit;
  }
  return 0.0f;
}();
template <number_format N>
inline constexpr bool is_twos_complement = twos_complement_unit<N> != 0;

// value(code) = 2^(code + exponent) for every code whose value is finite (E8M0 and its like).
struct exponent_facts {
  bool ok = false;
  int exponent = 0;
  unsigned nonfinite = 0;  // codes, at the upper end, that are NaN or infinity
};
template <number_format N>
inline constexpr exponent_facts exponents_of = [] {
  exponent_facts p;
  if constexpr (tabulated<N>) {
    const float first = N::value(0);
    if (!is_finite(first) || !(first > 0)) return p;
    p.exponent = lowest_exponent(first);
    for (std::uint32_t code = 0; code < 1u << N::bits; ++code) {
      const float v = N::value(code);
      const int e = static_cast<int>(code) + p.exponent;
      if (!is_finite(v)) ++p.nonfinite;
      else if (p.nonfinite || e > 127 || v != exp2i(e)) return exponent_facts{};
    }
    p.ok = true;
  }
  return p;
}();

// A float of another width: for every code whose value is finite, subnormal ones and both zeros included,
//   value(code) = float_from_bits(sign << 31 | rest << shift) * 2^exponent_offset
// where sign is the highest bit of the code if is_signed, and rest the other bits. In f32 the first factor of a subnormal
// code is subnormal: a kernel that must not depend on the host's flush-to-zero mode builds it as an integer times
// 2^(exponent_offset + shift - 149).
// Formats of more than 8 bits are asked only if they say that they are floats (members mantissa_bits, exponent_bias); they
// are then checked on codes with every exponent, and exhaustively by the tests.
struct bit_shift_facts {
  bool ok = false, is_signed = false;
  unsigned shift = 0;       // 23 - bits of mantissa
  int exponent_offset = 0;  // 127 - bias
  bool has_nonfinite = false;
};

template <class N>
concept says_it_is_a_float = scalar_format<N> && N::bits <= 16 && requires {
  { N::mantissa_bits } -> std::convertible_to<unsigned>;
  { N::exponent_bias } -> std::convertible_to<int>;
};

// Whether the rule above holds for a code, NaN and infinity excepted.
template <scalar_format N>
constexpr bool follows(const bit_shift_facts& f, std::uint32_t code) {
  const float v = N::value(code);
  if (!is_finite(v)) return true;
  const std::uint32_t sign = f.is_signed ? code >> (N::bits - 1) : 0;
  const std::uint32_t rest = code & low_bits(f.is_signed ? N::bits - 1 : N::bits);
  // In double, which holds every step exactly; the sign is compared apart, for the zeros.
  const double unscaled = static_cast<double>(float_from_bits(rest << f.shift));
  const double scaled = f.exponent_offset >= 0 ? unscaled * static_cast<double>(exp2i(f.exponent_offset))
                                               : unscaled / static_cast<double>(exp2i(-f.exponent_offset));
  return float_to_bits(v) >> 31 == sign && static_cast<double>(magnitude(v)) == scaled;
}

template <number_format N>
inline constexpr bit_shift_facts bit_shift_float = [] {
  bit_shift_facts f;
  if constexpr (tabulated<N> || says_it_is_a_float<N>) {
    const float smallest = N::value(1);
    if (!is_finite(smallest) || !(smallest > 0)) return f;
    f.is_signed = float_to_bits(N::value(1u << (N::bits - 1))) == 0x80000000u;
    const unsigned rest = f.is_signed ? N::bits - 1 : N::bits;
    // The least width of the mantissa that fits; code 1 then tells the exponent.
    for (unsigned mantissa = 0; mantissa < rest && mantissa <= 23; ++mantissa) {
      f.shift = 23 - mantissa;
      if (rest + f.shift > 31) continue;
      f.exponent_offset = lowest_exponent(smallest) + 149 - static_cast<int>(f.shift);
      if (f.exponent_offset < -126 || f.exponent_offset > 127) continue;
      bool ok = true;
      if constexpr (tabulated<N>) {
        for (std::uint32_t code = 0; ok && code < 1u << N::bits; ++code) ok = follows<N>(f, code);
      } else {
        if (mantissa != N::mantissa_bits || f.exponent_offset != 127 - N::exponent_bias) continue;
        for (std::uint32_t high = 0; ok && high < 1u << (N::bits - mantissa); ++high)
          for (std::uint32_t low : {0u, 1u, 0x5555u & low_bits(mantissa), low_bits(mantissa)})
            ok = ok && follows<N>(f, high << mantissa | low);
      }
      if (!ok) continue;
      f.ok = true;
      f.has_nonfinite = !is_finite(N::value(low_bits(rest)));  // the codes that are no numbers lie at the upper end
      return f;
    }
    return bit_shift_facts{};
  }
  return f;
}();

// ---- what values may occur ----

// Formats too large to be tried may have anything.
template <number_format N>
inline constexpr bool has_nonfinite = [] {
  if constexpr (enumerable<N> || point_format<N>) {
    bool found = false;
    each_value<N>([&](float v) { found |= !is_finite(v); });
    return found;
  }
  return true;
}();

template <number_format N>
inline constexpr bool has_negative_zero = [] {
  bool found = false;
  if constexpr (point_format<N>) {
    if (N::sign_rule == signs::none) return false;
    bool zero = false;  // levels that no point uses may be zero
    for (const auto& level : N::magnitudes) zero |= static_cast<float>(level) == 0;
    if (!zero) return false;
    for (const std::uint32_t point : N::points)
      for (std::size_t j = 0; j < N::dimension; ++j)
        found |= static_cast<float>(N::magnitudes[point >> (j * N::level_bits) & low_bits(N::level_bits)]) == 0;
  } else if constexpr (enumerable<N>) {
    each_value<N>([&](float v) { found |= float_to_bits(v) == 0x80000000u; });
  } else {
    found = true;
  }
  return found;
}();

// The extremes of the finite values.
struct value_range {
  float least, most;
  bool operator==(const value_range&) const = default;
};
template <number_format N>
  requires(enumerable<N> || point_format<N>)
inline constexpr value_range range_of = [] {
  value_range r{0, 0};
  bool first = true;
  each_value<N>([&](float v) {
    if (!is_finite(v)) return;
    if (first || v < r.least) r.least = v;
    if (first || v > r.most) r.most = v;
    first = false;
  });
  return r;
}();

// ---- groups ----

// The offset enters y as offset * sum(x) over the offset's region, so the kernel needs sums of activations.
template <class C>
inline constexpr bool needs_sums = C::symmetry::offsets::size > 0;

template <class C, std::size_t K>
inline constexpr shape level_region = C::granularity::template level<K>::region;
template <class C, std::size_t K>
inline constexpr shape offset_region = C::symmetry::offsets::template level<K>::region;

// The smaller extents of two regions, `all` being the largest.
constexpr shape smaller(shape a, shape b) {
  const auto least = [](std::size_t x, std::size_t y) { return x == all ? y : y == all ? x : x < y ? x : y; };
  return {least(a.rows, b.rows), least(a.cols, b.cols)};
}

// The weights that share all levels of a granularity; {all, all} where it has none.
template <granularity G>
inline constexpr shape region_of = [] {
  shape r{all, all};
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((r = smaller(r, G::template level<I>::region)), ...);
  }(std::make_index_sequence<G::size>{});
  return r;
}();
template <class C>
inline constexpr shape finest_region = region_of<typename C::granularity>;
template <class C>
inline constexpr shape finest_offset_region = region_of<typename C::symmetry::offsets>;

}  // namespace quern::inline v0
