// What a fit is: it chooses the scale and the offset of one region from its weights, and says how a weight then becomes
// a code. It knows no layout and writes no bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>
#include <limits>

#include "quern/codec/codec.hpp"
#include "quern/fit/nearest_vector.hpp"
#include "quern/fit/region.hpp"
#include "quern/fit/rounding.hpp"
#include "quern/fit/statistics.hpp"

namespace quern::inline v0 {

// ---- choosing codes: data, so that scalar and SIMD code do the same arithmetic ----

enum class from {
  ideal,   // the scale and offset as fitted
  stored,  // as they are read back from their codes
};
enum class by {
  reciprocal,  // times 1 / scale, rounded to f32; where that is not finite, divided by the scale
  division,    // divided by the scale
  nothing      // the weight itself: for numbers of which only the sign counts
};
// What is done with an offset. All but the first are for zero points: s * (v - z).
enum class offset_rule {
  shift,       // q = (x - weight(s, 0, o)) / s: of any symmetry
  add,         // q = x / s + z
  add_rounded  // q = (x / s, rounded to an integer, ties to even) + z
};

// How a weight becomes a code once scale and offset of its region are chosen. Every step is rounded to f32.
struct code_rule {
  from scale = from::stored;
  by how = by::reciprocal;
  rounding round = rounding::nearest;
  offset_rule offset = offset_rule::shift;
  bool balanced = false;  // values beyond what the number reaches on both sides of 0 are not used
};

// ---- the result of a fit ----

// What the levels of scales together, and those of offsets, should give in a region.
struct affine {
  float scale = 0, offset = 0;
};
// The same with the map to quotients that goes with it, where that is not 1 / scale and the shift of scale and offset:
// q = (x - shift) * inverse.
struct mapped : affine {
  float inverse = 0, shift = 0;
};

// A fit over statistics: `reads` says which, ideal<C>(s) makes an affine or mapped of them, once for each region, and
// `codes` says how codes are chosen.
template <class F>
concept statistics_fit = requires {
  { F::reads } -> std::convertible_to<statistic>;
  { F::codes } -> std::convertible_to<code_rule>;
};
// A fit over the weights themselves: ideal<C>(w) makes a mapped of the region (fit/region.hpp), importance and all.
template <class F>
concept search_fit = !statistics_fit<F> && requires {
  { F::codes } -> std::convertible_to<code_rule>;
};
// A fit over the blocks of the coarser of two levels (fit/block.hpp): group<C>(w, block) fits one group of a block,
// scales<C>(groups) and offsets<C>(groups) then choose the codes of both levels of a block.
template <class F>
concept block_fit = search_fit<F> && requires {
  requires F::fits_blocks;
};
// A fit that chooses every part of a block of the coarser of two levels: choose<C>(block) makes a fitted_block of the
// block's weights.
template <class F>
concept whole_block_fit = requires {
  requires F::chooses_blocks;
};
template <class F>
concept fits_in_blocks = block_fit<F> || whole_block_fit<F>;
template <class F>
concept any_fit = statistics_fit<F> || search_fit<F> || whole_block_fit<F>;

// ---- what a fit may have besides; for levels of scales only ----

// The code that the coarsest of several multiplied levels stores, from the statistics of that level's region. Else it
// is the least number that serves.
template <class F, class C>
concept chooses_coarsest = statistics_fit<F> && requires {
  { F::template coarsest_code<C>(statistics{}) } -> std::same_as<std::uint32_t>;
};
// The code that the finest multiplied level stores, from the statistics of the region and what the coarser levels make
// (1 if there is none). Else it is the number nearest to the ideal scale / what the coarser levels make.
template <class F, class C>
concept chooses_finest = statistics_fit<F> && requires {
  { F::template finest_code<C>(statistics{}, float{}) } -> std::same_as<std::uint32_t>;
};
// The same code as that of a number: finest_code is the nearest_finite one to finest_number. Vector code then rounds.
template <class F, class C>
concept chooses_finest_number = chooses_finest<F, C> && requires {
  { F::template finest_number<C>(statistics{}, float{}) } -> std::same_as<float>;
};
// What the levels finer than the coarsest are taken to reach together. Else the product of what their numbers reach.
template <class F>
concept chooses_reach = requires {
  { F::finer_reach } -> std::convertible_to<float>;
};
// A better scale and offset than the ideal, once the coarser levels are stored, by which those stored are known:
// settled(a) is what would be read back if `a` were wanted (an offset of several levels is taken as it is).
template <class F, class C>
concept refines = requires(const weight_region& w, affine a, affine (*settled)(affine)) {
  { F::template refine<C>(w, a, settled) } -> std::same_as<affine>;
};
// What to store of the sum of the values of some weights whose region has the ideal `a`, for layouts with `sums`.
template <class F, class C>
concept stores_sums = any_fit<F> && requires(float sum, affine a) {
  { F::template sum_code<C>(sum, a) } -> std::same_as<std::uint32_t>;
};
// Another fit for weights that have an importance.
template <class F>
concept has_weighted_form = any_fit<typename F::with_importance>;

// ---- properties of codecs that fits ask for ----

// The least and the greatest finite value of a number; numbers of more than 8 bits count as unbounded.
template <number_format N>
inline constexpr float lowest = [] {
  if constexpr (scalar_format<N> && N::bits <= 8) return sorted<N>.value[0];
  else return -std::numeric_limits<float>::max();
}();
template <number_format N>
inline constexpr float highest = [] {
  if constexpr (scalar_format<N> && N::bits <= 8) return sorted<N>.value[sorted<N>.size - 1];
  else return std::numeric_limits<float>::max();
}();

// The magnitude that a number reaches on both sides of 0, or on its only side; the greatest of a vector format. Scalar
// numbers of more than 8 bits are floating point with room on both sides of 1: they get 1.
template <number_format N>
inline constexpr float reach = [] {
  if constexpr (scalar_format<N> && N::bits <= 8) {
    const float below = -lowest<N>, above = highest<N>;
    return below <= 0 ? above : above <= 0 ? below : below < above ? below : above;
  } else if constexpr (vector_format<N>) {
    return vector_reach<N>;
  } else {
    return 1.0f;
  }
}();

// Whether a number's positive values are powers of two, all of them.
template <number_format N>
inline constexpr bool powers_of_two = [] {
  if constexpr (scalar_format<N> && N::bits <= 8) {
    for (std::size_t i = 0; i < sorted<N>.size; ++i) {
      const float v = sorted<N>.value[i];
      const std::uint32_t u = float_to_bits(v), significand = u & 0x7fffff;
      if (v <= 0 || !(u >> 23 ? significand == 0 : (significand & (significand - 1)) == 0)) return false;
    }
    return sorted<N>.size > 2;
  } else {
    return false;
  }
}();

// The least power of two that is at least x > 0, or the greatest there is; 0 for 0.
constexpr float power_of_two_above(float x) {
  const std::uint32_t u = float_to_bits(x), e = u >> 23;
  if (e == 0) return float_from_bits(u == 0 ? 0 : std::bit_ceil(u));
  return float_from_bits((u & 0x7fffff) && e < 254 ? (e + 1) << 23 : e << 23);
}

template <class C>
inline constexpr bool has_offset = C::symmetry::offsets::size > 0;

// Whether offsets are zero points: s * (v - z).
template <class C>
inline constexpr bool has_zero_point = [] {
  using S = typename C::symmetry;
  return has_offset<C> && S::weight(2, 1, 1) == 0 && S::weight(2, 3, 1) == 4;
}();

// Whether the zero point is one of at most four that lie within a quarter of the number's range: it shifts the values a
// little, and all can be tried.
template <class C>
inline constexpr bool has_slight_offset = [] {
  using O = typename C::symmetry::offsets;
  if constexpr (has_zero_point<C> && O::size == 1) {
    using Z = typename O::template level<0>::number;
    using N = typename C::number;
    const float range = vector_format<N> ? 2 * reach<N> : highest<N> - lowest<N>;
    return Z::bits <= 2 && (highest<Z> - lowest<Z>)*4 <= range;
  } else {
    return false;
  }
}();

// ---- from weight to code ----

// 1 / s, and 0 for 0: a region without a scale has codes of 0.
constexpr float inverse_or_zero(float s) { return s == 0 ? 0 : 1 / s; }

// What turns the weights of one region into quotients: q = (x - shift) * factor, or / factor, then + zero. Made once
// for each region.
struct element_map {
  float shift = 0, factor = 0, zero = 0;
  bool divides = false;
};

// Whether the map's shift is used.
template <class C, any_fit Fit>
inline constexpr bool shifts = search_fit<Fit> || (has_offset<C> && Fit::codes.offset == offset_rule::shift);

template <class C, any_fit Fit>
constexpr element_map map_of(const auto& ideal, const affine& stored) {
  constexpr code_rule rule = Fit::codes;
  static_assert(rule.offset == offset_rule::shift || has_zero_point<C>,
                "fit: this rule adds a zero point to the quotient, so the symmetry must be zero_point<...>");
  const affine used = rule.scale == from::ideal ? affine{ideal.scale, ideal.offset} : stored;
  element_map m;
  if constexpr (rule.offset != offset_rule::shift) m.zero = used.offset;
  if constexpr (rule.scale == from::ideal && requires { ideal.inverse; }) {
    m.shift = ideal.shift, m.factor = ideal.inverse;
  } else {
    if constexpr (shifts<C, Fit>) m.shift = exact(C::symmetry::weight(used.scale, 0, used.offset)) + 0.0f;  // not -0
    m.factor = inverse_or_zero(used.scale);
    m.divides = used.scale != 0 && (rule.how == by::division || !is_finite(m.factor));
    if (m.divides) m.factor = used.scale;
  }
  return m;
}

// The quotient that is rounded to a value of C's number.
template <class C, any_fit Fit>
constexpr float quotient_of(float x, const element_map& m) {
  constexpr code_rule rule = Fit::codes;
  if constexpr (rule.how == by::nothing) return x;
  float q = x;
  if constexpr (shifts<C, Fit>) q = exact(x - m.shift);
  q = m.divides ? q / m.factor : q * m.factor;
  if constexpr (rule.offset == offset_rule::add) q = exact(q) + m.zero;
  if constexpr (rule.offset == offset_rule::add_rounded) q = round_even(q) + m.zero;
  if constexpr (rule.balanced) {
    constexpr float end = reach<typename C::number>;
    q = q > end ? end : q < -end ? -end : q;
  }
  return q;
}

// The code of weight x in a region with map m.
template <class C, any_fit Fit>
requires scalar_format<typename C::number>
constexpr std::uint32_t code_of(float x, const element_map& m) {
  return round_to<typename C::number, Fit::codes.round>(quotient_of<C, Fit>(x, m));
}

// The same for the neighbours x, of which e says how much each counts.
template <class C, any_fit Fit>
requires vector_format<typename C::number>
constexpr std::uint32_t code_of(vector_of<typename C::number> x, const vector_of<typename C::number>& e,
                                const element_map& m) {
  static_assert(Fit::codes.round == rounding::nearest, "fit: a vector format has no rule for ties");
  for (float& q : x) q = saturated(quotient_of<C, Fit>(q, m));
  return nearest_vector<typename C::number>(x, e);
}

}  // namespace quern::inline v0
