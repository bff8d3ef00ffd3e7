// The meaning of encoding: one encode for every codec, written to be read.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>

#include "quern/fit/block.hpp"
#include "quern/fit/default.hpp"
#include "quern/reference/decode.hpp"
#include "quern/reference/levels.hpp"
#include "quern/reference/sums.hpp"

namespace quern::inline v0::reference {

inline constexpr std::size_t none = static_cast<std::size_t>(-1);

// Writes the codes of a region: code(i, x, e) for its weights, numbered row by row, of which the i-th is x and counts e;
// for a vector format x and e are arrays of neighbours. Where the matrix's edge cuts the region it is filled up, as far as
// the storage has room, with code(none, zeros, ones).
template <class C>
constexpr void write_codes_of(const source& s, const packed_span<C>& out, coord first, shape size, auto code) {
  using N = typename C::number;
  constexpr std::size_t step = elements<N>;
  const shape matrix = s.rows.matrix, unit = unit_extent<C, array_with<C, 0>>(matrix);
  const shape whole = within(uniform_region<C>, matrix);
  const std::size_t rows = std::min(whole.rows, round_up(matrix.rows, unit.rows) - first.row);
  const std::size_t cols = std::min(whole.cols, round_up(matrix.cols, unit.cols) - first.col);
  const auto write = [&](std::size_t r, std::size_t c, std::uint32_t q) {
    set_code<codes>(out, {first.row + r, first.col + c}, q);
  };
  s.region(first, size).template each_vector<step>([&](std::size_t i, std::size_t, const auto& x, const auto& e) {
    write(i / size.cols, i % size.cols, code(i, x, e));
  });
  if (size.rows == rows && round_up(size.cols, step) >= cols) return;
  std::array<float, step> ones;
  ones.fill(1);
  const std::uint32_t outside = code(none, std::array<float, step>{}, ones);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = r < size.rows ? round_up(size.cols, step) : 0; c < cols; c += step) write(r, c, outside);
}

// The code of neighbouring weights, as many as C's number has values for a code.
template <class C, any_fit Fit, std::size_t Size>
constexpr std::uint32_t code_for(const std::array<float, Size>& x, const std::array<float, Size>& e,
                                 const element_map& m) {
  if constexpr (scalar_format<typename C::number>) return code_of<C, Fit>(x[0], m);
  else return code_of<C, Fit>(x, e, m);
}

// All parts: the coarser levels, then for each region that is fitted together the finest levels and the codes.
template <any_fit Fit, class C>
constexpr void write_regions(const source& s, const packed_span<C>& out) {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  const auto final_at = [&](coord f, shape n) { return final_of<C, Fit>(s, out, f, n, ideal_of<C, Fit>(s, f, n)); };
  write_upper_levels<Fit, G, scale>(s, out, remembering([&](coord f, shape n, bool last) {
                                      return last ? final_at(f, n).scale : ideal_of<C, Fit>(s, f, n).scale;
                                    }));
  write_upper_levels<void, O, offset>(s, out,
                                      remembering([&](coord f, shape n, bool) { return final_at(f, n).offset; }));

  each_region(s.rows, fit_region<C>, [&](coord fitted, shape fitted_size) {
    const auto ideal = ideal_of<C, Fit>(s, fitted, fitted_size);
    const affine last = final_of<C, Fit>(s, out, fitted, fitted_size, ideal);
    write_last_level<Fit, G, scale>(s, out, fitted, fitted_size, last.scale);
    write_last_level<void, O, offset>(s, out, fitted, fitted_size, last.offset);
    each_region_in(s.rows, uniform_region<C>, fitted, fitted_size, [&](coord first, shape size) {
      const element_map map = map_of<C, Fit>(ideal, affine{scale_at(out, first), offset_at(out, first)});
      write_codes_of(s, out, first, size,
                     [&](std::size_t, const auto& x, const auto& e) { return code_for<C, Fit>(x, e, map); });
    });
  });
}

