// Regions of a matrix, and what a fit makes of one.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <numeric>

#include "quern/fit/fit.hpp"
#include "quern/granularity/levels.hpp"

namespace quern::inline v0::reference {

// The regions that two grids of regions cut each other into, and the least that are whole regions of both. `all` is 0, of
// which every extent is a divisor.
constexpr shape common_part(shape a, shape b) { return {std::gcd(a.rows, b.rows), std::gcd(a.cols, b.cols)}; }
constexpr shape common_whole(shape a, shape b) { return {std::lcm(a.rows, b.rows), std::lcm(a.cols, b.cols)}; }

// The region of the finest level of a granularity; the whole matrix where there is no level.
template <granularity G>
inline constexpr shape finest_region = [] {
  shape finest{all, all};
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((finest = common_part(finest, G::template level<I>::region)), ...);
  }
  (std::make_index_sequence<G::size>{});
  return finest;
}();

// The weights that see one scale and one offset.
template <class C>
inline constexpr shape uniform_region = common_part(finest_region<typename C::granularity>,
                                                    finest_region<typename C::symmetry::offsets>);

// The weights that are fitted together: whole regions of scales, and of offsets.
template <class C>
inline constexpr shape fit_region = [] {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  return G::size == 0 || O::size == 0 ? uniform_region<C> : common_whole(finest_region<G>, finest_region<O>);
}();

// Rows of a matrix, and all its columns.
struct window {
  shape matrix;
  std::size_t first_row, rows;
};

// f(first, size) for every region of a window, cut at the matrix's edge. The window holds whole regions.
constexpr void each_region(const window& w, shape region, auto f) {
  const shape step = within(region, w.matrix);
  for (std::size_t r = w.first_row; r < w.first_row + w.rows; r += step.rows)
    for (std::size_t c = 0; c < w.matrix.cols; c += step.cols)
      f(coord{r, c}, shape{std::min(step.rows, w.first_row + w.rows - r), std::min(step.cols, w.matrix.cols - c)});
}

// The same for the regions `inner` that lie in the region `outer` of size `size`, or, where they are larger, for the
// one that holds it.
constexpr void each_region_in(const window& w, shape inner, coord outer, shape size, auto f) {
  const shape step = within(inner, w.matrix);
  for (std::size_t r = outer.row / step.rows * step.rows; r < outer.row + size.rows; r += step.rows) {
    // A codec without levels may be written through a window though its one region is the whole matrix.
    const std::size_t top = std::max(r, w.first_row), bottom = std::min(r + step.rows, w.first_row + w.rows);
    for (std::size_t c = outer.col / step.cols * step.cols; c < outer.col + size.cols; c += step.cols)
      f(coord{top, c}, shape{bottom - top, std::min(step.cols, w.matrix.cols - c)});
  }
}

// A matrix of weights that rows `rows` of a packed matrix are to hold.
struct source {
  matrix_view<const float> x;  // the window's rows
  std::span<const float> importance;
  window rows;
  mutable row_memory memory{};

  constexpr weight_region region(coord first, shape size) const {
    return {x, importance, {first.row - rows.first_row, first.col}, size, &memory};
  }
};

template <statistic Kind>
constexpr statistics gather_region(const source& s, coord first, shape size) {
  return gather<Kind>([&](auto f) { s.region(first, size).each(f); });
}

// The fit's scale and offset of a region. What overflows is the greatest float.
template <class C, any_fit Fit>
constexpr auto ideal_of(const source& s, coord first, shape size) {
  auto ideal = [&] {
    if constexpr (statistics_fit<Fit>) return Fit::template ideal<C>(gather_region<Fit::reads>(s, first, size));
    else return Fit::template ideal<C>(s.region(first, size));
  }();
  ideal.scale = saturated(ideal.scale), ideal.offset = saturated(ideal.offset);
  return ideal;
}

}  // namespace quern::inline v0::reference
