// The splits of a group's weights that ggml's fit of grids without signs judges, side by side; the best is the same one.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_SPLIT_SEARCH_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_SPLIT_SEARCH_INL_HPP_
#undef QUERN_SIMD_SPLIT_SEARCH_INL_HPP_
#else
#define QUERN_SIMD_SPLIT_SEARCH_INL_HPP_
#endif

#include <limits>
#include <utility>

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
    if (!(greatest > 0x1p-40f && greatest < 0x1p40f && hn::ReduceMin(df, VF(least_itself_)) > 0x1p-60f)) return none;
    const VF near = hn::Set(df, greatest * (1 - 0x1p-18f));
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

// Splits of a group's weights in order. The lanes are the ends of its second part and, fastest, the patterns of offsets.
template <const ggml::split_rules& Rules, class C>
class judged_splits {
  using facts = ggml::split_facts<C>;
  static constexpr std::size_t n = facts::n, patterns = facts::patterns, lanes = static_cast<std::size_t>(kLanes),
                               end = (n + 1) * patterns;
  static_assert(lanes % patterns == 0);

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
    explained_by_splits<vectors> all;
    Each(w, [&](VF with_weights, VF itself, std::size_t, std::size_t at)
                QUERN_INLINE { all.Take(with_weights, itself, end - at); });
    if (const std::size_t leader = all.Leader(); leader != all.none) {
      const auto [row, at] = Place(leader);
      best = {row, at / patterns, static_cast<std::uint32_t>(at % patterns)};
      best.scale = ggml::sums_of_splits<Rules.sums, C>(w)(best.first_end, best.second_end, best.shifts).scale();
      best.found = true;
      return;
    }
    float explained = -std::numeric_limits<float>::max();
    Each(w, [&](VF with_weights, VF itself, std::size_t row, std::size_t at)
                QUERN_INLINE { Judge(with_weights, itself, row, at, explained, best); });
  }

 private:
  // A row's vectors, those of all rows, and the row and number of a lane among them.
  static constexpr std::size_t VectorsOf(std::size_t row) { return ceil_div(end - row * patterns, lanes); }
  static constexpr std::size_t vectors = [] {
    std::size_t sum = 0;
    for (std::size_t row = 0; row <= n; ++row) sum += ceil_div(end - row * patterns, lanes);
    return sum;
  }();
  static constexpr std::pair<std::size_t, std::size_t> Place(std::size_t lane) {
    std::size_t row = 0;
    for (; lane >= VectorsOf(row) * lanes; ++row) lane -= VectorsOf(row) * lanes;
    return {row, row * patterns + lane};
  }

  // f(sums with weights, sums with itself, row, at) for all splits in their order: a row has those of one first part, and
  // lanes from `at` to `end` are splits.
  template <class F>
  static HWY_INLINE void Each(const ggml::weights_in_order<C>& w, F f) {
    if constexpr (Rules.sums == ggml::split_sums::by_difference) ByDifference(w, f);
    else InOrder(w, f);
  }

  template <class F>
  static HWY_INLINE void ByDifference(const ggml::weights_in_order<C>& w, F f) {
    const DF df;
    const ggml::sums_of_splits<Rules.sums, C> sums(w);
    HWY_ALIGN float weights[end + lanes] = {}, itself[end + lanes] = {};
    HWY_ALIGN float weights_above[end + lanes] = {}, itself_above[end + lanes] = {};
    for (std::size_t at = 0; at < end; ++at)
      weights[at] = sums.with_weights[at / patterns], itself[at] = sums.itself[at / patterns];
    const VF low = hn::LoadU(df, values[0][0].data()), mid = hn::LoadU(df, values[0][1].data()),
             high = hn::LoadU(df, values[0][2].data());
    for (std::size_t at = 0; at < end; at += lanes) {
      const VF weights_rest = hn::Sub(hn::Set(df, sums.with_weights[n]), hn::LoadU(df, weights + at));
      const VF itself_rest = hn::Sub(hn::Set(df, sums.itself[n]), hn::LoadU(df, itself + at));
      hn::StoreU(Exact(hn::Mul(weights_rest, high)), df, weights_above + at);
      hn::StoreU(Squared(itself_rest, high), df, itself_above + at);
    }
    for (std::size_t i = 0; i <= n; ++i) {
      const VF weights_i = hn::Set(df, sums.with_weights[i]), itself_i = hn::Set(df, sums.itself[i]);
      const VF weights_below = Exact(hn::Mul(weights_i, low)), itself_below = Squared(itself_i, low);
      for (std::size_t at = i * patterns; at < end; at += lanes) {
        const VF weights_mid = Exact(hn::Mul(hn::Sub(hn::LoadU(df, weights + at), weights_i), mid));
        const VF itself_mid = Squared(hn::Sub(hn::LoadU(df, itself + at), itself_i), mid);
        f(hn::Add(hn::Add(weights_below, weights_mid), hn::LoadU(df, weights_above + at)),
          hn::Add(hn::Add(itself_below, itself_mid), hn::LoadU(df, itself_above + at)), i, at);
      }
    }
  }

  template <class F>
  static HWY_INLINE void InOrder(const ggml::weights_in_order<C>& w, F f) {
    constexpr std::size_t ends = lanes / patterns;  // of second parts, side by side
    const DF df;
    const hn::CappedTag<float, patterns> dp;
    HWY_ALIGN float weights[3][n + ends][lanes], itself[3][n + ends][lanes];  // what a weight adds at a level; then zeros
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = 0; l < 3; ++l) {
        const VF v = hn::LoadU(df, values[w.at[i] / facts::weights_of_part][l].data());
        const VF ev = Exact(hn::Mul(hn::Set(df, w.e[i]), v));
        hn::Store(Exact(hn::Mul(ev, hn::Set(df, w.x[i]))), df, weights[l][i]);
        hn::Store(Exact(hn::Mul(ev, v)), df, itself[l][i]);
      }
    for (std::size_t i = n; i < n + ends; ++i)
      hn::Store(hn::Zero(df), df, weights[2][i]), hn::Store(hn::Zero(df), df, itself[2][i]);
    // Of the first two parts.
    HWY_ALIGN float lower_weights[n + 1][end + lanes], lower_itself[n + 1][end + lanes];
    auto lowest_weights = hn::Zero(dp), lowest_itself = hn::Zero(dp);
    for (std::size_t i = 0; i <= n; ++i) {
      auto sum_weights = lowest_weights, sum_itself = lowest_itself;
      for (std::size_t j = i; j <= n; ++j) {
        hn::StoreU(sum_weights, dp, lower_weights[i] + j * patterns);
        hn::StoreU(sum_itself, dp, lower_itself[i] + j * patterns);
        if (j == n) break;
        sum_weights = hn::Add(sum_weights, hn::Load(dp, weights[1][j]));
        sum_itself = hn::Add(sum_itself, hn::Load(dp, itself[1][j]));
      }
      hn::StoreU(hn::Zero(df), df, lower_weights[i] + end), hn::StoreU(hn::Zero(df), df, lower_itself[i] + end);
      if (i == n) break;
      lowest_weights = hn::Add(lowest_weights, hn::Load(dp, weights[0][i]));
      lowest_itself = hn::Add(lowest_itself, hn::Load(dp, itself[0][i]));
    }
    for (std::size_t i = 0; i <= n; ++i)
      for (std::size_t at = i * patterns; at < end; at += lanes) {
        VF all_weights = hn::LoadU(df, lower_weights[i] + at), all_itself = hn::LoadU(df, lower_itself[i] + at);
        std::size_t rest = at / patterns;
        Unroll<static_cast<int>(ends) - 1>([&](auto r) QUERN_INLINE {  // the first are above some of the ends only
          const auto above = hn::FirstN(df, (r + 1) * patterns);
          all_weights = hn::IfThenElse(above, hn::Add(all_weights, hn::Load(df, weights[2][rest])), all_weights);
          all_itself = hn::IfThenElse(above, hn::Add(all_itself, hn::Load(df, itself[2][rest])), all_itself);
          ++rest;
        });
        for (; rest < n; ++rest) {
          all_weights = hn::Add(all_weights, hn::Load(df, weights[2][rest]));
          all_itself = hn::Add(all_itself, hn::Load(df, itself[2][rest]));
        }
        f(all_weights, all_itself, i, at);
      }
  }

  // ggml::judge, in the order of the lanes.
  static HWY_INLINE void Judge(VF with_weights, VF itself, std::size_t row, std::size_t at, float& explained,
                               ggml::split_of_group& best) {
    const DF df;
    const VF square = Exact(hn::Mul(with_weights, with_weights));
    auto left = hn::And(hn::FirstN(df, end - at), hn::Gt(itself, hn::Zero(df)));
    while (true) {
      const auto better = hn::And(left, hn::Gt(square, Exact(hn::Mul(hn::Set(df, explained), itself))));
      if (hn::AllFalse(df, better)) return;
      const std::size_t i = hn::FindKnownFirstTrue(df, better);
      HWY_ALIGN float x[lanes], v[lanes];
      hn::Store(with_weights, df, x), hn::Store(itself, df, v);
      ggml::judge({x[i], v[i]}, explained, row, (at + i) / patterns, (at + i) % patterns, best);
      left = hn::AndNot(hn::FirstN(df, i + 1), left);
    }
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
