// From statistics to scales and offsets, a row of regions at a time: what fits compute, called by the encode kernel. As in
// scalar.hpp these functions are compiled for no SIMD target, so that no formula of a fit is fused, and once for all.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "quern/reference/encode.hpp"
#include "quern/simd/encodes_regions.hpp"
#include "quern/storage/row_codes.hpp"

namespace quern::inline v0 {

// Of statistics, the one or two that a kind has: least and greatest, or one number.
constexpr statistics statistics_of(statistic kind, float first, float second) {
  statistics s;
  if (kind == statistic::magnitude) s.magnitude = first;
  else if (kind == statistic::extreme) s.extreme = first, s.magnitude = magnitude(first);
  else if (kind == statistic::range) s.least = first, s.greatest = second;
  else s.mean = first;
  return s;
}

// Of a region's weights, one after the other.
template <statistic Kind>
__attribute__((noinline)) statistics call_gather(const matrix_view<const float>& x, coord first, shape size) {
  return gather<Kind>([&](auto f) {
    for (std::size_t r = first.row; r < first.row + size.rows; ++r)
      for (std::size_t c = first.col; c < first.col + size.cols; ++c) f(x(r, c));
  });
}

template <class C, class Fit>
__attribute__((noinline)) void call_encode(const matrix_view<const float>& x, const packed_span<C>& out,
                                           std::span<const float> importance) {
  static_cast<void>(reference::encode<C, Fit>(x, out, importance));
}

template <class Fit>
using fitted_from = std::conditional_t<statistics_fit<Fit>, statistics, weight_region>;
template <class C, class Fit>
using ideal_type = decltype(Fit::template ideal<C>(std::declval<const fitted_from<Fit>&>()));
// Whether a fit says itself how weights become quotients.
template <class Fit, class C>
concept gives_map = requires(const fitted_from<Fit>& x) { Fit::template ideal<C>(x).inverse; };

// What a fit makes of each region of a row, each number in an array of its own.
template <std::size_t Most>
struct ideal_rows {
  alignas(64) std::array<float, Most + 64> scale, offset, inverse, shift;  // the last two only of a fit that gives them
};
template <class C, class Fit, std::size_t Most>
__attribute__((noinline)) void fit_ideals(const float* first, const float* second, std::size_t count,
                                          ideal_rows<Most>& ideal) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto a = Fit::template ideal<C>(statistics_of(Fit::reads, first[i], second[i]));
    if constexpr (C::granularity::size > 0 || Fit::codes.scale == from::ideal) ideal.scale[i] = saturated(a.scale);
    if constexpr (has_offset<C> || Fit::codes.offset != offset_rule::shift) ideal.offset[i] = saturated(a.offset);
    if constexpr (requires { a.inverse; }) ideal.inverse[i] = a.inverse, ideal.shift[i] = a.shift;
  }
}

// The same of one region.
template <class C, class Fit, std::size_t Most>
__attribute__((noinline)) void call_ideal(const reference::source& s, coord first, shape size, std::size_t i,
                                          ideal_rows<Most>& ideal) {
  const auto a = reference::ideal_of<C, Fit>(s, first, size);
  ideal.scale[i] = a.scale, ideal.offset[i] = a.offset;
  if constexpr (requires { a.inverse; }) ideal.inverse[i] = a.inverse, ideal.shift[i] = a.shift;
}

// The last word of a fit on a region of which it knows the ideal, or not yet; no other level of C is read. NaN is stored as
// -0 is.
template <class C, class Fit, bool KnowsIdeal, std::size_t Most>
__attribute__((noinline)) void call_refine(const reference::source& s, coord first, shape size, std::size_t i,
                                           ideal_rows<Most>& ideal) {
  affine a{ideal.scale[i], has_offset<C> ? ideal.offset[i] : 0};
  if constexpr (!KnowsIdeal) a = reference::ideal_of<C, Fit>(s, first, size);
  a = reference::final_of<C, Fit>(s, packed_span<C>(), first, size, a);
  ideal.scale[i] = is_nan(a.scale) ? -0.0f : a.scale, ideal.offset[i] = is_nan(a.offset) ? -0.0f : a.offset;
}
// Whether the ideal of a fit that refines is that of another fit, over statistics, its `first`.
template <class C, class Fit>
inline constexpr bool refines_statistics = [] {
  if constexpr (requires { typename Fit::template first<C>; }) return statistics_fit<typename Fit::template first<C>>;
  return false;
}();

// What the levels other than the local one are, where a row of regions lies: the product of those that multiply and, in
// the order of decoding, what comes before the local level and is added after it.
template <class G>
struct other_levels {
  static constexpr std::size_t local = local_level<G>;
  static constexpr bool any_coarser = multiplies_from<G, local + 1>;
  static constexpr bool joins_before = local + 1 < G::size;  // in decoding
  float product = 1;                                         // of the coarser multiplied levels
  float before = 1;                                          // those before the local one, joined
  std::array<float, G::size + 1> value{};                    // of each
};

