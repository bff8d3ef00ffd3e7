// Encoding: a window of regions at a time, statistics gathered, fitted, weights rounded and packed. To the byte what
// reference::encode writes. Knows neither fields nor formats nor fits.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ENCODE_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ENCODE_INL_HPP_
#undef QUERN_SIMD_ENCODE_INL_HPP_
#else
#define QUERN_SIMD_ENCODE_INL_HPP_
#endif

#include <cstring>

#include "quern/simd/float_mode.hpp"
#include "quern/simd/pack-inl.hpp"
#include "quern/simd/round-inl.hpp"
#include "quern/simd/statistics-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// ---- the fit of a window ----

// Statistics and ideal numbers of the regions of a window.
template <class C, class Fit>
struct window_ideals {
  static constexpr std::size_t most = window_regions<C>;
  HWY_ALIGN float first[most + 16], second[most + 16];
  ideal_rows<most> ideal;

  // The window that begins at `at` of the matrix; its extent is cut at the matrix's edge. Without Ideals, statistics only.
  template <bool Ideals>
  HWY_INLINE void Load(const reference::source& s, coord at, shape extent) {
    constexpr std::size_t cols = reference::uniform_region<C>.cols;
    const std::size_t each = cols == all ? extent.cols : cols;
    RegionStatistics<Fit::reads>(s.x, at.row - s.rows.first_row, extent.rows, at.col, extent.cols, each, first, second);
    if constexpr (Ideals) fit_ideals<C, Fit>(first, second, ceil_div(extent.cols, each), ideal);
  }
};

// The extent of the window that begins at `at`.
template <class C>
HWY_INLINE shape WindowAt(const reference::source& s, coord at) {
  const shape matrix = s.rows.matrix, whole = within({reference::uniform_region<C>.rows, window_cols<C>}, matrix);
  return {std::min(whole.rows, s.rows.first_row + s.rows.rows - at.row), std::min(whole.cols, matrix.cols - at.col)};
}

// ---- levels that are written before the codes ----

// The ideal numbers of the regions, asked for one by one, row by row.
template <class C, class Fit, bool Offsets>
class ideals_in_order {
 public:
  explicit ideals_in_order(const reference::source& source) : s(source) {}

  // Not inlined: its callers are of no target.
  HWY_NOINLINE float operator()(coord first, shape, bool) {
    constexpr std::size_t cols = reference::uniform_region<C>.cols;
    return Window({first.row, cols == all ? 0 : first.col / window_cols<C> * window_cols<C>})
        [cols == all ? 0 : (first.col - at.col) / cols];
  }
  // Those of the window that begins at `window`.
  HWY_INLINE const float* Window(coord window) {
    if (!(window == at)) loaded.template Load<true>(s, window, WindowAt<C>(s, window)), at = window;
    return Offsets ? loaded.ideal.offset.data() : loaded.ideal.scale.data();
  }

 private:
  const reference::source& s;
  window_ideals<C, Fit> loaded;
  coord at{~std::size_t{0}, 0};
};

// The statistic of a region of any size.
template <statistic Kind>
HWY_INLINE statistics StatisticsOf(const reference::source& s, coord first, shape size) {
  float a = 0, b = 0;
  RegionStatistics<Kind>(s.x, first.row - s.rows.first_row, size.rows, first.col, size.cols, size.cols, &a, &b);
  return statistics_of(Kind, a, b);
}

// Of the regions that are fitted in a region of a level, the one on which alone the level's code depends.
template <class G, template <std::uint8_t> class What, class C, class Ideal>
HWY_INLINE coord GreatestRegion(const reference::source& s, const packed_span<C>& out, coord first, shape size,
                                Ideal& ideal) {
  const shape fitted = within(reference::uniform_region<C>, s.rows.matrix);
  float greatest = 0;
  coord found = first;
  for (std::size_t r = first.row; r < first.row + size.rows; r += fitted.rows) {
    shape extent;
    for (coord at{r, first.col}; at.col < first.col + size.cols; at.col += extent.cols) {
      extent = WindowAt<C>(s, at);
      const std::size_t count = ceil_div(extent.cols, fitted.cols);
      const std::size_t i = call_find_greatest(ideal.Window(at), load_other_levels<G, What>(out, at), count, greatest);
      if (i != count) found = {r, at.col + i * fitted.cols};
    }
  }
  return found;
}

