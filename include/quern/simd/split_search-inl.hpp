// The splits of a group's weights that ggml's fit of grids without signs judges, side by side; the best is the same one.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_SPLIT_SEARCH_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_SPLIT_SEARCH_INL_HPP_
#undef QUERN_SIMD_SPLIT_SEARCH_INL_HPP_
#else
#define QUERN_SIMD_SPLIT_SEARCH_INL_HPP_
#endif

#include <algorithm>
#include <array>

#include "quern/fit/ggml/grid.hpp"
#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// e * d * d
HWY_INLINE VF Squared(VF e, VF d) { return Exact(hn::Mul(Exact(hn::Mul(e, d)), d)); }

// What many splits explain, which is with_weights^2 / itself, side by side; and which explains most, if that is clear.
template <std::size_t Vectors>
class explained_by_splits {
  static constexpr std::size_t lanes = static_cast<std::size_t>(kLanes);

 public:
  static constexpr std::size_t none = ~std::size_t{0};

  explained_by_splits() : most_(hn::Zero(DF())), least_itself_(hn::Set(DF(), 1.0f)) {}

  // The next ones: so many lanes.
  HWY_INLINE void Take(VF with_weights, VF itself, std::size_t lane_count) {
    const DF df;
    const auto taken = hn::FirstN(df, lane_count);
    const VF scale = hn::Div(with_weights, itself), explained = hn::IfThenElseZero(taken, hn::Mul(scale, with_weights));
    least_itself_ = hn::Min(VF(least_itself_), hn::IfThenElse(taken, itself, VF(least_itself_)));
    most_ = hn::Max(VF(most_), explained);
    hn::Store(explained, df, explained_ + count_);
    count_ += lanes;
  }

  // The place among all lanes. `none`: another explains nearly as much, or numbers are so small or large that products
  // with them may not be rounded to 24 bits. Rounding to those changes what is compared by at most 2^-21 of it.
  HWY_INLINE std::size_t Leader() const {
    const DF df;
    const float greatest = hn::ReduceMax(df, VF(most_));
    if (!(greatest > 0x1p-60f && greatest < 0x1p40f && hn::ReduceMin(df, VF(least_itself_)) > 0x1p-60f)) return none;
    const VF near = hn::Set(df, greatest * (1 - 0x1p-20f));
    std::size_t found = none;
    for (std::size_t at = 0; at < count_; at += lanes) {
      const auto leads = hn::Ge(hn::Load(df, explained_ + at), near);
      if (HWY_LIKELY(hn::AllFalse(df, leads))) continue;
      if (found != none || hn::CountTrue(df, leads) != 1) return none;
      found = at + hn::FindKnownFirstTrue(df, leads);
    }
    return found;
  }

 private:
  HWY_ALIGN float explained_[Vectors * lanes];
  std::size_t count_ = 0;
  held<DF> most_, least_itself_;
};

// Splits of a group's weights in order, for each end of the second part: the lanes are the ends of the first part, up to
// that, and, fastest, the patterns of offsets.
template <const ggml::split_rules& Rules, class C>
class judged_splits {
  using facts = ggml::split_facts<C>;
  static constexpr std::size_t n = facts::n, patterns = facts::patterns, lanes = static_cast<std::size_t>(kLanes);
  static_assert(lanes % patterns == 0);

  // The lanes of second end j, and as a number of vectors; all rows' vectors.
  static constexpr std::size_t LanesOf(std::size_t j) { return (j + 1) * patterns; }
  static constexpr std::size_t room = round_up((n + 1) * patterns, lanes);
  static constexpr std::size_t vectors = [] {
    std::size_t sum = 0;
    for (std::size_t j = 0; j <= n; ++j) sum += ceil_div((j + 1) * patterns, lanes);
    return sum;
  }();

  // What a level of a part counts as, by the pattern.
  static constexpr auto values = [] {
    std::array<std::array<std::array<float, lanes>, 3>, facts::parts> v{};
    for (std::size_t part = 0; part < facts::parts; ++part)
      for (unsigned l = 0; l < 3; ++l)
        for (std::size_t i = 0; i < lanes; ++i)
          v[part][l][i] = facts::value(i % patterns, part * facts::weights_of_part, l);
    return v;
  }();

 public:
  // The best split, where it leads by more than all roundings together: so it would be found one after another. Else
  // they are judged one after another.
  static HWY_INLINE void Best(const ggml::weights_in_order<C>& w, ggml::split_of_group& best) {
    const ggml::sums_of_splits<Rules.sums, C> sums(w);
    explained_by_splits<vectors> all;
    if constexpr (Rules.sums == ggml::split_sums::by_difference) ByDifference(sums, all);
    else InOrder(w, all);
    std::size_t place = all.Leader();
    if (place == all.none) return ggml::one_by_one::split<Rules, C>(w, best);
    std::size_t j = 0;
    for (; place >= round_up(LanesOf(j), lanes); ++j) place -= round_up(LanesOf(j), lanes);
    best = {place / patterns, j, static_cast<std::uint32_t>(place % patterns)};
    best.scale = sums(best.first_end, best.second_end, best.shifts).scale(), best.found = true;
  }

