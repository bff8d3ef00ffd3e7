// Groups along a row fitted by ggml's searches, as many at a time as a vector has lanes; to the bit the numbers of
// fit/ggml/group.hpp.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_FIT_GROUPS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_FIT_GROUPS_INL_HPP_
#undef QUERN_SIMD_FIT_GROUPS_INL_HPP_
#else
#define QUERN_SIMD_FIT_GROUPS_INL_HPP_
#endif

#include <algorithm>

#include "quern/fit/ggml/group.hpp"
#include "quern/simd/lane_search-inl.hpp"
#include "quern/simd/statistics-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Of weights up to the first and importances up to the second no search makes a number beyond 2^124: the greatest is the
// square of the sum of 256 terms, each an importance * (root of two squares) * weight * value < 2^20 * 2^13 * 2^12 * 2^9.
inline constexpr float kMostWeight = 0x1p12f, kMostImportance = 0x1p20f;

// A vector of runs of four floats: run b from at(b), the first being run `first`.
template <class D, class At>
HWY_INLINE hn::Vec<D> GatherRuns(D d, At at, std::size_t first) {
  if constexpr (hn::MaxLanes(d) <= 4) {
    return hn::LoadU(d, at(first));
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, GatherRuns(half, at, first + hn::MaxLanes(half) / 4), GatherRuns(half, at, first));
  }
}

// to[i * lanes + k] = number i of group k of `count` groups of Size numbers, which begins at from(k); lanes without a group
// repeat the last.
template <int W, std::size_t Size, class From>
HWY_INLINE void Transpose(From from, std::size_t count, float* HWY_RESTRICT to) {
  constexpr std::size_t step = lanes<W>::count;
  const auto group = [&](std::size_t k) QUERN_INLINE { return from(std::min(k, count - 1)); };
  if constexpr (Size % 4 != 0 || kLanes < 4) {
    for (std::size_t k = 0; k < step; ++k)
      for (std::size_t i = 0; i < Size; ++i) to[i * step + k] = group(k)[i];
  } else {
    // Four numbers of four groups are a square in each block of a vector.
    const DF df;
    const hn::RepartitionToWide<DF> pairs;
    for (std::size_t k = 0; k < step; k += kLanes)
      for (std::size_t i = 0; i < Size; i += 4) {
        const auto row = [&](std::size_t j) QUERN_INLINE {
          return GatherRuns(df, [&](std::size_t b) QUERN_INLINE { return group(k + 4 * b + j) + i; }, 0);
        };
        const VF a = row(0), b = row(1), c = row(2), d = row(3);
        const auto ab = hn::BitCast(pairs, hn::InterleaveLower(df, a, b)), cd = hn::BitCast(pairs, hn::InterleaveLower(df, c, d));
        const auto ab_upper = hn::BitCast(pairs, hn::InterleaveUpper(df, a, b)),
                   cd_upper = hn::BitCast(pairs, hn::InterleaveUpper(df, c, d));
        float* const out = to + i * step + k;
        hn::Store(hn::BitCast(df, hn::InterleaveLower(pairs, ab, cd)), df, out);
        hn::Store(hn::BitCast(df, hn::InterleaveUpper(pairs, ab, cd)), df, out + step);
        hn::Store(hn::BitCast(df, hn::InterleaveLower(pairs, ab_upper, cd_upper)), df, out + 2 * step);
        hn::Store(hn::BitCast(df, hn::InterleaveUpper(pairs, ab_upper, cd_upper)), df, out + 3 * step);
      }
  }
}

// Weights of groups of Size, one group a lane, and how much each counts.
template <int W, std::size_t Size>
struct lane_samples {
  HWY_ALIGN float x[Size * lanes<W>::count], e[Size * lanes<W>::count];
  bool usual;

  // Of `count` groups, of which group k begins at from(k); their importance, if any; the typical square of each group.
  template <ggml::counting Counts, class From>
  HWY_INLINE void Load(From from, const float* importance, const float* typical, std::size_t count) {
    constexpr std::size_t step = lanes<W>::count;
    Transpose<W, Size>(from, count, x);
    if (importance != nullptr)
      Transpose<W, Size>([&](std::size_t k) QUERN_INLINE { return importance + k * Size; }, count, e);
    lanes<W> most = 0, level = 0;
    for (std::size_t i = 0; i < Size; ++i) {
      const lanes<W> v = At<W>(x, i);
      most = Max(most, Abs(v));
      if constexpr (Counts == ggml::counting::above_rms) level = level + v * v;
      if constexpr (Counts == ggml::counting::square) Store(v * v, e + i * step);
    }
    usual = !Any(most > kMostWeight);
    if constexpr (Counts == ggml::counting::square) return;
    if constexpr (Counts == ggml::counting::above_rms) level = Sqrt(level / static_cast<float>(Size));
    if constexpr (Counts == ggml::counting::emphasis) level = lanes<W>::Load(typical);
    for (std::size_t i = 0; i < Size; ++i) {
      const lanes<W> v = At<W>(x, i);
      lanes<W> counts = 1;
      if constexpr (Counts == ggml::counting::magnitude) counts = Abs(v);
      else if constexpr (Counts == ggml::counting::above_rms) counts = level + Abs(v);
      else if (importance != nullptr) counts = At<W>(e, i);
      if constexpr (Counts == ggml::counting::emphasis) counts = counts * Sqrt(level + v * v);
      Store(counts, e + i * step);
    }
  }

