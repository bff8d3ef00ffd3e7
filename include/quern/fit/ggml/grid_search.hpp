// ggml's search for the scale and the points of groups, in formats whose grids have signs: quantize_row_iq2_*_impl and
// quantize_row_iq3_*_impl of ggml-quants.c. Level l of a grid counts as 2l + 1, whatever its magnitude is.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>
#include <cmath>

#include "quern/fit/ggml/grid_block.hpp"

namespace quern::inline v0::ggml {

// Which points are chosen again with the scale that the search found.
enum class again {
  off_grid,    // those whose place the search gave to a neighbour
  all_if_any,  // all, if there is one of those or the search found nothing
  always       // all
};

struct search_rules : grid_rules {
  int tries;  // the greatest magnitude becomes the highest level, or up to so many steps more or less
  float step;
  again chosen_again;
  bool from_range = false;  // what becomes the highest level is not the greatest but what make_qp_quants finds
  bool overwrites = false;  // as ggml writes IQ3_S: see iq3_s_as_written
};

// make_qp_quants for codes of at most `most`. x may have negative numbers, whose codes ggml keeps in a byte.
inline float range_scale(floats x, floats e, int most) {
  float greatest = 0;
  for (const float v : x) greatest = v > greatest ? v : greatest;
  if (greatest < smallest_group) return 0;
  const auto as_byte = [](int code) { return code & 255; };
  const auto error = [&](float factor, auto code) {
    const float scale = 1 / factor;
    float sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float d = x[i] - exact(scale * static_cast<float>(code(nearest_int(exact(factor * x[i])))));
      sum = plus_product(sum, exact(e[i] * d), d);
    }
    return sum;
  };
  const auto at_most = [&](int code) { return code < most ? code : most; };
  float factor = static_cast<float>(most) / greatest, least_error = error(factor, as_byte);
  for (int t = -4; t <= 4; ++t) {
    if (t == 0) continue;
    const float f = (exact(0.1f * static_cast<float>(t)) + static_cast<float>(most)) / greatest,
                now = error(f, at_most);
    if (now < least_error) least_error = now, factor = f;
  }

  std::array<int, 32> codes;
  correlation sums;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int code = at_most(nearest_int(exact(factor * x[i])));
    sums.add(e[i], x[i], static_cast<float>(code));
    codes[i] = as_byte(code);
  }
  for (int sweep = 0; sweep < 5; ++sweep) {
    bool moved = false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto v = static_cast<float>(codes[i]);
      correlation others = sums;
      others.with_weights -= exact(exact(e[i] * x[i]) * v);
      others.with_itself -= exact(exact(e[i] * v) * v);
      if (!(others.with_weights > 0 && others.with_itself > 0)) continue;
      const int code = at_most(nearest_int(exact(x[i] * others.with_itself) / others.with_weights));
      if (code == codes[i]) continue;
      others.add(e[i], x[i], static_cast<float>(code));
      if (exact(exact(others.with_weights * others.with_weights) * sums.with_itself) >
          exact(exact(sums.with_weights * sums.with_weights) * others.with_itself))
        codes[i] = as_byte(code), sums = others, moved = true;
    }
    if (!moved) break;
  }
  return sums.scale();
}

// ---- one scale ----

// The highest level, and what it counts as.
template <point_format N>
inline constexpr int highest_level = static_cast<int>(level_count<N>) - 1;
template <point_format N>
inline constexpr float top = 2 * highest_level<N> + 1;

// The levels nearest to the weights of a point, which have `inverse` of the scale.
template <point_format N>
constexpr std::uint32_t nearest_levels(const float* x, float inverse) {
  std::uint32_t levels = 0;
  for (std::size_t j = 0; j < N::dimension; ++j)
    levels |= static_cast<std::uint32_t>(nearest_int(0.5f * (exact(inverse * x[j]) - 1), highest_level<N>))
              << (j * N::level_bits);
  return levels;
}

