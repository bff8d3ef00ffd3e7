// Encoding of blocks whose two levels are chosen together, by a fit whose groups are searched (fit/ggml/group.hpp): groups
// side by side, then block by block levels, codes and bytes. To the byte what reference::encode writes.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ENCODE_BLOCKS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ENCODE_BLOCKS_INL_HPP_
#undef QUERN_SIMD_ENCODE_BLOCKS_INL_HPP_
#else
#define QUERN_SIMD_ENCODE_BLOCKS_INL_HPP_
#endif

#include <algorithm>

#include "quern/simd/block_levels.hpp"
#include "quern/simd/choose_levels-inl.hpp"
#include "quern/simd/encode_codes-inl.hpp"
#include "quern/simd/fit_groups-inl.hpp"
#include "quern/simd/pack_unit-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// One block, of which the levels are chosen: these and its codes.
template <class C, class Fit>
HWY_INLINE void WriteBlock(const reference::source& s, const packed_span<C>& out, coord at, const stored_levels& levels) {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  constexpr shape block = G::template level<1>::region;
  constexpr std::size_t cols = reference::uniform_region<C>.cols, count = block.cols / cols;
  if (levels.blank) return call_write_block<C, Fit>(s, out, at, block);
  set_code<scale<1>>(out, at, levels.coarse_scale);
  PackRegions<C, 1, count>(out, at.row, at.col / cols, levels.scale_codes.data());
  if constexpr (O::size != 0) {
    set_code<offset<1>>(out, at, levels.coarse_offset);
    PackRegions<C, 1 + G::size, count>(out, at.row, at.col / cols, levels.offset_codes.data());
  }
  map_rows<window_regions<C>> maps;
  ideal_rows<window_regions<C>> ideal;
  std::copy_n(levels.ideal.data(), count, ideal.scale.data());
  maps.plain = MakeMaps<C, Fit>(ideal, levels.scale.data(), levels.offset.data(), count, maps);
  if (!maps.plain) return call_write_block<C, Fit>(s, out, at, block);
  WriteCodes<C, Fit>(s, out, at, block, maps, nullptr);
}

// Rows of x, blocks of which are fitted some at a time.
template <class C, class Fit, bool Weighted>
HWY_INLINE void EncodeBlocks(const reference::source& s, const packed_span<C>& out) {
  constexpr std::size_t cols = C::granularity::template level<1>::region.cols, size = reference::uniform_region<C>.cols,
                        groups = cols / size, together = 16;
  constexpr ggml::group_search how = Fit::search(Weighted);
  const std::size_t row_cols = s.rows.matrix.cols;
  const float* const importance = Weighted ? s.importance.data() : nullptr;
  ideal_rows<together * groups> numbers{};
  float typical[together * groups + kGroupRoom] = {}, weight[together * groups + kGroupRoom] = {};
  stored_levels levels[together];
  for (std::size_t r = 0; r < s.rows.rows; ++r) {
    const float* const x = s.x.row(r);
    const std::size_t row = s.rows.first_row + r;
    for (std::size_t c = 0; c < row_cols;) {
      const std::size_t blocks = std::min(together, (row_cols - c) / cols);
      if (blocks == 0) {  // cut by the matrix's edge
        call_write_block<C, Fit>(s, out, {row, c}, {1, row_cols - c});
        break;
      }
      if constexpr (how.counts == ggml::counting::emphasis) {
        float squares[together];
        SumsOfSquares(x + c, blocks, cols, squares);
        for (std::size_t i = 0; i < blocks * groups; ++i)
          typical[i] = how.factor * squares[i / groups] / static_cast<float>(cols);
      }
      FitGroups<Fit, typename C::number, Weighted, size>(
          x + c, Weighted ? importance + c : nullptr, typical, blocks * groups, numbers,
          reads_weights<C, Fit, Weighted> ? weight : nullptr, [&](std::size_t i) QUERN_INLINE {
            const std::size_t block = c + i / groups * cols;
            call_fit_group<C, Fit>(s, {row, c + i * size}, {1, size}, {row, block}, {1, cols}, numbers.scale[i],
                                   numbers.offset[i], weight[i]);
          });
      ChooseLevels<C, Fit, Weighted, groups>(numbers.scale.data(), numbers.offset.data(), weight, blocks, levels);
      for (std::size_t b = 0; b < blocks; ++b) WriteBlock<C, Fit>(s, out, {row, c + b * cols}, levels[b]);
      c += blocks * cols;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