template <class G, template <std::uint8_t> class What, class C>
other_levels<G> load_other_levels(const packed_span<C>& out, coord at) {
  other_levels<G> o;
  [&]<std::size_t... J>(std::index_sequence<J...>) {
    (
        [&] {
          constexpr std::size_t i = G::size - 1 - J;
          using L = typename G::template level<i>;
          if constexpr (i != other_levels<G>::local) {
            o.value[i] = value<typename L::number>(code_at<What<i>>(out, at));
            if constexpr (i > other_levels<G>::local) {
              if constexpr (!adding_level<L>) o.product = exact(o.product * o.value[i]);
              o.before = i + 1 == G::size  ? o.value[i]
                         : adding_level<L> ? exact(o.before + o.value[i])
                                           : exact(o.before * o.value[i]);
            }
          }
        }(),
        ...);
  }
  (std::make_index_sequence<G::size>{});
  return o;
}

// What is left to the multiplied levels.
template <class G>
constexpr float less_sums(float ideal, const other_levels<G>& others) {
  [&]<std::size_t... J>(std::index_sequence<J...>) {
    (
        [&] {
          if constexpr (adding_level<typename G::template level<J>>) ideal = exact(ideal - others.value[J]);
        }(),
        ...);
  }
  (std::make_index_sequence<G::size>{});
  return ideal;
}
// wanted[i] = what the local level should be in region i, given the others.
template <class G>
constexpr float wanted_of(float ideal, const other_levels<G>& others) {
  ideal = less_sums(ideal, others);
  if constexpr (other_levels<G>::any_coarser) ideal = others.product == 0 ? 0 : ideal / others.product;
  return ideal;
}
// The region of the greatest magnitude that reference::factor_code finds: the first of equal ones, of zeros the last.
template <class G>
__attribute__((noinline)) std::size_t call_find_greatest(const float* ideal, const other_levels<G>& others,
                                                         std::size_t count, float& greatest) {
  std::size_t found = count;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = magnitude(less_sums(ideal[i], others));
    if (x > greatest || (x == 0 && greatest == 0)) found = i, greatest = x;
  }
  return found;
}
// Whether a region of every level of G coarser than level I holds whole regions of it.
template <class G, std::size_t I>
inline constexpr bool nests_above = [] {
  const auto holds = [](std::size_t outer, std::size_t inner) {
    return outer == all || (inner != all && outer % inner == 0);
  };
  constexpr shape inner = G::template level<I>::region;
  bool ok = true;
  [&]<std::size_t... J>(std::index_sequence<J...>) {
    ((ok = ok && (J <= I || (holds(G::template level<J>::region.rows, inner.rows) &&
                             holds(G::template level<J>::region.cols, inner.cols)))),
     ...);
  }
  (std::make_index_sequence<G::size>{});
  return ok;
}();
template <class G>
__attribute__((noinline)) void call_wanted(const float* ideal, const other_levels<G>& others, std::size_t count,
                                           float* wanted) {
  for (std::size_t i = 0; i < count; ++i) wanted[i] = wanted_of(ideal[i], others);
}

// The codes that a fit itself chooses for the finest scales.
template <class C, class Fit, class T>
__attribute__((noinline)) void finest_codes(const float* first, const float* second, float coarser, std::size_t count,
                                            T* codes) {
  for (std::size_t i = 0; i < count; ++i)
    codes[i] = static_cast<T>(Fit::template finest_code<C>(statistics_of(Fit::reads, first[i], second[i]), coarser));
}

// The same as numbers, of which the nearest finite ones are stored. Eight at a time, so that compilers make vectors of
// them; up to seven more are read and written.
template <class C, class Fit>
__attribute__((noinline)) void finest_numbers(const float* __restrict first, const float* __restrict second,
                                              float coarser, std::size_t count, float* __restrict wanted) {
  for (std::size_t i = 0; i < count; i += 8, first += 8, second += 8, wanted += 8)
    for (std::size_t j = 0; j < 8; ++j)
      wanted[j] = Fit::template finest_number<C>(statistics_of(Fit::reads, first[j], second[j]), coarser);
}

// codes[i] = the code nearest to wanted[i] whose value is finite.
template <class N, class T>
__attribute__((noinline)) void call_nearest_finite(const float* wanted, std::size_t count, T* codes) {
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (has_nonfinite<N>) codes[i] = static_cast<T>(nearest_finite<N>(wanted[i]));
    else codes[i] = static_cast<T>(nearest<N>(wanted[i]));
  }
}