// Point k of the group: the nearest levels, or the best neighbour of levels that are no point.
template <class Way, class C, unsigned Shells>
void choose_point(const magnitudes_of_group<C>& group, std::size_t k, float inverse, float scale,
                  points_of_group<C>& found) {
  using N = typename C::number;
  const float* const x = &group.x[k * N::dimension];
  const auto value = [&] {
    level_values<N> v;
    for (std::size_t l = 0; l < v.size(); ++l) v[l] = exact(scale * static_cast<float>(2 * l + 1));
    return v;
  };
  const std::uint32_t levels = nearest_levels<N>(x, inverse);
  found.points[k] = point_near<Way, N, Shells>(levels, value, x, &group.root[k * N::dimension], found.in_range);
  if (found.points[k] != levels) found.off_grid |= 1u << k;
}

template <class C>
correlation correlate(const magnitudes_of_group<C>& group, const points_of_group<C>& found) {
  using N = typename C::number;
  correlation sums;
  for (std::size_t i = 0; i < group.x.size(); ++i) {
    const unsigned level = level_of<N>(found.points[i / N::dimension], i % N::dimension);
    sums.add(group.e[i], group.x[i], static_cast<float>(2 * level + 1));
  }
  return sums;
}

// ---- the scales that are tried ----

// By how much of a level less or more than the highest one the range is divided.
template <class C, const search_rules& Rules>
inline constexpr auto tried_tops = [] {
  std::array<float, 2 * Rules.tries + 1> t{};
  for (std::size_t i = 0; i < t.size(); ++i)
    t[i] = top<typename C::number> + static_cast<float>(static_cast<int>(i) - Rules.tries) * Rules.step;
  return t;
}();

// Whether what a scale explains more than the best so far, which it then becomes.
template <class C>
bool is_better(const correlation& sums, float& explained, points_of_group<C>& best) {
  best.in_range = best.in_range && magnitude(sums.with_weights) < most_sum && sums.with_itself < most_sum;
  if (!sums.explains_more_than(explained)) return false;
  best.scale = sums.scale(), explained = sums.explained();
  return true;
}

// The scale that explains most with the points it gives; none may explain anything.
template <const auto& Rules, class C>
void one_by_one::search(const magnitudes_of_group<C>& group, float range, points_of_group<C>& found) {
  float explained = 0;
  for (const float tried : tried_tops<C, Rules>) {
    const float inverse = tried / range;
    points_of_group<C> now;
    for (std::size_t k = 0; k < now.count; ++k)
      choose_point<one_by_one, C, Rules.shells>(group, k, inverse, 1 / inverse, now);
    found.in_range = found.in_range && now.in_range;
    if (is_better(correlate(group, now), explained, found)) found.points = now.points, found.off_grid = now.off_grid;
  }
}

// ---- a group ----

template <class C, const search_rules& Rules>
class searched_group {
  using N = typename C::number;
  static constexpr std::size_t n = grid_sizes<C>::group, codes = n / N::elements;
  static constexpr std::uint32_t every_point = low_bits(points_of_group<C>::count);
  static_assert(N::sign_rule != signs::none && C::symmetry::offsets::size == 0,
                "ggml::grid_fit: the grid needs signs, and no offset; for others see ggml::split_fit");
  static_assert(n % N::elements == 0, "ggml::grid_fit: groups must be whole codes");
  static_assert(N::points[0] == 0, "ggml::grid_fit: the grid's first point must be that of the lowest levels");

 public:
  template <class Way>
  searched_group(Way, const float* x, const float* e) {
    group_.e = e;
    for (std::size_t c = 0; c < codes; ++c) take_signs(c, x);
    for (std::size_t i = 0; i < n; ++i) group_.root[i] = std::sqrt(e[i]);
    float greatest = group_.x[0];
    for (std::size_t i = 1; i < n; ++i) greatest = greatest > group_.x[i] ? greatest : group_.x[i];
    if (greatest < Rules.least) return;
    const float first = Rules.from_range ? range_scale(group_.x, floats(e, n), level_count<N> + 1) : greatest / top<N>;
    const float range = Rules.from_range ? first * level_count<N> : greatest;
    if (range <= 0) return;
    is_zero_ = false;
    found_.scale = first;
    found_.off_grid = Rules.chosen_again == again::all_if_any ? every_point : 0;
    Way::template search<Rules, C>(group_, range, found_);
    if (found_.scale > 0) choose_again<Way>();
    found_.in_range = found_.in_range && is_finite(found_.scale);
    if (0 > found_.scale) {
      found_.scale = -found_.scale;
      for (std::uint32_t& m : minus_) m = ~m & low_bits(N::sign_bits);
    }
  }

