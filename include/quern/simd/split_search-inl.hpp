// The splits of a group's weights that ggml's fit of grids without signs judges: all at once and nearly, to find the few that
// may be the best; these as ggml does.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_SPLIT_SEARCH_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_SPLIT_SEARCH_INL_HPP_
#undef QUERN_SIMD_SPLIT_SEARCH_INL_HPP_
#else
#define QUERN_SIMD_SPLIT_SEARCH_INL_HPP_
#endif

#include <array>
#include <limits>

#include "quern/fit/ggml/grid.hpp"
#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// e * d * d
HWY_INLINE VF Squared(VF e, VF d) { return Exact(hn::Mul(Exact(hn::Mul(e, d)), d)); }

// 1 / x of numbers far from the least and the greatest, with a relative error below 2^-21: an estimate of 11 bits or more
// and a step of Newton's.
HWY_INLINE VF NearInverse(VF x) {
#if HWY_ARCH_X86
  const VF estimate = hn::ApproximateReciprocal(x);
  return hn::Mul(estimate, hn::NegMulAdd(x, estimate, hn::Set(DF(), 2.0f)));
#else
  return hn::Div(hn::Set(DF(), 1.0f), x);
#endif
}

// A sum over the weights in order, those of the first part at the lowest level, of the second at the next, the others at
// the highest, is one number for the end of the first part plus one for the end of the second. Lanes are the ends of the
// first part and, fastest, the patterns of offsets.
template <const ggml::split_rules& Rules, class C>
class judged_splits {
  using facts = ggml::split_facts<C>;
  using sums = ggml::sums_of_splits<Rules.sums, C>;
  static constexpr std::size_t n = facts::n, patterns = facts::patterns, lanes = static_cast<std::size_t>(kLanes);
  static_assert(lanes % patterns == 0);
  static constexpr std::size_t room = round_up((n + 1) * patterns, lanes) + lanes;

  // What a level of a part counts as, by the pattern.
  static constexpr auto values = [] {
    std::array<std::array<std::array<float, lanes>, 3>, facts::parts> v{};
    for (std::size_t part = 0; part < facts::parts; ++part)
      for (unsigned l = 0; l < 3; ++l)
        for (std::size_t i = 0; i < lanes; ++i)
          v[part][l][i] = facts::value(i % patterns, part * facts::weights_of_part, l);
    return v;
  }();
  static constexpr float greatest_value = [] {
    float most = 0;
    for (const auto& of_shift : facts::values)
      for (const float v : of_shift) most = magnitude(v) > most ? magnitude(v) : most;
    return most;
  }();

  // How far a sum here and ggml's may be from each other, as a part of the sum S of the greatest magnitudes of its
  // terms, u being 2^-24. Here, three times n additions to sums of 2S, 2S and S at most: 5n u S. ggml's, n additions one
  // after the other, or those of prefixes, which count with the differences of levels: 3n u S. The other additions, the
  // products, and those by which ggml compares: 24 u S.
  static constexpr float uncertain = static_cast<float>(8 * n + 24) * 0x1p-24f;

