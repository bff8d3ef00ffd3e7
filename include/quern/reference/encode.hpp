// The meaning of encoding: one encode for every codec of scalar numbers, written to be read.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>

#include "quern/fit/default.hpp"
#include "quern/fit/region.hpp"
#include "quern/reference/decode.hpp"

namespace quern::inline v0::reference {

// ---- regions ----

// The lesser, and the greater, of two extents in each direction; `all` is the greatest.
constexpr shape lesser(shape a, shape b) {
  const auto pick = [](std::size_t i, std::size_t j) { return i == all ? j : j == all ? i : std::min(i, j); };
  return {pick(a.rows, b.rows), pick(a.cols, b.cols)};
}
constexpr shape greater(shape a, shape b) {
  const auto pick = [](std::size_t i, std::size_t j) { return i == all || j == all ? all : std::max(i, j); };
  return {pick(a.rows, b.rows), pick(a.cols, b.cols)};
}

// The region of the finest level of a granularity; the whole matrix where there is no level.
template <granularity G>
inline constexpr shape finest_region = [] {
  shape finest{all, all};
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((finest = lesser(finest, G::template level<I>::region)), ...);
  }(std::make_index_sequence<G::size>{});
  return finest;
}();

// The weights that see one scale and one offset.
template <class C>
inline constexpr shape uniform_region =
    lesser(finest_region<typename C::granularity>, finest_region<typename C::symmetry::offsets>);

