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
  ideal_type<C, Fit> ideal[most];

  // The window that begins at `at` of the matrix; its extent is cut at the matrix's edge.
  HWY_INLINE void Load(const reference::source& s, coord at, shape extent) {
    constexpr std::size_t cols = reference::uniform_region<C>.cols;
    const std::size_t each = cols == all ? extent.cols : cols;
    RegionStatistics<Fit::reads>(s.x, at.row - s.rows.first_row, extent.rows, at.col, extent.cols, each, first, second);
    fit_ideals<C, Fit>(first, second, ceil_div(extent.cols, each), ideal);
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
    const shape whole = within({reference::uniform_region<C>.rows, window_cols<C>}, s.rows.matrix);
    const coord window{first.row, first.col / whole.cols * whole.cols};
    if (!(window == at)) loaded.Load(s, window, WindowAt<C>(s, window)), at = window;
    const std::size_t i = (first.col - at.col) / within(reference::uniform_region<C>, s.rows.matrix).cols;
    return Offsets ? loaded.ideal[i].offset : loaded.ideal[i].scale;
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

// Writes part What of the regions of a level: code(first, size).
template <class What, class C, class CodeOf>
HWY_INLINE void WriteLevel(const reference::source& s, const packed_span<C>& out, shape region, CodeOf code) {
  const shape step = within(region, s.rows.matrix);
  const std::size_t end = s.rows.first_row + s.rows.rows;
  for (std::size_t r = s.rows.first_row; r < end; r += step.rows)
    for (std::size_t c = 0; c < s.rows.matrix.cols; c += step.cols)
      set_code<What>(out, coord{r, c}, code(coord{r, c}, shape{std::min(step.rows, end - r), std::min(step.cols, s.rows.matrix.cols - c)}));
}

// All levels of G but the local one, in the order of reference::write_levels.
template <class Fit, class G, template <std::uint8_t> class What, class C, class Ideal>
HWY_INLINE void WriteOtherLevels(const reference::source& s, const packed_span<C>& out, Ideal& ideal) {
  Unroll<static_cast<int>(G::size)>([&](auto i) QUERN_INLINE {
    constexpr std::size_t I = static_cast<std::size_t>(i);
    using L = typename G::template level<I>;
    if constexpr (adding_level<L>)
      WriteLevel<What<I>>(s, out, L::region, [&](coord first, shape size) QUERN_INLINE {
        return reference::sum_code<G, What, I>(s, out, first, size, ideal);
      });
  });
  Unroll<static_cast<int>(G::size)>([&](auto j) QUERN_INLINE {
    constexpr std::size_t I = G::size - 1 - static_cast<std::size_t>(j);
    using L = typename G::template level<I>;
    if constexpr (!adding_level<L> && I != local_level<G>)
      WriteLevel<What<I>>(s, out, L::region, [&](coord first, shape size) QUERN_INLINE {
        if constexpr (reference::factors<G, I + 1, G::size>::count == 0 && chooses_coarsest<Fit, C>)
          return Fit::template coarsest_code<C>(StatisticsOf<Fit::reads>(s, first, size));
        else return reference::factor_code<Fit, G, What, I>(s, out, first, size, ideal);
      });
  });
}

// ---- the local level ----

// Chooses and writes the local level of part Base + I for the regions of a window; numbers[i] = all levels as stored.
template <class C, class G, std::size_t Base, class CodesOf>
HWY_INLINE void WriteLocalLevel(const packed_span<C>& out, coord at, std::size_t count, const other_levels<G>& others, bool read_back,
                                float* numbers, CodesOf codes_of) {
  constexpr std::size_t K = Base + local_level<G>;
  using N = part_number<C, K>;
  constexpr shape region = parts<C>[K].region;
  HWY_ALIGN code_t<N::bits> codes[window_regions<C> + 64];
  codes_of(codes);
  PackNumbers<C, K>(out, at.row, region.cols == all ? 0 : at.col / region.cols, count, codes);
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

// codes[i] = the code of weight x[i] in a region with map m, i < n; up to 15 more may be read and written.
template <class C, class Fit, bool Divides>
HWY_INLINE void RoundRegion(const float* HWY_RESTRICT x, std::size_t n, const element_map& m, code_t<C::number::bits>* HWY_RESTRICT codes) {
  using N = typename C::number;
  constexpr code_rule rule = Fit::codes;
  const DF df;
  const VF shift = hn::Set(df, m.shift), factor = hn::Set(df, m.factor), zero = hn::Set(df, m.zero);
  for (std::size_t i = 0; i < n; i += hn::Lanes(df)) {
    VF q = hn::LoadU(df, x + i);
    if constexpr (rule.how != by::nothing) {
      if constexpr (shifts<C, Fit>) q = hn::Sub(q, shift);
      q = Exact(Divides ? hn::Div(q, factor) : hn::Mul(q, factor));
      if constexpr (rule.offset == offset_rule::add) q = hn::Add(q, zero);
      if constexpr (rule.offset == offset_rule::add_rounded) q = hn::Add(RoundEven(q), zero);
      if constexpr (rule.balanced) q = Held(q, -reach<N>, reach<N>);
      if constexpr (rule.offset != offset_rule::shift) q = Exact(q);
    }
    StoreRounded<N, rule.round>(q, codes + i);
  }
}

// Codes of the weights of a window's rows, packed. maps: one for each region.
template <class C, class Fit>
HWY_INLINE void WriteCodes(const reference::source& s, const packed_span<C>& out, coord at, shape extent, const element_map* maps) {
  using T = code_t<C::number::bits>;
  constexpr shape region = reference::uniform_region<C>;
  constexpr std::size_t step = step_cols_of<C>;
  const shape matrix = s.rows.matrix, unit = unit_extent<C, array_with<C, 0>>(matrix), whole = within(region, matrix);
  // Where the matrix's edge cuts a region, it is filled up as far as the storage has room.
  const std::size_t cols = at.col + extent.cols < matrix.cols
                               ? extent.cols
                               : std::min(round_up(extent.cols, whole.cols), round_up(matrix.cols, unit.cols) - at.col);
  const std::size_t rows = at.row + extent.rows < matrix.rows ? extent.rows : std::min(whole.rows, round_up(matrix.rows, unit.rows) - at.row);
  HWY_ALIGN T codes[step + 128];
  HWY_ALIGN float padded[step + 64];
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; c += step) {
      const std::size_t n = std::min(step, cols - c), have = r < extent.rows && c < extent.cols ? std::min(n, extent.cols - c) : 0;
      const float* x = padded;
      if (have == n && n % 16 == 0 && (region.cols == all || region.cols % 16 == 0)) {
        x = s.x.row(at.row - s.rows.first_row + r) + at.col + c;
      } else {
        if (have != 0) std::memcpy(padded, s.x.row(at.row - s.rows.first_row + r) + at.col + c, have * sizeof(float));
        std::memset(padded + have, 0, (n - have + 16) * sizeof(float));
      }
      const auto round = [&](std::size_t first, std::size_t size, const element_map& m) QUERN_INLINE {
        if (Fit::codes.how != by::nothing && may_be_nan(m)) call_code_of<C, Fit>(x + first, size, m, codes + first);
        else if (m.divides) RoundRegion<C, Fit, true>(x + first, size, m, codes + first);
        else RoundRegion<C, Fit, false>(x + first, size, m, codes + first);
      };
      if constexpr (region.cols != all && region.cols <= step) {
        for (std::size_t i = 0, first = 0; first < n; ++i, first += region.cols) round(first, std::min(region.cols, n - first), maps[i]);
      } else {
        round(0, n, maps[0]);
      }
      Pack(out, at.row + r, at.col + c, n, codes);
    }
  }
}