 public:
  static HWY_INLINE void Best(const ggml::weights_in_order<C>& w, ggml::split_of_group& best) {
    judged_splits all;
    std::array<std::uint32_t, most_near> near;
    const std::size_t count = all.Add(w) ? all.Near(near) : 0;
    if (count == 0) return ggml::one_by_one::split<Rules, C>(w, best);
    const sums exactly(w);
    float explained = -std::numeric_limits<float>::max();
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t shifts = near[k] % patterns, ends = near[k] / patterns, i = ends / (n + 1), j = ends % (n + 1);
      ggml::judge(exactly(i, j, shifts), explained, i, j, shifts, best);
    }
  }

 private:
  // So many are judged one after another with all others.
  static constexpr std::size_t most_near = 16;

  // The sums; false where they are so small or large that products with them may not be rounded to 24 bits.
  HWY_INLINE bool Add(const ggml::weights_in_order<C>& w) {
    const DF df;
    float most_weights = 0, most_itself = 0;
    VF first_weights = hn::Zero(df), first_itself = hn::Zero(df), second_weights = hn::Zero(df),
       second_itself = hn::Zero(df), last_weights = hn::Zero(df), last_itself = hn::Zero(df);
    for (std::size_t i = 0; i <= n; ++i) {
      // The lanes behind the patterns are written again.
      hn::StoreU(first_weights, df, first_weights_ + i * patterns);
      hn::StoreU(first_itself, df, first_itself_ + i * patterns);
      hn::Store(second_weights, df, second_weights_ + i * lanes);
      hn::Store(second_itself, df, second_itself_ + i * lanes);
      if (i == n) break;
      const auto& v = values[w.at[i] / facts::weights_of_part];
      const VF low = hn::LoadU(df, v[0].data()), mid = hn::LoadU(df, v[1].data()), high = hn::LoadU(df, v[2].data());
      const VF e = hn::Set(df, w.e[i]), ex = hn::Set(df, w.e[i] * w.x[i]);
      first_weights = hn::MulAdd(ex, hn::Sub(low, mid), first_weights);
      second_weights = hn::MulAdd(ex, hn::Sub(mid, high), second_weights);
      last_weights = hn::MulAdd(ex, high, last_weights);
      first_itself = hn::MulAdd(e, hn::Sub(hn::Mul(low, low), hn::Mul(mid, mid)), first_itself);
      second_itself = hn::MulAdd(e, hn::Sub(hn::Mul(mid, mid), hn::Mul(high, high)), second_itself);
      last_itself = hn::MulAdd(e, hn::Mul(high, high), last_itself);
      most_weights += magnitude(w.e[i] * w.x[i]), most_itself += w.e[i];
    }
    for (std::size_t j = 0; j <= n; ++j) {
      hn::Store(hn::Add(hn::Load(df, second_weights_ + j * lanes), last_weights), df, second_weights_ + j * lanes);
      hn::Store(hn::Add(hn::Load(df, second_itself_ + j * lanes), last_itself), df, second_itself_ + j * lanes);
    }
    off_weights_ = uncertain * greatest_value * most_weights;
    off_itself_ = uncertain * greatest_value * greatest_value * most_itself;
    const auto in_range = [](float x) { return x > 0x1p-40f && x < 0x1p40f; };
    return in_range(most_weights) && in_range(most_itself);
  }

  // f(place of the first lane, second end, which lanes are splits, the sums), for all of them.
  HWY_INLINE void Each(auto f) const {
    const DF df;
    Unroll<static_cast<int>(n) + 1>([&](auto j) QUERN_INLINE {  // unrolled, so that no loop's end is unexpected
      const VF weights_j = hn::Load(df, second_weights_ + j * lanes), itself_j = hn::Load(df, second_itself_ + j * lanes);
      constexpr std::size_t end = (static_cast<std::size_t>(j) + 1) * patterns;
      for (std::size_t at = 0; at < end; at += lanes)
        f(at, static_cast<std::size_t>(j), hn::FirstN(df, end - at),
          hn::Abs(hn::Add(hn::Load(df, first_weights_ + at), weights_j)),
          hn::Add(hn::Load(df, first_itself_ + at), itself_j));
    });
  }

  // Those that explain as much as any, if sums are off by no more than they can be, in ggml's order; how many, 0 for
  // most_near or more. A split explains with_weights^2 / itself.
  HWY_INLINE std::size_t Near(std::array<std::uint32_t, most_near>& near) const {
    const DF df;
    const VF off_weights = hn::Set(df, off_weights_), off_itself = hn::Set(df, off_itself_);
    VF most = hn::Zero(df);
    Each([&](std::size_t, std::size_t, auto own, VF weights, VF itself) QUERN_INLINE {
      const VF least = hn::Max(hn::Sub(weights, off_weights), hn::Zero(df));
      const VF inverse = NearInverse(hn::Add(itself, off_itself));
      most = hn::Max(most, hn::IfThenElseZero(own, hn::Mul(hn::Mul(least, least), inverse)));
    });
    const float explained = hn::ReduceMax(df, most);
    if (!(explained > 0)) return 0;
    const VF bound = hn::Set(df, explained * (1 - 0x1p-20f));  // for the inverse, and eight roundings
    std::size_t count = 0;
    Each([&](std::size_t at, std::size_t j, auto own, VF weights, VF itself) QUERN_INLINE {
      const VF greatest = hn::Add(weights, off_weights);
      const auto may = hn::Ge(hn::Mul(greatest, greatest), hn::Mul(bound, hn::Sub(itself, off_itself)));
      auto left = hn::And(own, may);
      for (; HWY_UNLIKELY(!hn::AllFalse(df, left)) && count < most_near;) {
        const std::size_t lane = hn::FindKnownFirstTrue(df, left), i = (at + lane) / patterns;
        const auto place = static_cast<std::uint32_t>((i * (n + 1) + j) * patterns + (at + lane) % patterns);
        std::size_t k = count++;
        for (; k > 0 && near[k - 1] > place; --k) near[k] = near[k - 1];
        near[k] = place;
        left = hn::AndNot(hn::Eq(hn::Iota(df, 0.0f), hn::Set(df, static_cast<float>(lane))), left);
      }
    });
    return count == most_near ? 0 : count;
  }

  HWY_ALIGN float first_weights_[room], first_itself_[room];
  HWY_ALIGN float second_weights_[(n + 1) * lanes], second_itself_[(n + 1) * lanes];
  float off_weights_ = 0, off_itself_ = 0;
};

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