// The code of a level for one of its regions, as reference::write_levels chooses it.
template <class Fit, class G, template <std::uint8_t> class What, std::size_t I, class C, class Ideal>
HWY_INLINE std::uint32_t LevelCode(const reference::source& s, const packed_span<C>& out, coord first, shape size,
                                   Ideal& ideal) {
  constexpr bool coarsest = !multiplies_from<G, I + 1>;
  if constexpr (adding_level<typename G::template level<I>>)
    return reference::sum_code<G, What, I>(s, out, first, size, ideal);
  else if constexpr (coarsest && chooses_coarsest<Fit, C>)
    return Fit::template coarsest_code<C>(StatisticsOf<Fit::reads>(s, first, size));
  else if constexpr (nests_above<G, I>)
    return reference::factor_code<Fit, G, What, I>(s, out, GreatestRegion<G, What>(s, out, first, size, ideal), {1, 1},
                                                   ideal);
  else return reference::factor_code<Fit, G, What, I>(s, out, first, size, ideal);
}
template <class Fit, class G, template <std::uint8_t> class What, std::size_t I, class C, class Ideal>
HWY_INLINE void WriteLevel(const reference::source& s, const packed_span<C>& out, Ideal& ideal) {
  const shape step = within(G::template level<I>::region, s.rows.matrix);
  const std::size_t end = s.rows.first_row + s.rows.rows;
  for (std::size_t r = s.rows.first_row; r < end; r += step.rows)
    for (std::size_t c = 0; c < s.rows.matrix.cols; c += step.cols) {
      const coord first{r, c};
      const shape size{std::min(step.rows, end - r), std::min(step.cols, s.rows.matrix.cols - c)};
      set_code<What<I>>(out, first, LevelCode<Fit, G, What, I>(s, out, first, size, ideal));
    }
}

// All levels of G but the local one, in the order of reference::write_levels: those that add, then the coarsest first.
template <class Fit, class G, template <std::uint8_t> class What, class C, class Ideal>
HWY_INLINE void WriteOtherLevels(const reference::source& s, const packed_span<C>& out, Ideal& ideal) {
  Unroll<static_cast<int>(G::size)>([&](auto i) QUERN_INLINE {
    constexpr std::size_t I = static_cast<std::size_t>(i);
    if constexpr (adding_level<typename G::template level<I>>) WriteLevel<Fit, G, What, I>(s, out, ideal);
  });
  Unroll<static_cast<int>(G::size)>([&](auto i) QUERN_INLINE {
    constexpr std::size_t I = G::size - 1 - static_cast<std::size_t>(i);
    if constexpr (!adding_level<typename G::template level<I>> && I != local_level<G>)
      WriteLevel<Fit, G, What, I>(s, out, ideal);
  });
}

// ---- the local level ----

// Chooses and writes the local level of part Base + I for the regions of a window; numbers[i] = all levels as stored.
template <class C, class G, std::size_t Base, class CodesOf>
HWY_INLINE void WriteLocalLevel(const packed_span<C>& out, coord at, std::size_t count, const other_levels<G>& others,
                                bool read_back, float* numbers, CodesOf codes_of) {
  constexpr std::size_t K = Base + local_level<G>;
  using N = part_number<C, K>;
  HWY_ALIGN code_t<N::bits> codes[window_regions<C> + 64];
  codes_of(codes);
  PackNumbers<C, K>(out, at.row, at.col / within(parts<C>[K].region, out.matrix()).cols, count, codes);
  if (read_back) {
    for (std::size_t i = count; i < count + 16; ++i) codes[i] = 0;
    ExpandValues<N>(codes, count, numbers);
    if constexpr (G::size > 1) join_levels<G>(others, count, numbers);
  }
}

// ---- codes ----

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
  constexpr bool own_map = rule.scale == from::ideal && requires(ideal_type<C, Fit> a) { a.inverse; };
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

// Chooses scales and offsets of a window, writes those that were not written before, and makes its maps.
template <class C, class Fit>
HWY_INLINE void FitWindow(const reference::source& s, const packed_span<C>& out, coord at, shape extent,
                          map_rows<window_regions<C>>& maps) {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  constexpr std::size_t most = window_regions<C>;
  if constexpr (needs_fit<C, Fit>) {
    constexpr bool from_stored = Fit::codes.scale == from::stored && Fit::codes.how != by::nothing;
    const std::size_t count = ceil_div(extent.cols, within(reference::uniform_region<C>, s.rows.matrix).cols);
    window_ideals<C, Fit> fitted;
    constexpr bool asks_ideals = !chooses_finest<Fit, C> || O::size != 0 || Fit::codes.scale == from::ideal;
    fitted.template Load<asks_ideals>(s, at, extent);
    HWY_ALIGN float scales[most + 64], offsets[most + 64];
    const auto wanted = [&](const float* ideal, const auto& others, float* room) QUERN_INLINE {
      if (others.value.size() == 2) return ideal;  // there are no others
      call_wanted(ideal, others, count, room);
      return static_cast<const float*>(room);
    };
    if constexpr (G::size != 0) {
      const auto others = load_other_levels<G, scale>(out, at);
      WriteLocalLevel<C, G, 1>(out, at, count, others, from_stored, scales, [&](auto* codes) QUERN_INLINE {
        using N = part_number<C, 1 + local_level<G>>;
        if constexpr (chooses_finest_number<Fit, C>) {
          finest_numbers<C, Fit>(fitted.first, fitted.second, others.product, count, scales);
          NearestFinite<N>(scales, count, codes);
        } else if constexpr (chooses_finest<Fit, C>) {
          finest_codes<C, Fit>(fitted.first, fitted.second, others.product, count, codes);
        } else {
          NearestFinite<N>(wanted(fitted.ideal.scale.data(), others, scales), count, codes);
        }
      });
    } else if constexpr (from_stored) {
      for (std::size_t i = 0; i < count; ++i) scales[i] = 1;
    }
    if constexpr (O::size != 0) {
      const auto others = load_other_levels<O, offset>(out, at);
      WriteLocalLevel<C, O, 1 + G::size>(out, at, count, others, from_stored, offsets, [&](auto* codes) QUERN_INLINE {
        NearestFinite<part_number<C, 1 + G::size + local_level<O>>>(wanted(fitted.ideal.offset.data(), others, offsets),
                                                                    count, codes);
      });
    } else if constexpr (from_stored) {
      for (std::size_t i = 0; i < count; ++i) offsets[i] = 0;
    }
    if constexpr (Fit::codes.how != by::nothing) {
      maps.plain = MakeMaps<C, Fit>(fitted.ideal, scales, offsets, count, maps);
      if (!maps.plain) call_map_of<C, Fit>(fitted.ideal, scales, offsets, count, maps.any);
    }
  } else {
    maps.factor[0] = 1;
  }
}

