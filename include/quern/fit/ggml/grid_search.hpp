// ggml's search for the scale and the points of groups, in formats whose grids have signs: quantize_row_iq2_*_impl and
// quantize_row_iq3_*_impl of ggml-quants.c. Level l of a grid counts as 2l + 1, whatever its magnitude is.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>

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

// A group of weights.
template <class C, const search_rules& Rules>
class searched_group {
  using N = typename C::number;
  using sizes = grid_sizes<C>;
  using lists = neighbour_lists<N, Rules.shells>;
  static constexpr std::size_t n = sizes::group, dimension = N::dimension, points = n / dimension,
                               codes = n / N::elements, width = std::size_t{1} << N::level_bits;
  static constexpr int highest = static_cast<int>(level_count<N>) - 1;
  static constexpr float top = 2 * highest + 1;
  static_assert(N::sign_rule != signs::none && C::symmetry::offsets::size == 0,
                "ggml::grid_fit: the grid needs signs, and no offset; for others see ggml::split_fit");
  static_assert(n % N::elements == 0, "ggml::grid_fit: groups must be whole codes");
  static_assert(N::points[0] == 0, "ggml::grid_fit: the grid's first point must be that of the lowest levels");

 public:
  float scale = 0;
  bool in_range = true;  // all sums

  searched_group(const float* x, const float* e, const lists& all) : e_(e), lists_(all) {
    for (std::size_t c = 0; c < codes; ++c) take_signs(c, x);
    for (std::size_t i = 0; i < n; ++i) root_[i] = std::sqrt(e[i]);
    float greatest = x_[0];
    for (std::size_t i = 1; i < n; ++i) greatest = greatest > x_[i] ? greatest : x_[i];
    if (greatest < Rules.least) return;
    if (Rules.from_range) scale = range_scale(x_, floats(e_, n), level_count<N> + 1);
    const float range = Rules.from_range ? scale * level_count<N> : greatest;
    is_zero_ = range <= 0;
    scale = is_zero_ ? 0 : Rules.from_range ? scale : greatest / top;
    if (is_zero_) return;
    search(range);
    if (scale > 0) choose_again();
    in_range = in_range && is_finite(scale);
    if (scale < 0) {
      scale = -scale;
      for (std::uint32_t& m : minus_) m = ~m & low_bits(N::sign_bits);
    }
  }

  // Whether the group counts as zero. All of its bits are 0 then.
  bool is_zero() const { return is_zero_; }
  std::uint32_t code(std::size_t c) const {
    std::uint32_t code = 0;
    for (std::size_t k = 0; k < N::vectors; ++k) {
      const std::uint8_t* const levels = best_.levels.data() + c * N::elements + k * dimension;
      code |= lists_.index(combination<N>(levels)) << (k * N::index_bits);
    }
    return code | minus_[c] << (N::vectors * N::index_bits);
  }

 private:
  // Of every weight the level; whether those of a point are nearest to the weights.
  struct choice {
    alignas(16) std::array<std::uint8_t, n> levels;
    std::uint32_t on_grid;  // a bit for every point
  };

  // Magnitudes, and minus signs of a code; where their number must be even one sign may be wrong, of a weight that
  // counts little, whose magnitude then is negative.
  void take_signs(std::size_t c, const float* x) {
    std::uint32_t minus = 0;
    const std::size_t first = c * N::elements;
    for (std::size_t j = 0; j < N::elements; ++j) {
      const float v = x[first + j];
      minus |= v < 0 ? 1u << j : 0;
      x_[first + j] = v < 0 ? -v : v;
    }
    if (N::sign_rule == signs::even && std::popcount(minus) % 2 == 1) {
      const auto cost = [&](std::size_t j) { return exact(e_[first + j] * x[first + j]) * x[first + j]; };
      std::size_t wrong = 0;
      for (std::size_t j = 1; j < N::elements; ++j)
        if (cost(j) < cost(wrong)) wrong = j;
      x_[first + wrong] = -x_[first + wrong];
      minus ^= 1u << wrong;
    }
    minus_[c] = minus & low_bits(N::sign_bits);
  }

  // The levels that are nearest to the weights, of which a level takes 1 / inverse.
  void round(float inverse, choice& out) const {
    alignas(64) std::array<float, n> quotient;
    for (std::size_t i = 0; i < n; ++i) quotient[i] = inverse * x_[i];
    settle(quotient);
    for (std::size_t i = 0; i < n; ++i)
      out.levels[i] = static_cast<std::uint8_t>(nearest_int(0.5f * (quotient[i] - 1), highest));
    out.on_grid = low_bits(points);
  }

