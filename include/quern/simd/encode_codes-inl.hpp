// From the weights of regions to codes: subtracted, multiplied or divided as the fit says, rounded and packed.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ENCODE_CODES_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ENCODE_CODES_INL_HPP_
#undef QUERN_SIMD_ENCODE_CODES_INL_HPP_
#else
#define QUERN_SIMD_ENCODE_CODES_INL_HPP_
#endif

#include <algorithm>
#include <cstring>
#include <numeric>

#include "quern/simd/pack-inl.hpp"
#include "quern/simd/region_fit.hpp"
#include "quern/simd/round-inl.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// As round_even of fit/fit.hpp.
HWY_INLINE VF RoundEven(VF x) {
  const DF df;
  const VF magic = hn::Set(df, 0x1.8p23f), rounded = Exact(hn::Sub(Exact(hn::Add(x, magic)), magic));
  return hn::IfThenElse(hn::Lt(hn::Abs(x), hn::Set(df, 0x1p22f)), rounded, x);
}

// How the weights of each region of a window become quotients.
template <std::size_t Most>
struct map_rows {
  HWY_ALIGN float shift[Most + 16], factor[Most + 16], zero[Most + 16];
  bool plain = true;  // else `any` says it, region by region
  element_map any[Most];
};

// As map_of of fit/fit.hpp, if none of the regions needs another kind of arithmetic than the rest; else false.
template <class C, class Fit, std::size_t Most>
HWY_INLINE bool MakeMaps(const ideal_rows<Most>& ideal, const float* scales, const float* offsets, std::size_t count,
                         map_rows<Most>& maps) {
  using S = typename C::symmetry;
  constexpr code_rule rule = Fit::codes;
  constexpr bool own_map = rule.scale == from::ideal && gives_map<Fit, C>;
  const DF df;
  if constexpr (shifts<C, Fit> && !own_map && !requires { S::form; }) {
    return false;
  } else {
    auto bad = hn::MaskFalse(df);
    const float* const from_scale = rule.scale == from::ideal ? ideal.scale.data() : scales;
    const float* const from_offset = rule.scale == from::ideal ? ideal.offset.data() : offsets;
    for (std::size_t i = 0; i < count; i += hn::Lanes(df)) {
      VF factor, shift = hn::Zero(df);
      if constexpr (own_map) {
        factor = hn::LoadU(df, ideal.inverse.data() + i);
        if constexpr (shifts<C, Fit>) shift = hn::LoadU(df, ideal.shift.data() + i);
      } else {
        const VF s = hn::LoadU(df, from_scale + i), none = hn::Zero(df);
        factor = multiplies<C, Fit> ? hn::IfThenZeroElse(hn::Eq(s, none), hn::Div(hn::Set(df, 1.0f), s)) : s;
        if constexpr (shifts<C, Fit>) {
          const VF o = hn::LoadU(df, from_offset + i);
          if constexpr (S::form == weight_form::shifted_product) shift = hn::Mul(s, hn::Sub(none, o));
          else if constexpr (S::form == weight_form::product_minus) shift = hn::Sub(Exact(hn::Mul(s, none)), o);
          else if constexpr (S::form == weight_form::product_plus) shift = hn::Add(Exact(hn::Mul(s, none)), o);
          else shift = hn::Mul(s, none);
          shift = hn::Add(Exact(shift), none);  // not -0
        }
      }
      auto odd = hn::Not(hn::Le(hn::Abs(factor), hn::Set(df, std::numeric_limits<float>::max())));
      if constexpr (!multiplies<C, Fit>) odd = hn::Or(odd, hn::Eq(factor, hn::Zero(df)));
      if constexpr (shifts<C, Fit>) odd = hn::Or(odd, hn::Not(hn::Le(hn::Abs(shift), hn::Set(df, 0x1p126f))));
      bad = hn::Or(bad, hn::And(odd, hn::FirstN(df, count - i)));
      hn::StoreU(factor, df, maps.factor + i);
      if constexpr (shifts<C, Fit>) hn::StoreU(shift, df, maps.shift + i);
      if constexpr (rule.offset != offset_rule::shift) hn::StoreU(hn::LoadU(df, from_offset + i), df, maps.zero + i);
    }
    return hn::AllFalse(df, bad);
  }
}

// codes[i] = the code of weight x[i], i < n, in a region with this map; up to 15 more may be read and written.
template <class C, class Fit, bool Divides, std::size_t Size>
HWY_INLINE void RoundRegion(const float* HWY_RESTRICT x, std::size_t n, float shift, float factor, float zero,
                            code_t<C::number::bits>* HWY_RESTRICT codes) {
  using N = typename C::number;
  constexpr code_rule rule = Fit::codes;
  const DF df;
  const auto quotient = [&](std::size_t i) QUERN_INLINE {
    VF q = hn::LoadU(df, x + i);
    if constexpr (rule.how != by::nothing) {
      if constexpr (shifts<C, Fit>) q = hn::Sub(q, hn::Set(df, shift));
      q = Exact(Divides ? hn::Div(q, hn::Set(df, factor)) : hn::Mul(q, hn::Set(df, factor)));
      if constexpr (rule.offset == offset_rule::add) q = Exact(hn::Add(q, hn::Set(df, zero)));
      if constexpr (rule.offset == offset_rule::add_rounded) q = Exact(hn::Add(RoundEven(q), hn::Set(df, zero)));
      if constexpr (rule.balanced) q = Held(q, -reach<N>, reach<N>);
    }
    return q;
  };
  const auto round = [&](std::size_t i) QUERN_INLINE { StoreRounded<N, rule.round>(quotient(i), codes + i); };
  if constexpr (Size != 0 && Size <= 64 && Size % 16 == 0 && !kRounds64<N, rule.round>) {
    if (n == Size) return EachVector<Size>(round);
  }
  std::size_t i = 0;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  if constexpr (kRounds64<N, rule.round>)
    for (; i + 64 <= n; i += 64)
      StoreRounded64<N, rule.round>([&](auto k) QUERN_INLINE { return quotient(i + 16 * k); }, codes + i);
#endif
  for (; i < n; i += hn::Lanes(df)) round(i);
}

