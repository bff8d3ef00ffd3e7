// Encoding: a window of regions at a time, statistics gathered, fitted, weights rounded and packed. To the byte what
// reference::encode writes. Knows neither fields nor formats nor fits.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ENCODE_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ENCODE_INL_HPP_
#undef QUERN_SIMD_ENCODE_INL_HPP_
#else
#define QUERN_SIMD_ENCODE_INL_HPP_
#endif

#include <algorithm>
#include <cstring>

#include "quern/simd/encode_codes-inl.hpp"
#include "quern/simd/encode_levels-inl.hpp"
#include "quern/simd/float_mode.hpp"
#include "quern/simd/pack-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

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
