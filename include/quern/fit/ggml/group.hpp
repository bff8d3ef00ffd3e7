// How ggml fits one group of weights, as data, so that scalar and SIMD code make the same search: how much each weight
// counts, and which search follows.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/block.hpp"
#include "quern/fit/ggml/search.hpp"

namespace quern::inline v0::ggml {

// How much a weight x counts.
enum class counting {
  square,      // x^2
  magnitude,   // |x|
  above_rms,   // the root of the group's mean square + |x|
  importance,  // its importance
  emphasis     // importance * sqrt(typical square + x^2)
};
// Of which weights the mean square is the typical one, but for a factor.
enum class mean_of { block, row };

enum class searching {
  scale,        // best_scale
  table_scale,  // best_table_scale
  range,        // best_range
  sweeps        // best_sweeps
};

struct group_search {
  searching what;
  counting counts;
  range_grid grid{};
  mean_of typical = mean_of::block;
  float factor = 1;

  friend constexpr bool operator==(const group_search&, const group_search&) = default;
};

// A fit whose groups are fitted by search(weighted).
template <class F>
concept searches_groups = requires(bool weighted) {
  { F::search(weighted) } -> std::same_as<group_search>;
};

// The weights of a group, and how much each counts.
class samples {
 public:
  static constexpr std::size_t most = 256;

  samples(const group_search& how, const weight_region& w, const weight_region& block)
      : n_(w.size() < most ? w.size() : most) {
    const float typical = typical_of(how, w, block);
    for (std::size_t i = 0; i < n_; ++i) {
      const float x = x_[i] = w[i];
      switch (how.counts) {
        case counting::square: e_[i] = exact(x * x); break;
        case counting::magnitude: e_[i] = magnitude(x); break;
        case counting::above_rms: e_[i] = typical + magnitude(x); break;
        case counting::importance: e_[i] = w.importance(i); break;
        case counting::emphasis: e_[i] = w.importance(i) * std::sqrt(plus_product(typical, x, x)); break;
      }
    }
  }
  floats x() const { return floats(x_).first(n_); }
  floats e() const { return floats(e_).first(n_); }

 private:
  static float typical_of(const group_search& how, const weight_region& w, const weight_region& block) {
    if (how.counts == counting::above_rms) return std::sqrt(w.sum_of_squares() / static_cast<float>(w.size()));
    if (how.counts != counting::emphasis) return 0;
    return how.typical == mean_of::row ? w.mean_square_of_row()
                                       : how.factor * block.sum_of_squares() / static_cast<float>(block.size());
  }

  std::array<float, most> x_, e_;
  std::size_t n_;
};

// The scale, or scale and minimum, of a group; but for a table, also how weights become quotients. Not for sweeps.
template <class F, class C, bool Weighted>
auto search_group(const samples& s) {
  using N = typename C::number;
  constexpr group_search how = F::search(Weighted);
  if constexpr (how.what == searching::scale) return best_scale<N>(s.x(), s.e());
  else if constexpr (how.what == searching::range) return best_range<N>(s.x(), s.e(), how.grid);
  else return affine{best_table_scale<N>(s.x(), s.e())};
}

// A group of a block; its codes, if they are to be chosen with the stored scale, are kept in case that is 0.
template <class F, class C, bool Weighted>
fitted_group fit_group(const weight_region& w, const weight_region& block) {
  using N = typename C::number;
  const samples s(F::search(Weighted), w, block);
  fitted_group g{.weight = sum_of(s.e())};
  if constexpr (F::search(Weighted).what == searching::sweeps) {
    g.scale = best_sweeps<N>(s.x(), s.e(), g.codes);
  } else {
    const auto found = search_group<F, C, Weighted>(s);
    g.scale = found.scale, g.offset = -found.offset;
    if constexpr (F::codes.scale == from::stored)
      for (std::size_t i = 0; i < s.x().size(); ++i)
        g.codes[i] =
            static_cast<std::uint8_t>(round_to<N, rounding::nearest>((s.x()[i] - found.shift) * found.inverse));
  }
  return g;
}

}  // namespace quern::inline v0::ggml