// The weights that are fitted together: whole regions of scales, and of offsets.
template <class C>
inline constexpr shape fit_region = [] {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  return G::size == 0 || O::size == 0 ? uniform_region<C> : greater(finest_region<G>, finest_region<O>);
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

// The same for the regions `inner` that lie in the region `outer` of size `size`, or, where they are larger, for the one
// that holds it.
constexpr void each_region_in(const window& w, shape inner, coord outer, shape size, auto f) {
  const shape step = within(inner, w.matrix);
  for (std::size_t r = outer.row / step.rows * step.rows; r < outer.row + size.rows; r += step.rows)
    for (std::size_t c = outer.col / step.cols * step.cols; c < outer.col + size.cols; c += step.cols)
      f(coord{r, c}, shape{std::min(step.rows, w.matrix.rows - r), std::min(step.cols, w.matrix.cols - c)});
}

// ---- fits ----

// A matrix of weights that rows `rows` of a packed matrix are to hold.
struct source {
  matrix_view<const float> x;  // the window's rows
  std::span<const float> importance;
  window rows;

  constexpr weight_region region(coord first, shape size) const {
    return {x, importance, {first.row - rows.first_row, first.col}, size};
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

// ---- levels of scales and offsets ----
//
// A granularity's levels make one number: the stored numbers of all multiplied levels, coarsest first, then the adding
// levels'. What<I> is the part of level I, scale<I> or offset<I>; ideal(first, size) is what the levels should make. Fit
// is void for offsets: a fit has rules of its own for levels of scales only.

// Levels [Begin, End) of G that are multiplied: how many there are, and the product of what they reach.
template <class G, std::size_t Begin, std::size_t End>
struct factors {
  template <std::size_t I>
  static constexpr bool is = !adding_level<typename G::template level<I>>;
  static constexpr std::size_t count = []<std::size_t... I>(std::index_sequence<I...>) {
    return (std::size_t{0} + ... + (is<Begin + I> ? 1 : 0));
  }(std::make_index_sequence<End - Begin>{});
  static constexpr float reached = []<std::size_t... I>(std::index_sequence<I...>) {
    return (1.0f * ... * (is<Begin + I> ? reach<typename G::template level<Begin + I>::number> : 1.0f));
  }(std::make_index_sequence<End - Begin>{});
};

// What the stored levels coarser than level I make at w, adding levels left out.
template <class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr float coarser_product(const packed_span<C>& out, coord w) {
  float total = 1;
  [&]<std::size_t... J>(std::index_sequence<J...>) {
    ([&] {
      using L = typename G::template level<G::size - 1 - J>;
      if constexpr (!adding_level<L>)
        total = exact(total * value<typename L::number>(code_at<What<G::size - 1 - J>>(out, w)));
    }(), ...);
  }(std::make_index_sequence<G::size - 1 - I>{});
  return total;
}

// x less what the stored adding levels before level I add at w.
template <class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr float without_sums(float x, const packed_span<C>& out, coord w) {
  [&]<std::size_t... J>(std::index_sequence<J...>) {
    ([&] {
      using L = typename G::template level<J>;
      if constexpr (adding_level<L>) x = exact(x - value<typename L::number>(code_at<What<J>>(out, w)));
    }(), ...);
  }(std::make_index_sequence<I>{});
  return x;
}

// The code of an adding level: the mean of what there is to make in its region.
template <class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr std::uint32_t sum_code(const source& s, const packed_span<C>& out, coord first, shape size, auto ideal) {
  double sum = 0;
  std::size_t count = 0;
  each_region_in(s.rows, fit_region<C>, first, size, [&](coord f, shape n) {
    sum += static_cast<double>(without_sums<G, What, I>(ideal(f, n), out, f)), ++count;
  });
  return nearest_finite<typename G::template level<I>::number>(static_cast<float>(sum / static_cast<double>(count)));
}

// The code of a multiplied level: that of the coarsest of several and that of the finest may be the fit's. Else the finest
// makes up the rest of what there is to make, and any other stores the least that lets the finer ones reach the greatest
// magnitude in its region.
template <class Fit, class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr std::uint32_t factor_code(const source& s, const packed_span<C>& out, coord first, shape size, auto ideal) {
  using N = typename G::template level<I>::number;
  using finer = factors<G, 0, I>;
  using coarser = factors<G, I + 1, G::size>;
  const float product = coarser_product<G, What, I>(out, first);
  if constexpr (coarser::count == 0 && finer::count > 0 && chooses_coarsest<Fit, C>) {
    return Fit::template coarsest_code<C>(gather_region<Fit::reads>(s, first, size));
  } else if constexpr (finer::count == 0 && chooses_finest<Fit, C>) {
    return Fit::template finest_code<C>(gather_region<Fit::reads>(s, first, size), product);
  } else {
    float wanted = -0.0f;  // 0 keeps its sign
    each_region_in(s.rows, fit_region<C>, first, size, [&](coord f, shape n) {
      const float x = without_sums<G, What, G::size>(ideal(f, n), out, f);
      if (x == wanted || magnitude(x) > magnitude(wanted)) wanted = x;
    });
    if constexpr (coarser::count > 0) wanted = product == 0 ? 0 : wanted / product;
    if constexpr (finer::count > 0) {
      constexpr float reached = [] {
        if constexpr (chooses_reach<Fit> && coarser::count == 0) return Fit::finer_reach;
        else return finer::reached;
      }();
      wanted = magnitude(wanted) / reached;
      if constexpr (powers_of_two<N>) wanted = power_of_two_above(wanted);
    }
    return nearest_finite<N>(wanted);
  }
}

// Writes every level of G: the adding ones, then the others from the coarsest. Stored numbers are read back, so that each
// level makes up for the rounding of those before.
template <class Fit, class G, template <std::uint8_t> class What, class C>
constexpr void write_levels(const source& s, const packed_span<C>& out, auto ideal) {
  const auto write = [&]<std::size_t I>(auto code) {
    each_region(s.rows, G::template level<I>::region,
                [&](coord first, shape size) { set_code<What<I>>(out, first, code(s, out, first, size, ideal)); });
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ([&] {
      if constexpr (adding_level<typename G::template level<I>>)
        write.template operator()<I>([](const auto&... a) { return sum_code<G, What, I>(a...); });
    }(), ...);
    ([&] {
      constexpr std::size_t J = G::size - 1 - I;
      if constexpr (!adding_level<typename G::template level<J>>)
        write.template operator()<J>([](const auto&... a) { return factor_code<Fit, G, What, J>(a...); });
    }(), ...);
  }(std::make_index_sequence<G::size>{});
}

// ---- codes ----

// Writes the codes of every weight, with the scales and offsets that are stored by now. A group that the matrix's edge
// cuts is filled up, where the storage has room, with codes of weight 0.
template <class Fit, class C>
constexpr void write_codes(const source& s, const packed_span<C>& out) {
  constexpr std::size_t array = array_with<C, 0>;
  const shape unit = unit_extent<C, array>(s.rows.matrix), step = within(uniform_region<C>, s.rows.matrix);
  const shape room{round_up(s.rows.matrix.rows, unit.rows), round_up(s.rows.matrix.cols, unit.cols)};
  each_region(s.rows, uniform_region<C>, [&](coord first, shape size) {
    const weight_region weights = s.region(first, size);
    const affine stored{scale_at(out, first), offset_at(out, first)};
    element_map map;
    each_region_in(s.rows, fit_region<C>, first, size,
                   [&](coord f, shape n) { map = map_of<C, Fit>(ideal_of<C, Fit>(s, f, n), stored); });
    const std::size_t rows = std::min(step.rows, room.rows - first.row), cols = std::min(step.cols, room.cols - first.col);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < cols; ++c) {
        const float x = r < size.rows && c < size.cols ? weights[r * size.cols + c] : 0.0f;
        set_code<codes>(out, {first.row + r, first.col + c}, code_of<C, Fit>(x, map));
      }
  });
}

// ---- all of it ----

// The first of the regions that a view of some rows of a matrix cuts, if any.
template <class C>
constexpr result<void> try_whole_regions(const window& w) {
  bool whole_regions = true;
  for (const part_facts& p : parts<C>) {
    const std::size_t rows = within(p.region, w.matrix).rows;
    if (rows != 0 && (w.first_row % rows != 0 || (w.rows % rows != 0 && w.first_row + w.rows != w.matrix.rows)))
      whole_regions = false;
  }
  if (!whole_regions)
    return failure{"the view cuts through a region of rows that share a scale", "encode, out", w.first_row, w.rows};
  return {};
}

// Writes x to `out`, which has its shape: scales and offsets as Fit chooses them, then codes by the fit's rule.
// importance: none, or one number for each column; fits that know nothing of it ignore it. Bits that stand for no weight
// and lie in no group that holds a weight are 0 where `out` is a whole matrix, and stay as they are where it is some rows
// of one. Nothing is written on failure: a shape that differs, a weight that is not finite (nonfinite::refuse) or an
// importance that is negative or not finite.
template <any_codec C, class Fit = fit_of<C>>
constexpr result<void> encode(matrix_view<const float> x, packed_span<C> out, std::span<const float> importance = {},
                              nonfinite policy = nonfinite::refuse) {
  static_assert(any_fit<Fit>, "encode: a fit has `codes` and `ideal<C>`; see fit/fit.hpp");
  static_assert(scalar_format<typename C::number>, "encode: formats of several weights to a code need a search of their own");
  if constexpr (has_weighted_form<Fit>)
    if (!importance.empty()) return encode<C, typename Fit::with_importance>(x, out, importance, policy);

  if (x.rows() != out.rows()) return failure{"the numbers of rows differ", "encode, x and out", x.rows(), out.rows()};
  if (x.cols() != out.cols()) return failure{"the numbers of columns differ", "encode, x and out", x.cols(), out.cols()};
  if (!importance.empty() && importance.size() != x.cols())
    return failure{"importance has one number for each column", "encode, importance", importance.size(), x.cols()};
  for (std::size_t i = 0; i < importance.size(); ++i)
    if (!is_finite(importance[i]) || importance[i] < 0)
      return failure{"an importance is negative or not finite", "encode, importance", i};
  if (policy == nonfinite::refuse)
    for (std::size_t r = 0; r < x.rows(); ++r)
      for (std::size_t c = 0; c < x.cols(); ++c)
        if (!is_finite(x(r, c))) return failure{"a weight is infinite or not a number", "encode, x", r * x.cols() + c};
  const source s{x, importance, {out.matrix(), out.first_row(), out.rows()}};
  if (auto ok = try_whole_regions<C>(s.rows); !ok) return ok;
  if (x.rows() == 0 || x.cols() == 0) return {};

  if (out.rows() == out.matrix().rows)
    for (std::size_t i = 0; i < C::layout::arrays; ++i) std::ranges::fill(out.array(i), std::byte{0});
  write_levels<Fit, typename C::granularity, scale>(s, out, [&](coord f, shape n) { return ideal_of<C, Fit>(s, f, n).scale; });
  write_levels<void, typename C::symmetry::offsets, offset>(s, out, [&](coord f, shape n) { return ideal_of<C, Fit>(s, f, n).offset; });
  write_codes<Fit>(s, out);
  return {};
}

}  // namespace quern::inline v0::reference