// All columns of the rows of a unit, the first of which is `row`.
template <class C, class Fit>
HWY_INLINE void EncodeTogether(const reference::source& s, const packed_span<C>& out, std::size_t row) {
  constexpr bool one_window = window_cols<C> == all;
  constexpr std::size_t rows = kRowsTogether<C>, most_cols = kColsTogether<C>, pitch = most_cols + 64,
                        whole = std::lcm(rows_plan<C>::cols, one_window ? 1 : reference::uniform_region<C>.cols);
  const std::size_t all_cols = s.rows.matrix.cols;
  map_rows<window_regions<C>> maps[one_window ? rows : 1];
  if constexpr (one_window)
    for (std::size_t r = 0; r < rows; ++r) FitWindow<C, Fit>(s, out, {row + r, 0}, {1, all_cols}, maps[r]);
  HWY_ALIGN code_t<C::number::bits> codes[rows * pitch];
  for (std::size_t col = 0; col < all_cols; col += most_cols) {
    const shape extent{1, std::min(most_cols, all_cols - col)};
    const bool kept = extent.cols % whole == 0;
    for (std::size_t r = 0; r < rows; ++r) {
      auto& own = maps[one_window ? r : 0];
      if constexpr (!one_window) FitWindow<C, Fit>(s, out, {row + r, col}, extent, own);
      WriteCodes<C, Fit>(s, out, {row + r, col}, extent, own, kept ? codes + r * pitch : nullptr);
    }
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
    if (kept) PackRows<C, pitch>(out, row, col, extent.cols, codes);
#endif
  }
}

// x's weights, all of them finite, as rows of `out`, which has x's shape; no region is cut by a view of rows.
template <class Encoding>
void Encode(matrix_view<const float> x, packed_span<typename Encoding::codec_type> out) {
  using C = typename Encoding::codec_type;
  using Fit = typename Encoding::fit;
  const ieee_mode mode;
  if constexpr (!encodes_by_regions<C, Fit>) {
    call_encode<C, Fit>(x, out);
  } else {
    if (x.rows() == 0 || x.cols() == 0) return;
    if (out.rows() == out.matrix().rows)
      for (std::size_t i = 0; i < C::layout::arrays; ++i) std::memset(out.array(i).data(), 0, out.array(i).size());
    const reference::source s{x, {}, {out.matrix(), out.first_row(), out.rows()}};
    if constexpr (C::granularity::size > 1) {
      ideals_in_order<C, Fit, false> ideal(s);
      WriteOtherLevels<Fit, typename C::granularity, scale>(s, out, ideal);
    }
    if constexpr (C::symmetry::offsets::size > 1) {
      ideals_in_order<C, Fit, true> ideal(s);
      WriteOtherLevels<void, typename C::symmetry::offsets, offset>(s, out, ideal);
    }
    const std::size_t end = out.first_row() + out.rows();
    for (coord at{out.first_row(), 0}; at.row < end;) {
      if constexpr (kRowsTogether<C> > 1) {
        if (at.col == 0 && at.row % kRowsTogether<C> == 0 && end - at.row >= kRowsTogether<C>) {
          EncodeTogether<C, Fit>(s, out, at.row);
          at.row += kRowsTogether<C>;
          continue;
        }
      }
      const shape extent = WindowAt<C>(s, at);
      map_rows<window_regions<C>> maps;
      FitWindow<C, Fit>(s, out, at, extent, maps);
      WriteCodes<C, Fit>(s, out, at, extent, maps, nullptr);
      at.col += extent.cols;
      if (at.col >= s.rows.matrix.cols) at = {at.row + extent.rows, 0};
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