// Codes of n columns of a row, of which region i begins at i * Size.
template <class C, class Fit, bool Plain, std::size_t Most>
HWY_INLINE void RoundColumns(const float* HWY_RESTRICT x, std::size_t n, const map_rows<Most>& maps,
                             code_t<C::number::bits>* HWY_RESTRICT codes) {
  constexpr std::size_t cols = reference::uniform_region<C>.cols,
                        size = cols == all || cols > step_cols_of<C> ? 0 : cols;
  std::size_t first = 0, i = 0;
  do {
    const std::size_t count = size == 0 ? n : std::min(size, n - first);
    if constexpr (Plain) {
      RoundRegion<C, Fit, !multiplies<C, Fit>, size>(x + first, count, maps.shift[i], maps.factor[i], maps.zero[i],
                                                     codes + first);
    } else {
      const element_map& m = maps.any[i];
      if (may_be_nan(m)) call_code_of<C, Fit>(x + first, count, m, codes + first);
      else if (m.divides) RoundRegion<C, Fit, true, 0>(x + first, count, m.shift, m.factor, m.zero, codes + first);
      else RoundRegion<C, Fit, false, 0>(x + first, count, m.shift, m.factor, m.zero, codes + first);
    }
    first += count, ++i;
  } while (first < n);
}
template <class C, class Fit, std::size_t Most>
HWY_NOINLINE void RoundUnusual(const float* x, std::size_t n, const map_rows<Most>& maps,
                               code_t<C::number::bits>* codes) {
  RoundColumns<C, Fit, false>(x, n, maps, codes);
}

// Rows that are rounded one after the other and then packed together, kColsTogether at a time: those of a unit, else 1.
template <class C>
inline constexpr std::size_t kColsTogether = window_cols<C> == all ? 256 : window_cols<C>;
template <class C>
inline constexpr std::size_t kRowsTogether = [] {
  if constexpr (kWideShuffle && packs_by_rows<C> && reference::uniform_region<C>.rows == 1 && window_cols<C> <= 1024)
    if constexpr (kColsTogether<C> % rows_plan<C>::cols == 0) return rows_plan<C>::grid.rows;
  return std::size_t{1};
}();

// Codes of the weights of a window's rows: kept, if there is where, else packed.
template <class C, class Fit, std::size_t Most>
HWY_INLINE void WriteCodes(const reference::source& s, const packed_span<C>& out, coord at, shape extent,
                           const map_rows<Most>& maps, [[maybe_unused]] code_t<C::number::bits>* kept) {
  using T = code_t<C::number::bits>;
  constexpr shape region = reference::uniform_region<C>;
  constexpr std::size_t step = step_cols_of<C>;
  const shape matrix = s.rows.matrix, unit = unit_extent<C, array_with<C, 0>>(matrix), whole = within(region, matrix);
  // Where the matrix's edge cuts a region, it is filled up as far as the storage has room.
  const std::size_t cols = at.col + extent.cols < matrix.cols
                               ? extent.cols
                               : std::min(round_up(extent.cols, whole.cols), round_up(matrix.cols, unit.cols) - at.col);
  const std::size_t rows = at.row + extent.rows < matrix.rows
                               ? extent.rows
                               : std::min(whole.rows, round_up(matrix.rows, unit.rows) - at.row);
  HWY_ALIGN T codes[step + 128];
  HWY_ALIGN float padded[step + 64];
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; c += step) {
      const std::size_t n = std::min(step, cols - c),
                        have = r < extent.rows && c < extent.cols ? std::min(n, extent.cols - c) : 0;
      const float* x = padded;
      if (have == n && n % 16 == 0 && (region.cols == all || region.cols % 16 == 0)) {
        x = s.x.row(at.row - s.rows.first_row + r) + at.col + c;
      } else {
        if (have != 0) std::memcpy(padded, s.x.row(at.row - s.rows.first_row + r) + at.col + c, have * sizeof(float));
        std::memset(padded + have, 0, (n - have + 16) * sizeof(float));
      }
      if (maps.plain) RoundColumns<C, Fit, true>(x, n, maps, codes);
      else RoundUnusual<C, Fit>(x, n, maps, codes);
      if constexpr (kRowsTogether<C> > 1) {
        if (kept != nullptr) {
          std::memcpy(kept, codes, n * sizeof(T));
          continue;
        }
      }
      Pack(out, at.row + r, at.col + c, n, codes);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
