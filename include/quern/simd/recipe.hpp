// How vector code makes values of codes: for each number format the cheapest way that gives every value to the bit. Found
// from the values, the same for every instruction set; simd/lookup-inl.hpp follows it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>

#include "quern/codec/properties.hpp"

namespace quern::inline v0 {

// ---- integers: value = unit * (first + step * code), or unit * the code in two's complement; every step exact ----

struct integer_recipe {
  bool ok = false, twos_complement = false;
  std::int32_t first = 0, step = 0;
  float unit = 0;
};
template <class N>
inline constexpr integer_recipe as_integers = [] {
  integer_recipe r;
  if constexpr (is_twos_complement<N>) {
    r = {true, true, 0, 1, twos_complement_unit<N>};
  } else if constexpr (is_progression<N>) {
    constexpr progression_facts p = progression_of<N>;
    // The unit is the lowest bit of first and step; the integers must then be exact in f32.
    int e = lowest_exponent(p.step);
    if (p.first != 0 && lowest_exponent(p.first) < e) e = lowest_exponent(p.first);
    if (e < -149 || e > 100) return r;
    const double unit = static_cast<double>(exp2i(e)), first = static_cast<double>(p.first) / unit,
                 step = static_cast<double>(p.step) / unit;
    if (first < -0x1p23 || first > 0x1p23 || step < -0x1p11 || step > 0x1p11) return r;
    r = {true, false, static_cast<std::int32_t>(first), static_cast<std::int32_t>(step), exp2i(e)};
  }
  if constexpr (enumerable<N> && scalar_format<N>) {  // a zero may have a sign that integers lack
    for (std::uint32_t code = 0; r.ok && code < 1u << N::bits; ++code)
      if (float_to_bits(N::value(code)) == 0x80000000u) r.ok = false;
  }
  return r;
}();

// ---- floats of another width, made by integer operations and one subtraction ----

// With rest = the code's bits `kept`: bits = (rest << shift) + base. Where rest < subnormal_end, the value is instead
// float(bits + 2^23) - float(base + 2^23), which is exact and has no subnormal operand. Where rest >= nonfinite, the bits of
// infinity are added by `or`. A few codes may have bits of their own instead.
struct float_recipe {
  struct patch {
    std::uint32_t code = 0, bits = 0;
  };
  static constexpr std::size_t most_patches = 2;