// All parts of one block of a fit that chooses two levels together.
template <block_fit Fit, class C>
void write_block(const source& s, const packed_span<C>& out, coord first, shape size) {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  static_assert(G::size == 2 && (O::size == 0 || O::size == 2),
                "encode: a fit over blocks needs two levels of scales, and of offsets if any");
  using coarse_number = typename G::template level<1>::number;
  constexpr shape block = G::template level<1>::region, group = fit_region<C>;
  static_assert(
      block.count() / group.count() <= fitted_groups::most && group.count() <= fitted_group::most_weights,
      "encode: a fit over blocks is for blocks of at most 16 groups of at most 32 weights");
  const bool weighted = !s.importance.empty();

  std::array<fitted_group, fitted_groups::most> fitted;
  std::array<coord, fitted_groups::most> at{};
  std::array<shape, fitted_groups::most> extent{};
  fitted_groups groups;
  std::size_t& n = groups.count;
  each_region_in(s.rows, group, first, size, [&](coord f, shape g) {
    fitted[n] = Fit::template group<C>(s.region(f, g), s.region(first, size)), at[n] = f, extent[n] = g;
    groups.scale[n] = fitted[n].scale, groups.offset[n] = fitted[n].offset, groups.weight[n] = fitted[n].weight, ++n;
  });

  const block_levels scales = Fit::template scales<C>(groups, weighted);
  set_code<scale<1>>(out, first, nearest_finite<coarse_number>(scales.coarse));
  for (std::size_t i = 0; i < n; ++i) set_code<scale<0>>(out, at[i], scales.codes[i]);
  if constexpr (O::size == 2) {
    const block_levels offsets = Fit::template offsets<C>(groups, weighted);
    set_code<offset<1>>(out, first, nearest_finite<typename O::template level<1>::number>(offsets.coarse));
    for (std::size_t i = 0; i < n; ++i) set_code<offset<0>>(out, at[i], offsets.codes[i]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const affine stored{scale_at(out, at[i]), offset_at(out, at[i])};
    const affine ideal{exact(scales.coarse * G::template level<0>::number::value(scales.codes[i]))};
    const element_map map = map_of<C, Fit>(ideal, stored);
    const bool keeps = Fit::codes.scale == from::stored && stored.scale == 0;
    write_codes_of(s, out, at[i], extent[i], [&](std::size_t k, const auto& x, const auto&) {
      return !keeps || k == none ? code_of<C, Fit>(x[0], map) : scales.blank ? 0 : fitted[i].codes[k];
    });
  }
}

// The same of a fit that chooses every part.
template <whole_block_fit Fit, class C>
void write_block(const source& s, const packed_span<C>& out, coord first, shape size) {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  static_assert(G::size == 2 && O::size <= 2, "encode: a fit of whole blocks needs two levels of scales");
  constexpr shape block = G::template level<1>::region;
  static_assert(block.count() / elements<typename C::number> <= fitted_block::most_weights &&
                    block.count() / uniform_region<C>.count() <= fitted_block::most_groups,
                "encode: a fit of whole blocks is for blocks of at most 256 codes in at most 32 groups");
  const fitted_block chosen = Fit::template choose<C>(s.region(first, size));
  const auto write_groups = [&]<class Level>(std::type_identity<Level>, const auto& codes, auto write) {
    std::size_t i = 0;
    each_region_in(s.rows, Level::region, first, size, [&](coord at, shape) { write(at, codes[i++]); });
  };
  set_code<scale<1>>(out, first, nearest_finite<typename G::template level<1>::number>(chosen.scale));
  write_groups(std::type_identity<typename G::template level<0>>{}, chosen.scales,
               [&](coord at, std::uint32_t code) { set_code<scale<0>>(out, at, code); });
  if constexpr (O::size == 2)
    set_code<offset<1>>(out, first, nearest_finite<typename O::template level<1>::number>(chosen.offset));
  if constexpr (O::size > 0)
    write_groups(std::type_identity<typename O::template level<0>>{}, chosen.offsets,
                 [&](coord at, std::uint32_t code) { set_code<offset<0>>(out, at, code); });
  s.region(first, size).template each_vector<elements<typename C::number>>(
      [&, k = std::size_t{0}](std::size_t i, std::size_t, const auto&, const auto&) mutable {
        set_code<codes>(out, {first.row + i / size.cols, first.col + i % size.cols}, chosen.codes[k++]);
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

// Importance is none at all, or one number for each column, finite and not negative.
constexpr result<void> try_importance(std::span<const float> importance, std::size_t cols) {
  if (!importance.empty() && importance.size() != cols)
    return failure{"importance has one number for each column", "encode, importance", importance.size(), cols};
  for (std::size_t i = 0; i < importance.size(); ++i)
    if (!is_finite(importance[i]) || importance[i] < 0)
      return failure{"an importance is negative or not finite", "encode, importance", i};
  return {};
}

// Writes x to `out`, which has its shape: scales and offsets as Fit chooses them, then codes by the fit's rule.
// importance: none, or one number for each column; fits that know nothing of it ignore it. Bits that stand for no
// weight and lie in no group that holds a weight are 0 where `out` is a whole matrix, and stay as they are where it is
// some rows of one. Nothing is written on failure: a shape that differs, a weight that is not finite
// (nonfinite::refuse) or an importance that is negative or not finite.
template <any_codec C, class Fit = fit_of<C>>
constexpr result<void> encode(matrix_view<const float> x, packed_span<C> out, std::span<const float> importance = {},
                              nonfinite policy = nonfinite::refuse) {
  static_assert(any_fit<Fit>, "encode: a fit has `codes` and `ideal<C>`, or `choose<C>`; see fit/fit.hpp");
  static_assert(uniform_region<C>.cols % elements<typename C::number> == 0,
                "encode: the weights of a code must share scale and offset; make groups whole vectors of the number");
  if constexpr (has_weighted_form<Fit>)
    if (!importance.empty()) return encode<C, typename Fit::with_importance>(x, out, importance, policy);

  if (x.rows() != out.rows()) return failure{"the numbers of rows differ", "encode, x and out", x.rows(), out.rows()};
  if (x.cols() != out.cols())
    return failure{"the numbers of columns differ", "encode, x and out", x.cols(), out.cols()};
  if (auto ok = try_importance(importance, x.cols()); !ok) return ok;
  if (policy == nonfinite::refuse)
    for (std::size_t r = 0; r < x.rows(); ++r)
      for (std::size_t c = 0; c < x.cols(); ++c)
        if (!is_finite(x(r, c))) return failure{"a weight is infinite or not a number", "encode, x", r * x.cols() + c};
  const source s{x, importance, {out.matrix(), out.first_row(), out.rows()}};
  if (auto ok = try_whole_regions<C>(s.rows); !ok) return ok;
  if (x.rows() == 0 || x.cols() == 0) return {};

  if (out.rows() == out.matrix().rows)
    for (std::size_t i = 0; i < C::layout::arrays; ++i) std::ranges::fill(out.array(i), std::byte{0});
  if constexpr (fits_in_blocks<Fit>)
    each_region(s.rows, C::granularity::template level<1>::region,
                [&](coord first, shape size) { write_block<Fit>(s, out, first, size); });
  else write_regions<Fit>(s, out);
  if constexpr (has_sums<C> && stores_sums<Fit, C>) write_sums<Fit>(s, out);
  return {};
}

}  // namespace quern::inline v0::reference
