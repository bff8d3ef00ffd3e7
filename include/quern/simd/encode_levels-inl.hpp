// Scales and offsets of an encoder: statistics of the regions of a window, and the levels that are written before the codes.
// To the byte what reference::write_levels writes.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ENCODE_LEVELS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ENCODE_LEVELS_INL_HPP_
#undef QUERN_SIMD_ENCODE_LEVELS_INL_HPP_
#else
#define QUERN_SIMD_ENCODE_LEVELS_INL_HPP_
#endif

#include "quern/simd/fit_groups-inl.hpp"
#include "quern/simd/pack-inl.hpp"
#include "quern/simd/scales-inl.hpp"
#include "quern/simd/statistics-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

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
    if constexpr (refines_regions<C, Fit>) {
      Refine(s, at, extent);
    } else if constexpr (searches_regions<Fit>) {
      if constexpr (Fit::search(true) == Fit::search(false)) Search<true>(s, at, extent);
      else if (s.importance.empty()) Search<false>(s, at, extent);
      else Search<true>(s, at, extent);
    } else {
      RegionStatistics<Fit::reads>(s.x, at.row - s.rows.first_row, extent.rows, at.col, extent.cols, each, first, second);
      if constexpr (Ideals) fit_ideals<C, Fit>(first, second, ceil_div(extent.cols, each), ideal);
    }
  }

 private:
  HWY_INLINE void Refine(const reference::source& s, coord at, shape extent) {
    constexpr std::size_t cols = reference::uniform_region<C>.cols;
    const auto each = [&](auto knows_ideal) QUERN_INLINE {
      for (std::size_t c = 0; c < extent.cols; c += cols)
        call_refine<C, Fit, knows_ideal>(s, {at.row, at.col + c}, {1, std::min(cols, extent.cols - c)}, c / cols, ideal);
    };
    if constexpr (refines_statistics<C, Fit>) {
      using first_fit = typename Fit::template first<C>;
      if (!has_weighted_form<first_fit> || s.importance.empty()) {
        RegionStatistics<first_fit::reads>(s.x, at.row - s.rows.first_row, 1, at.col, extent.cols, cols, first, second);
        fit_ideals<C, first_fit>(first, second, ceil_div(extent.cols, cols), ideal);
        return each(std::true_type());
      }
    }
    each(std::false_type());
  }
  template <bool Weighted>
  HWY_INLINE void Search(const reference::source& s, coord at, shape extent) {
    constexpr std::size_t cols = reference::uniform_region<C>.cols;
    constexpr ggml::group_search how = Fit::search(Weighted);
    const float* const x = s.x.row(at.row - s.rows.first_row) + at.col;
    const std::size_t whole = extent.cols / cols;
    float typical[most + kGroupRoom] = {};
    if constexpr (how.counts == ggml::counting::emphasis) {
      if constexpr (how.typical == ggml::mean_of::row) {
        std::fill_n(typical, whole, s.region(at, {1, 1}).mean_square_of_row());
      } else {
        SumsOfSquares(x, whole, cols, typical);
        for (std::size_t i = 0; i < whole; ++i) typical[i] = how.factor * typical[i] / static_cast<float>(cols);
      }
    }
    const auto by_scalar = [&](std::size_t i) QUERN_INLINE {
      call_ideal<C, Fit>(s, {at.row, at.col + i * cols}, {1, std::min(cols, extent.cols - i * cols)}, i, ideal);
    };
    FitGroups<Fit, typename C::number, Weighted, cols>(x, s.importance.empty() ? nullptr : s.importance.data() + at.col,
                                                       typical, whole, ideal, nullptr, by_scalar);
    if (extent.cols % cols != 0) by_scalar(whole);
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

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