  bool ok = false, is_signed = false;
  unsigned shift = 0;
  std::uint32_t kept = 0, base = 0, subnormal_end = 0, nonfinite = 0;
  std::size_t patched = 0;
  std::array<patch, most_patches> patches{};
};

constexpr std::uint32_t apply(const float_recipe& r, unsigned bits, std::uint32_t code) {
  for (std::size_t i = 0; i < r.patched; ++i)
    if (r.patches[i].code == code) return r.patches[i].bits;
  const std::uint32_t sign = r.is_signed ? code >> (bits - 1) << 31 : 0;
  const std::uint32_t rest = code & r.kept;
  std::uint32_t u = (rest << r.shift) + r.base;
  if (rest < r.subnormal_end) u = float_to_bits(float_from_bits(u + 0x800000) - float_from_bits(r.base + 0x800000));
  if (rest >= r.nonfinite) u |= 0x7f800000;
  return u | sign;
}
template <class N>
constexpr bool gives(std::uint32_t bits, std::uint32_t code) {
  const float want = N::value(code);
  return is_nan(want) ? (bits & 0x7fffffff) > 0x7f800000 : float_to_bits(want) == bits;
}

// For scales that are floats but for a code or two, such as E8M0, of which 0 is subnormal in f32 and 255 is NaN; without
// a sign, the highest bit perhaps without meaning.
template <tabulated N>
constexpr float_recipe patched_float() {
  constexpr std::uint32_t codes = 1u << N::bits;
  for (const std::uint32_t kept : {codes - 1, codes / 2 - 1})
    for (unsigned mantissa = 0; mantissa < 4; ++mantissa) {
      float_recipe r{true, false, 23 - mantissa, kept, 0, 0, kept + 1, 0, {}};
      r.base = float_to_bits(N::value(codes / 4)) - (codes / 4 << r.shift);
      const bool rises = r.base < 0x7f000000 && r.base != 0;
      if (rises) r.subnormal_end = 1u << mantissa;
      for (std::uint32_t code = 0; r.ok && code < codes; ++code) {
        if (gives<N>(apply(r, N::bits, code), code)) continue;
        if (r.patched == float_recipe::most_patches) r.ok = false;
        else r.patches[r.patched++] = {code, float_to_bits(N::value(code))};
      }
      if (r.ok) return r;
    }
  return {};
}

template <class N>
inline constexpr float_recipe as_float = [] {
  float_recipe r;
  if constexpr (tabulated<N> || says_it_is_a_float<N>) {
    constexpr bit_shift_facts f = bit_shift_float<N>;
    if (f.ok && f.exponent_offset >= 0 && f.exponent_offset <= 200) {
      const std::uint32_t end = 1u << (N::bits - f.is_signed);
      r = {true, f.is_signed, f.shift, end - 1, static_cast<std::uint32_t>(f.exponent_offset) << 23, 1u << (23 - f.shift),
           end,  0,           {}};
      if (f.exponent_offset == 0) r.subnormal_end = 0;  // subnormals are f32's own
      if (f.has_nonfinite)
        while (r.nonfinite > 0 && !is_finite(N::value(r.nonfinite - 1))) --r.nonfinite;
      const auto right = [&](std::uint32_t code) { return gives<N>(apply(r, N::bits, code), code); };
      if constexpr (N::bits <= 8) {
        for (std::uint32_t code = 0; r.ok && code < 1u << N::bits; ++code) r.ok = right(code);
      } else {
        const unsigned mantissa = 23 - f.shift;
        for (std::uint32_t high = 0; r.ok && high < 1u << (N::bits - mantissa); ++high)
          for (std::uint32_t low : {0u, 1u, 0x5555u & low_bits(mantissa), low_bits(mantissa)})
            r.ok = r.ok && right(high << mantissa | low);
      }
    }
    if constexpr (tabulated<N>)
      if (!r.ok && N::bits >= 5) return patched_float<N>();
  }
  return r;
}();

// f32 itself, and IEEE binary16, which most machines convert in one instruction.
template <class N>
inline constexpr bool is_binary32 = [] {
  if constexpr (requires { requires N::bits == 32 && N::mantissa_bits == 23 && N::exponent_bias == 127; })
    return float_to_bits(N::value(0x3f812345)) == 0x3f812345 && float_to_bits(N::value(0x80000001)) == 0x80000001;
  return false;
}();
template <class N>
inline constexpr bool is_binary16 = [] {
  if constexpr (says_it_is_a_float<N>) {
    constexpr float_recipe f = as_float<N>;
    return N::bits == 16 && f.ok && f.is_signed && f.shift == 13 && f.base == 112u << 23 && f.nonfinite == 0x7c00;
  }
  return false;
}();

// ---- tables ----

// Padded with zeros to at least 16 entries, so that a whole vector can be loaded.
template <tabulated N>
inline constexpr auto padded_table = [] {
  std::array<float, (N::bits < 4 ? 16 : std::size_t{1} << N::bits)> table{};
  for (std::uint32_t code = 0; code < 1u << N::bits; ++code) table[code] = N::value(code);
  return table;
}();

// bytes[b][code] = byte b of the value, as bits, lowest first; used[b]: whether any is not 0.
struct byte_planes {
  alignas(64) std::array<std::array<std::uint8_t, 256>, 4> bytes{};
  std::array<bool, 4> used{};
};
template <tabulated N>
inline constexpr byte_planes value_planes = [] {
  byte_planes p;
  for (std::uint32_t code = 0; code < 1u << N::bits; ++code)
    for (unsigned b = 0; b < 4; ++b) {
      p.bytes[b][code] = static_cast<std::uint8_t>(float_to_bits(N::value(code)) >> 8 * b);
      p.used[b] = p.used[b] || p.bytes[b][code] != 0;
    }
  return p;
}();

// Up to 16 values that are integers of a byte (signed) times a unit, and no negative zero.
template <class N>
inline constexpr bool has_byte_table = [] {
  if constexpr (tabulated<N>) return N::bits <= 4 && as_small_integers<N>.fit_i8() && !has_negative_zero<N>;
  return false;
}();
template <class N>
inline constexpr auto signed_byte_table = [] {
  std::array<std::int8_t, 16> table{};
  for (std::uint32_t code = 0; code < 1u << N::bits; ++code)
    table[code] = static_cast<std::int8_t>(N::value(code) / as_small_integers<N>.unit);
  return table;
}();

// entry i: the value of the code that is i's low bits.
template <tabulated N>
inline constexpr auto repeated_values = [] {
  static_assert(N::bits <= 5);
  std::array<float, 32> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) table[i] = N::value(i & low_bits(N::bits));
  return table;
}();

// Whether every value is the upper half of an f32, and none subnormal: products of bfloat16 then see the values themselves.
template <class N>
inline constexpr bool has_bf16_values = [] {
  if constexpr (tabulated<N>) {
    for (std::uint32_t code = 0; code < 1u << N::bits; ++code) {
      const std::uint32_t bits = float_to_bits(N::value(code));
      if ((bits & 0xffff) != 0 || ((bits & 0x7f800000) == 0 && (bits & 0x7fffffff) != 0)) return false;
    }
    return true;
  }
  return false;
}();
template <tabulated N>
inline constexpr auto repeated_bf16 = [] {
  static_assert(N::bits <= 6 && has_bf16_values<N>);
  std::array<std::uint16_t, 64> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i)
    table[i] = static_cast<std::uint16_t>(float_to_bits(N::value(i & low_bits(N::bits))) >> 16);
  return table;
}();

enum class recipe { binary32, binary16, integers, byte_table, short_table, floats, long_table, calls };

template <class N>
inline constexpr recipe recipe_of = [] {
  if constexpr (!scalar_format<N>) return recipe::calls;
  else if constexpr (is_binary32<N>) return recipe::binary32;
  else if constexpr (is_binary16<N>) return recipe::binary16;
  else if constexpr (as_integers<N>.ok) return recipe::integers;
  else if constexpr (has_byte_table<N>) return recipe::byte_table;
  else if constexpr (N::bits <= 4) return recipe::short_table;
  else if constexpr (as_float<N>.ok) return recipe::floats;
  else if constexpr (N::bits <= 8) return recipe::long_table;
  else return recipe::calls;
}();

}  // namespace quern::inline v0