  // Where the levels of point k are none on the grid, its best neighbour's instead; for choices, each with its scale.
  void put_on_grid(std::size_t k, choice* run, const float* scales, std::size_t count) {
    const std::size_t first = k * dimension;
    const auto number = [&](std::size_t i) { return combination<N>(&run[i].levels[first]); };
    for (std::size_t i = 0, end; i < count; i = end) {
      const std::uint32_t same = number(i);
      for (end = i + 1; end < count && number(end) == same;) ++end;
      if (lists_.is_point(same)) continue;
      const auto list = lists_.neighbours(same, room_);
      for (; i < end; i += lane_count) {
        level_values<N> value;
        const lanes scale_of{scales[i], scales[i + 1], scales[i + 2], scales[i + 3]};
        for (std::size_t l = 0; l < width; ++l) value[l] = scale_of * static_cast<float>(2 * l + 1);
        settle(value);
        const lane_points best = nearest_neighbours<N>(list, value, &x_[first], &root_[first]);
        for (std::size_t u = 0; u < lane_count && i + u < end; ++u) {
          in_range = in_range && best[u] != no_neighbour;
          const std::uint32_t p = best[u] == no_neighbour ? list[0] : best[u];
          write_levels<N>(p, &run[i + u].levels[first]);
          run[i + u].on_grid &= ~(1u << k);
        }
      }
    }
  }

  // Scales that make `range` the highest level or nearly so: the one that explains most with the points it gives.
  void search(float range) {
    constexpr std::size_t count = 2 * Rules.tries + 1;
    std::array<choice, round_up(count, lane_count)> tried;
    std::array<float, count + lane_count> scales;
    scales.fill(0);
    for (std::size_t i = 0; i < count; ++i) {
      const float steps = static_cast<float>(static_cast<int>(i) - Rules.tries);
      const float inverse = (top + exact(steps * Rules.step)) / range;
      scales[i] = 1 / inverse;
      round(inverse, tried[i]);
    }
    for (std::size_t i = count; i < tried.size(); ++i) tried[i] = tried[0];
    for (std::size_t k = 0; k < points; ++k) put_on_grid(k, tried.data(), scales.data(), count);

    // What each weight adds to the sums, by its level.
    alignas(64) float with_weights[n][width], with_itself[n][width];
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = 0; l < width; ++l) {
        const auto v = static_cast<float>(2 * l + 1);
        with_weights[i][l] = e_[i] * x_[i] * v;
        with_itself[i][l] = e_[i] * v * v;
      }
    settle(with_weights), settle(with_itself);
    best_.levels.fill(0), best_.on_grid = Rules.chosen_again == again::all_if_any ? 0 : low_bits(points);
    float explained = 0;
    for (std::size_t first = 0; first < count; first += lane_count) {
      std::array<correlation, lane_count> sums;
      for (std::size_t i = 0; i < n; ++i)
        unrolled<lane_count>([&]<std::size_t U>() __attribute__((always_inline)) {
          const std::uint8_t level = tried[first + U].levels[i];
          sums[U].with_weights += with_weights[i][level], sums[U].with_itself += with_itself[i][level];
        });
      for (std::size_t u = 0; u < lane_count && first + u < count; ++u) {
        in_range = in_range && magnitude(sums[u].with_weights) < most_sum && sums[u].with_itself < most_sum;
        if (sums[u].explains_more_than(explained))
          scale = sums[u].scale(), explained = sums[u].explained(), best_ = tried[first + u];
      }
    }
  }

  void choose_again() {
    const std::uint32_t off_grid = ~best_.on_grid & low_bits(points);
    if (Rules.chosen_again != again::always && off_grid == 0) return;
    std::array<float, lane_count> scales;
    scales.fill(scale);
    choice last;
    round(1 / scale, last);
    for (std::size_t k = 0; k < points; ++k) {
      if (Rules.chosen_again == again::off_grid && !(off_grid >> k & 1)) continue;
      put_on_grid(k, &last, scales.data(), 1);
      for (std::size_t j = k * dimension; j < (k + 1) * dimension; ++j) best_.levels[j] = last.levels[j];
    }
    correlation sums;
    for (std::size_t i = 0; i < n; ++i) sums.add(e_[i], x_[i], static_cast<float>(2 * best_.levels[i] + 1));
    if (sums.with_itself > 0) scale = sums.scale();
  }

  alignas(64) std::array<float, n> x_, root_;  // magnitudes, and the roots of how much each counts
  const float* e_;
  const lists& lists_;
  std::array<std::uint32_t, codes> minus_;
  choice best_;
  bool is_zero_ = true;
  typename lists::room room_;
};

template <const search_rules& Rules>
struct grid_fit {
  static constexpr bool chooses_blocks = true;

  template <class C>
  static fitted_block choose(const weight_region& w) {
    return fit_in_range(w, [&](block_unit unit, fitted_block& out) { return try_fit<C>(w, unit, out); });
  }

 private:
  template <class C>
  static bool try_fit(const weight_region& w, block_unit unit, fitted_block& out) {
    using N = typename C::number;
    using sizes = grid_sizes<C>;
    constexpr std::size_t codes = sizes::group / N::elements;
    const auto& lists = neighbour_lists<N, Rules.shells>::shared();
    const grid_block<C> block(w, Rules, unit);
    bool in_range = block.in_range;
    std::array<float, sizes::groups> scales;
    float greatest = 0;
    std::size_t written = 0;  // codes
    for (std::size_t g = 0; g < sizes::groups; ++g) {
      const searched_group<C, Rules> group(&block.x[g * sizes::group], &block.e[g * sizes::group], lists);
      scales[g] = group.scale, in_range = in_range && group.in_range;
      greatest = greatest > group.scale ? greatest : group.scale;
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
