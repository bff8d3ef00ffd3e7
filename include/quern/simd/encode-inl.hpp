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
#include <concepts>
#include <cstring>
#include <span>

#include "quern/simd/encode_blocks-inl.hpp"
#include "quern/simd/encode_codes-inl.hpp"
#include "quern/simd/encode_levels-inl.hpp"
#include "quern/simd/float_mode.hpp"
#include "quern/simd/grid_search-inl.hpp"
#include "quern/simd/pack-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

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

// Region by region: the levels that regions share, then a window at a time.
template <class C, class Fit>
HWY_INLINE void EncodeRegions(const reference::source& s, const packed_span<C>& out) {
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

// x's weights, all of them finite, as rows of `out`, which has x's shape; no region is cut by a view of rows. importance:
// none, or one number for each column, finite and not negative.
template <class Encoding>
void Encode(matrix_view<const float> x, packed_span<typename Encoding::codec_type> out, std::span<const float> importance) {
  using C = typename Encoding::codec_type;
  using Fit = typename Encoding::fit;
  const ieee_mode mode;
  if constexpr (std::derived_from<Fit, ggml::fits_grids<Fit>>) {
    call_encode<C, ggml::fits_grids_by<side_by_side, Fit>>(x, out, importance);
  } else if constexpr (!encodes_by_regions<C, Fit> && !encodes_by_blocks<C, Fit>) {
    call_encode<C, Fit>(x, out, importance);
  } else {
    if (x.rows() == 0 || x.cols() == 0) return;
    if constexpr (ggml::searches_groups<Fit>)
      if (!std::ranges::all_of(importance, [](float e) { return e <= kMostImportance; }))
        return call_encode<C, Fit>(x, out, importance);
    if (out.rows() == out.matrix().rows)
      for (std::size_t i = 0; i < C::layout::arrays; ++i) std::memset(out.array(i).data(), 0, out.array(i).size());
    const reference::source s{x, importance, {out.matrix(), out.first_row(), out.rows()}};
    if constexpr (encodes_by_regions<C, Fit>) EncodeRegions<C, Fit>(s, out);
    else if (importance.empty()) EncodeBlocks<C, Fit, false>(s, out);
    else EncodeBlocks<C, Fit, true>(s, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