  HWY_INLINE lanes<W> SumOfCounts() const {
    lanes<W> sum = 0;
    for (std::size_t i = 0; i < Size; ++i) sum = sum + At<W>(e, i);
    return sum;
  }
};

// The sum of the squares of each of `count` runs of `each` weights, one weight after the other; eight runs at once, so that
// their sums do not wait for each other.
HWY_INLINE void SumsOfSquares(const float* x, std::size_t count, std::size_t each, float* sums) {
  constexpr int kAtOnce = 8;
  std::size_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce, x += kAtOnce * each) {
    float sum[kAtOnce] = {};
    for (std::size_t j = 0; j < each; ++j)
      Unroll<kAtOnce>([&](auto k) QUERN_INLINE {
        const float v = x[static_cast<std::size_t>(k) * each + j];
        sum[k] += exact(v * v);
      });
    std::copy_n(sum, kAtOnce, sums + i);
  }
  for (; i < count; ++i, x += each) {
    float sum = 0;
    for (std::size_t j = 0; j < each; ++j) sum += exact(x[j] * x[j]);
    sums[i] = sum;
  }
}

// Vectors of groups that a search works on together.
inline constexpr int kVectorsTogether = 2;

// Numbers and typical squares of groups have room for as many more.
inline constexpr std::size_t kGroupRoom = 64;
static_assert(lanes<kVectorsTogether>::count <= kGroupRoom);

// The scales of groups that sweeps change, of those that begin at x: groups which[0] ... which[count - 1].
template <class N, std::size_t Size>
HWY_INLINE void SweepGroups(const float* x, const std::uint32_t* which, std::size_t count, float* scale) {
  constexpr int W = kVectorsTogether;
  lane_samples<W, Size> samples;
  HWY_ALIGN float scales[lanes<W>::count];
  for (std::size_t i = 0; i < count; i += lanes<W>::count) {
    const std::size_t n = std::min(lanes<W>::count, count - i);
    samples.template Load<ggml::counting::square>(
        [&](std::size_t k) QUERN_INLINE { return x + which[i + k] * Size; }, nullptr, nullptr, n);
    lane_groups found{scales, nullptr, nullptr, nullptr};
    BestSweeps<N, W, Size>(samples.x, samples.e, found);
    for (std::size_t k = 0; k < n; ++k) scale[which[i + k]] = scales[k];
  }
}

// Groups 0 ... count - 1 of Size weights that begin at x: `numbers` becomes what the search of fit F finds, weight[i] the
// sum of how much group i's weights count, unless it is null; by_scalar(i) finds those of an unusual group. typical: the
// typical square of each group, if the search asks for it; up to kGroupRoom - 1 more are read.
template <class F, class N, bool Weighted, std::size_t Size, std::size_t Most, class Scalar>
HWY_INLINE void FitGroups(const float* x, const float* importance, const float* typical, std::size_t count,
                          ideal_rows<Most>& numbers, float* weight, Scalar by_scalar) {
  static_assert(Size <= 256 && lowest<N> > -512 && highest<N> < 512, "a search could overflow");
  constexpr ggml::group_search how = F::search(Weighted);
  constexpr bool sweeps = how.what == ggml::searching::sweeps;
  static_assert(!sweeps || how.counts == ggml::counting::square);
  constexpr int W = kVectorsTogether;
  lane_samples<W, Size> samples;
  std::uint32_t swept[sweeps ? Most + kGroupRoom : 1];
  std::size_t swept_count = 0;
  for (std::size_t i = 0; i < count; i += lanes<W>::count) {
    const std::size_t n = std::min(lanes<W>::count, count - i);
    samples.template Load<how.counts>([&](std::size_t k) QUERN_INLINE { return x + (i + k) * Size; },
                                      importance == nullptr ? nullptr : importance + i * Size, typical + i, n);
    lane_groups found{numbers.scale.data() + i, numbers.offset.data() + i, numbers.inverse.data() + i,
                      numbers.shift.data() + i};
    if (samples.usual) {
      if constexpr (sweeps) {
        const lane_mask<W> changes = UnsweptScale<N, W, Size>(samples.x, samples.e, found);
        Unroll<W>([&](auto k) QUERN_INLINE {
          const DU32 du;
          const std::size_t here = i + k * kLanes;
          const auto listed = hn::And(hn::RebindMask(du, hn::Mask<DF>(changes.part[k])),
                                      hn::FirstN(du, count - std::min(count, here)));
          swept_count += hn::CompressStore(hn::Iota(du, static_cast<std::uint32_t>(here)), listed, du, swept + swept_count);
        });
      } else if constexpr (how.what == ggml::searching::scale) {
        BestScale<N, W, Size>(samples.x, samples.e, found);
      } else if constexpr (how.what == ggml::searching::range) {
        BestRange<N, W, Size>(samples.x, samples.e, how.grid, found);
      } else {
        BestTableScale<N, W, Size>(samples.x, samples.e, found);
      }
      if (weight != nullptr) Store(samples.SumOfCounts(), weight + i);
    }
    if (!samples.usual || !found.usual)
      for (std::size_t k = i; k < i + n; ++k) by_scalar(k);
  }
  if constexpr (sweeps) SweepGroups<N, Size>(x, swept, swept_count, numbers.scale.data());
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