// numbers[i], the local level's as stored, becomes what all levels make, in the order of decoding.
template <class G>
__attribute__((noinline)) void join_levels(const other_levels<G>& others, std::size_t count, float* numbers) {
  for (std::size_t i = 0; i < count; ++i) {
    float total = numbers[i];
    if constexpr (other_levels<G>::joins_before) total = exact(others.before * total);
    [&]<std::size_t... J>(std::index_sequence<J...>) {
      (
          [&] {
            constexpr std::size_t k = G::size - 1 - J;
            if constexpr (k < other_levels<G>::local) total = exact(total + others.value[k]);
          }(),
          ...);
    }
    (std::make_index_sequence<G::size>{});
    numbers[i] = total;
  }
}

// How each region's weights become quotients; scale and offset as stored are read only if the rule asks for them.
template <class C, class Fit, std::size_t Most>
__attribute__((noinline)) void call_map_of(const ideal_rows<Most>& ideals, const float* scale, const float* offset,
                                           std::size_t count, element_map* maps) {
  for (std::size_t i = 0; i < count; ++i) {
    affine stored;
    ideal_type<C, Fit> ideal{};
    if constexpr (Fit::codes.scale == from::stored) stored = {scale[i], offset[i]};
    else ideal.scale = ideals.scale[i];
    if constexpr (Fit::codes.scale == from::ideal && (has_offset<C> || Fit::codes.offset != offset_rule::shift))
      ideal.offset = ideals.offset[i];
    if constexpr (requires { ideal.inverse; }) ideal.inverse = ideals.inverse[i], ideal.shift = ideals.shift[i];
    maps[i] = map_of<C, Fit>(ideal, stored);
  }
}

// codes[i] = quotient q[i], rounded.
template <class N, rounding R, class T>
__attribute__((noinline)) void call_round(const float* q, std::size_t count, T* codes) {
  for (std::size_t i = 0; i < count; ++i) codes[i] = static_cast<T>(round_to<N, R>(q[i]));
}

// Whether a quotient may be NaN: no vectors for such a region.
constexpr bool may_be_nan(const element_map& m) {
  return !is_finite(m.factor) || !is_finite(m.shift) || (m.factor == 0 && magnitude(m.shift) > 0x1p126f);
}
template <class C, class Fit, class T>
__attribute__((noinline)) void call_code_of(const float* x, std::size_t count, const element_map& m, T* codes) {
  for (std::size_t i = 0; i < count; ++i) codes[i] = static_cast<T>(code_of<C, Fit>(x[i], m));
}

// Whether quotients are products: by the rule, or since a power of two divides as its inverse multiplies.
template <class C, class Fit>
inline constexpr bool multiplies = [] {
  if constexpr (Fit::codes.how == by::division && Fit::codes.scale == from::stored && C::granularity::size == 1)
    return powers_of_two<typename C::granularity::template level<0>::number>;
  return Fit::codes.how == by::reciprocal ||
         (Fit::codes.scale == from::ideal && gives_map<Fit, C>);
}();

// ---- the order of work ----

// Columns of a window: whole regions, whole units of codes if that can be, and one region of each other level; regions
// wider than 1024 columns are windows by themselves. Fewer where the windows of many rows are packed together.
template <class C>
inline constexpr std::size_t window_cols = [] {
  constexpr shape region = reference::uniform_region<C>, units = array_of<C, array_with<C, 0>>::unit;
  constexpr std::size_t unit = units.cols;
  const std::size_t most = region.rows != 1 ? 256 : units.rows != all && units.rows >= 16 ? 128 : 1024;
  if (region.cols == all || region.cols > most) return region.cols;
  const auto fits = [&](std::size_t cols) {
    for (const part_facts& p : parts<C>)
      if (p.what.is != role::codes && p.region != region && p.region.cols != all && p.region.cols % cols != 0)
        return false;
    return true;
  };
  std::size_t best = region.cols;
  for (std::size_t n = region.cols; n <= most; n += region.cols)
    if (fits(n) && (whole_parts(n, unit) * unit == n || whole_parts(best, unit) * unit != best)) best = n;
  return best;
}();

// Columns that are rounded and packed at a time.
template <class C>
inline constexpr std::size_t step_cols_of = [] {
  constexpr std::size_t unit = array_of<C, array_with<C, 0>>::unit.cols, window = window_cols<C>;
  if (window != all && window <= 1024) return window;
  return unit != all && unit <= 1024 ? whole_parts(1024, unit) * unit : std::size_t{1024};
}();

// Regions of a window.
template <class C>
inline constexpr std::size_t window_regions =
    window_cols<C> == all ? 1 : window_cols<C> / reference::uniform_region<C>.cols;

}  // namespace quern::inline v0