// Everything of a window but the levels that were written before.
template <class C, class Fit>
HWY_INLINE void EncodeWindow(const reference::source& s, const packed_span<C>& out, coord at, shape extent) {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  constexpr std::size_t most = window_regions<C>;
  element_map maps[most];
  if constexpr (needs_fit<C, Fit>) {
    constexpr bool from_stored = Fit::codes.scale == from::stored && Fit::codes.how != by::nothing;
    const std::size_t count = ceil_div(extent.cols, within(reference::uniform_region<C>, s.rows.matrix).cols);
    window_ideals<C, Fit> fitted;
    fitted.Load(s, at, extent);
    HWY_ALIGN float scales[most + 64], offsets[most + 64];
    if constexpr (G::size != 0) {
      const auto others = load_other_levels<G, scale>(out, at);
      WriteLocalLevel<C, G, 1>(out, at, count, others, from_stored, scales, [&](auto* codes) QUERN_INLINE {
        if constexpr (chooses_finest<Fit, C>) {
          finest_codes<C, Fit>(fitted.first, fitted.second, others.product, count, codes);
        } else {
          wanted_scales<C, Fit>(fitted.ideal, others, count, scales);
          NearestFinite<part_number<C, 1 + local_level<G>>>(scales, count, codes);
        }
      });
    } else if constexpr (from_stored) {
      for (std::size_t i = 0; i < count; ++i) scales[i] = 1;
    }
    if constexpr (O::size != 0) {
      const auto others = load_other_levels<O, offset>(out, at);
      WriteLocalLevel<C, O, 1 + G::size>(out, at, count, others, from_stored, offsets, [&](auto* codes) QUERN_INLINE {
        wanted_offsets<C, Fit>(fitted.ideal, others, count, offsets);
        NearestFinite<part_number<C, 1 + G::size + local_level<O>>>(offsets, count, codes);
      });
    } else if constexpr (from_stored) {
      for (std::size_t i = 0; i < count; ++i) offsets[i] = 0;
    }
    if constexpr (Fit::codes.how != by::nothing) make_maps<C, Fit>(fitted.ideal, scales, offsets, count, maps);
  } else {
    maps[0] = {0, 1, 0, false};
  }
  WriteCodes<C, Fit>(s, out, at, extent, maps);
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
      const shape extent = WindowAt<C>(s, at);
      EncodeWindow<C, Fit>(s, out, at, extent);
      at.col += extent.cols;
      if (at.col >= s.rows.matrix.cols) at = {at.row + extent.rows, 0};
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