  float scale() const { return found_.scale; }
  bool in_range() const { return found_.in_range; }
  // Whether the group counts as zero. All of its bits are 0 then.
  bool is_zero() const { return is_zero_; }
  std::uint32_t code(std::size_t c) const {
    const auto& lists = neighbour_lists<N, Rules.shells>::shared();
    std::uint32_t code = minus_[c] << (N::vectors * N::index_bits);
    for (std::size_t k = 0; k < N::vectors; ++k)
      code |= lists.index(combination<N>(found_.points[c * N::vectors + k])) << (k * N::index_bits);
    return code;
  }

 private:
  // Magnitudes, and minus signs of a code; where their number must be even one sign may be wrong, of a weight that
  // counts little, whose magnitude then is negative.
  void take_signs(std::size_t c, const float* x) {
    std::uint32_t minus = 0;
    const std::size_t first = c * N::elements;
    for (std::size_t j = 0; j < N::elements; ++j) {
      const float v = x[first + j];
      minus |= v < 0 ? 1u << j : 0;
      group_.x[first + j] = v < 0 ? -v : v;
    }
    if (N::sign_rule == signs::even && std::popcount(minus) % 2 == 1) {
      const auto cost = [&](std::size_t j) { return exact(group_.e[first + j] * x[first + j]) * x[first + j]; };
      std::size_t wrong = 0;
      for (std::size_t j = 1; j < N::elements; ++j)
        if (cost(j) < cost(wrong)) wrong = j;
      group_.x[first + wrong] = -group_.x[first + wrong];
      minus ^= 1u << wrong;
    }
    minus_[c] = minus & low_bits(N::sign_bits);
  }

  template <class Way>
  void choose_again() {
    if (Rules.chosen_again != again::always && found_.off_grid == 0) return;
    const float scale = found_.scale, inverse = 1 / scale;
    for (std::size_t k = 0; k < found_.count; ++k)
      if (Rules.chosen_again != again::off_grid || (found_.off_grid >> k & 1))
        choose_point<Way, C, Rules.shells>(group_, k, inverse, scale, found_);
    const correlation sums = correlate(group_, found_);
    if (sums.with_itself > 0) found_.scale = sums.scale();
  }

  magnitudes_of_group<C> group_;
  points_of_group<C> found_;
  std::array<std::uint32_t, codes> minus_;
  bool is_zero_ = true;
};

template <const search_rules& Rules>
struct grid_fit : fits_grids<grid_fit<Rules>> {
  template <class Way, class C>
  static bool try_fit(const weight_region& w, block_unit unit, fitted_block& out) {
    using N = typename C::number;
    using sizes = grid_sizes<C>;
    constexpr std::size_t codes = sizes::group / N::elements;
    const grid_block<C> block(w, Rules, unit);
    bool in_range = block.in_range;
    std::array<float, sizes::groups> scales;
    float greatest = 0;
    std::size_t written = 0;  // codes
    for (std::size_t g = 0; g < sizes::groups; ++g) {
      const searched_group<C, Rules> group(Way(), &block.x[g * sizes::group], &block.e[g * sizes::group]);
      scales[g] = group.scale(), in_range = in_range && group.in_range();
      greatest = greatest > scales[g] ? greatest : scales[g];
      if (group.is_zero()) continue;
      for (std::size_t c = 0; c < codes; ++c) {
        // The bits of a code that ggml writes after those it has written, and not in their place.
        constexpr std::uint32_t displaced = Rules.overwrites ? ~(low_bits(N::index_bits) & ~255u) : 0;
        const std::uint32_t code = group.code(c);
        out.codes[g * codes + c] |= code & ~displaced;
        out.codes[written++] |= code & displaced;
      }
    }
    const float scale = greatest / highest_multiple<C>, inverse = 1 / scale;
    out.scale = exact(scale * Rules.stored);
    for (std::size_t g = 0; g < sizes::groups; ++g) out.scales[g] = scale_code<C>(scales[g], inverse);
    return in_range;
  }
};

}  // namespace quern::inline v0::ggml
