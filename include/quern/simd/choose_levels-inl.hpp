// The two levels of scales of blocks whose groups are fitted, some blocks side by side where the fit says how it chooses
// (fit/ggml/k.hpp); to the bit the numbers of block_levels.hpp.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_CHOOSE_LEVELS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_CHOOSE_LEVELS_INL_HPP_
#undef QUERN_SIMD_CHOOSE_LEVELS_INL_HPP_
#else
#define QUERN_SIMD_CHOOSE_LEVELS_INL_HPP_
#endif

#include <algorithm>

#include "quern/simd/block_levels.hpp"
#include "quern/simd/fit_groups-inl.hpp"
#include "quern/simd/scalar.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Between these a block's greatest scale, and up to this its groups' weights, no number of the choice is infinite or lost:
// the greatest is the square of the sum of 16 terms, each a weight * scale * code < 2^38 * 2^13 * 2^5.
inline constexpr float kLeastScale = 0x1p-49f, kMostScale = 0x1p13f, kMostGroupWeight = 0x1p38f;
static_assert(kLeastScale > ggml::smallest_group);

// Blocks whose levels are chosen together: a lane each.
inline constexpr int kVectorsOfBlocks = kLanes < 16 ? kVectorsTogether : 1;
using block_lanes = lanes<kVectorsOfBlocks>;

// The coarser number of some blocks before it is rounded, and what scales are multiplied with to be rounded to codes.
struct coarse_choice {
  HWY_ALIGN float coarse[block_lanes::count + 16], factor[block_lanes::count], usual[block_lanes::count];
};

// Of `count` blocks of Groups groups each, at most as many as there are lanes; usual[i] is 0 where block i needs the scalar
// choice.
template <class N, ggml::choosing How, std::size_t Groups>
HWY_INLINE void ChooseCoarse(const float* scales, const float* weights, std::size_t count, coarse_choice& to) {
  constexpr int W = kVectorsOfBlocks;
  constexpr std::size_t step = block_lanes::count;
  HWY_ALIGN float x[Groups * step];
  const auto transpose = [&](const float* from, float* HWY_RESTRICT columns) QUERN_INLINE {
    Transpose<W, Groups>([&](std::size_t k) QUERN_INLINE { return from + k * Groups; }, count, columns);
  };
  transpose(scales, x);
  const block_lanes extreme = ExtremeOf<W, Groups>(x);
  lane_mask<W> usual = Abs(extreme) >= kLeastScale;
  for (std::size_t i = 0; i < Groups; ++i) usual = usual & (Abs(At<W>(x, i)) <= kMostScale);
  if constexpr (How == ggml::choosing::best_scale) {
    HWY_ALIGN float e[Groups * step], offset[step], shift[step];
    transpose(weights, e);
    for (std::size_t i = 0; i < Groups; ++i) usual = usual & (At<W>(e, i) <= kMostGroupWeight);
    lane_groups found{to.coarse, offset, to.factor, shift};
    BestScale<N, W, Groups>(x, e, found);
  } else {
    const block_lanes factor = block_lanes(lowest<N>) / Select(usual, extreme, 1);
    Store(factor, to.factor), Store(block_lanes(1) / factor, to.coarse);
  }
  Store(Select(usual, block_lanes(1), 0), to.usual);
}

// A block's codes and the numbers they make, from what its scales are multiplied with; outer: the coarser number as stored.
template <class C, class Fit, std::size_t Groups>
HWY_INLINE void ChooseFine(const float* scales, float factor, float coarse, float outer, stored_levels& to) {
  using N = typename C::granularity::template level<0>::number;
  const DF df;
  auto zero = hn::MaskFalse(df);
  for (std::size_t i = 0; i < Groups; i += hn::Lanes(df)) {
    const VU32 code = RoundedCodes<N, rounding::nearest>(Exact(hn::Mul(hn::LoadU(df, scales + i), hn::Set(df, factor))));
    const VF v = Values<N>(hn::BitCast(D32(), code)), scale = Exact(hn::Mul(hn::Set(df, outer), v));
    zero = hn::Or(zero, hn::And(hn::Eq(scale, hn::Zero(df)), hn::FirstN(df, Groups - i)));
    hn::StoreU(code, DU32(), to.scale_codes.data() + i), hn::StoreU(scale, df, to.scale.data() + i);
    hn::StoreU(Exact(hn::Mul(hn::Set(df, coarse), v)), df, to.ideal.data() + i);
  }
  to.blank = Fit::codes.scale == from::stored && !hn::AllFalse(df, zero);
}

// to[i] = the levels of block i of `count`, from the numbers of its groups; up to kGroupRoom - 1 more are read.
template <class C, class Fit, bool Weighted, std::size_t Groups>
HWY_INLINE void ChooseLevels(const float* scales, const float* minimums, const float* weights, std::size_t count,
                             stored_levels* to) {
  if constexpr (!chooses_in_lanes<C, Fit>) {
    for (std::size_t i = 0; i < count; ++i, scales += Groups, minimums += Groups, weights += Groups)
      call_levels<C, Fit, Weighted>(scales, minimums, weights, Groups, to[i]);
  } else {
    using G = typename C::granularity;
    using coarse_number = typename G::template level<1>::number;
    coarse_choice chosen;
    code_t<coarse_number::bits> codes[block_lanes::count + 16];
    float outer[block_lanes::count];
    for (std::size_t first = 0; first < count; first += block_lanes::count) {
      const std::size_t n = std::min(block_lanes::count, count - first);
      ChooseCoarse<typename G::template level<0>::number, Fit::choice(Weighted), Groups>(
          scales + first * Groups, weights + first * Groups, n, chosen);
      NearestFinite<coarse_number>(chosen.coarse, n, codes);
      call_values<coarse_number>(codes, n, outer);
      for (std::size_t k = 0; k < n; ++k) {
        const std::size_t i = first + k, at = i * Groups;
        if (chosen.usual[k] != 0) {
          to[i].coarse_scale = codes[k];
          ChooseFine<C, Fit, Groups>(scales + at, chosen.factor[k], chosen.coarse[k], outer[k], to[i]);
        } else {
          call_levels<C, Fit, Weighted>(scales + at, minimums + at, weights + at, Groups, to[i]);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