 private:
  static HWY_INLINE void ByDifference(const ggml::sums_of_splits<Rules.sums, C>& sums, explained_by_splits<vectors>& all) {
    const DF df;
    const VF low = hn::LoadU(df, values[0][0].data()), mid = hn::LoadU(df, values[0][1].data()),
             high = hn::LoadU(df, values[0][2].data());
    HWY_ALIGN float weights[room], itself[room], weights_below[room], itself_below[room];  // of the first part
    for (std::size_t at = 0; at < room; ++at) {
      const std::size_t i = std::min(at / patterns, n);
      weights[at] = sums.with_weights[i], itself[at] = sums.itself[i];
    }
    for (std::size_t at = 0; at < room; at += lanes) {
      hn::Store(Exact(hn::Mul(hn::Load(df, weights + at), low)), df, weights_below + at);
      hn::Store(Squared(hn::Load(df, itself + at), low), df, itself_below + at);
    }
    const VF weights_n = hn::Set(df, sums.with_weights[n]), itself_n = hn::Set(df, sums.itself[n]);
    for (std::size_t j = 0; j <= n; ++j) {
      const VF weights_j = hn::Set(df, sums.with_weights[j]), itself_j = hn::Set(df, sums.itself[j]);
      const VF weights_above = Exact(hn::Mul(hn::Sub(weights_n, weights_j), high));
      const VF itself_above = Squared(hn::Sub(itself_n, itself_j), high);
      for (std::size_t at = 0; at < LanesOf(j); at += lanes) {
        const VF weights_mid = Exact(hn::Mul(hn::Sub(weights_j, hn::Load(df, weights + at)), mid));
        const VF itself_mid = Squared(hn::Sub(itself_j, hn::Load(df, itself + at)), mid);
        all.Take(hn::Add(hn::Add(hn::Load(df, weights_below + at), weights_mid), weights_above),
                 hn::Add(hn::Add(hn::Load(df, itself_below + at), itself_mid), itself_above), LanesOf(j) - at);
      }
    }
  }

  static HWY_INLINE void InOrder(const ggml::weights_in_order<C>& w, explained_by_splits<vectors>& all) {
    const DF df;
    const hn::CappedTag<float, patterns> dp;
    HWY_ALIGN float weights[3][n][lanes], itself[3][n][lanes];  // what a weight adds at a level
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = 0; l < 3; ++l) {
        const VF v = hn::LoadU(df, values[w.at[i] / facts::weights_of_part][l].data());
        const VF ev = Exact(hn::Mul(hn::Set(df, w.e[i]), v));
        hn::Store(Exact(hn::Mul(ev, hn::Set(df, w.x[i]))), df, weights[l][i]);
        hn::Store(Exact(hn::Mul(ev, v)), df, itself[l][i]);
      }
    HWY_ALIGN float lower_weights[room] = {}, lower_itself[room] = {};  // of the first part, then of the second, too
    auto sum_weights = hn::Zero(dp), sum_itself = hn::Zero(dp);
    for (std::size_t i = 0; i <= n; ++i) {
      hn::Store(sum_weights, dp, lower_weights + i * patterns), hn::Store(sum_itself, dp, lower_itself + i * patterns);
      if (i == n) break;
      sum_weights = hn::Add(sum_weights, hn::Load(dp, weights[0][i]));
      sum_itself = hn::Add(sum_itself, hn::Load(dp, itself[0][i]));
    }
    Unroll<static_cast<int>(n) + 1>([&](auto j) QUERN_INLINE {  // unrolled, so that no loop's end is unexpected
      for (std::size_t at = 0; at < LanesOf(j); at += lanes) {
        const VF lower_w = hn::Load(df, lower_weights + at), lower_i = hn::Load(df, lower_itself + at);
        VF all_weights = lower_w, all_itself = lower_i;
        for (std::size_t rest = j; rest < n; ++rest) {
          all_weights = hn::Add(all_weights, hn::Load(df, weights[2][rest]));
          all_itself = hn::Add(all_itself, hn::Load(df, itself[2][rest]));
        }
        all.Take(all_weights, all_itself, LanesOf(j) - at);
        if constexpr (j < n) {
          const auto own = hn::FirstN(df, LanesOf(j) - at);
          hn::Store(hn::IfThenElse(own, hn::Add(lower_w, hn::Load(df, weights[1][j])), lower_w), df, lower_weights + at);
          hn::Store(hn::IfThenElse(own, hn::Add(lower_i, hn::Load(df, itself[1][j])), lower_i), df, lower_itself + at);
        }
      }
    });
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
