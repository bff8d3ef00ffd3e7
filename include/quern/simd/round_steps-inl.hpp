// From quotients to codes by looking up the floats at which the code changes: in cells, by counting, by halving. To the bit
// the codes of fit/rounding.hpp.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ROUND_STEPS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ROUND_STEPS_INL_HPP_
#undef QUERN_SIMD_ROUND_STEPS_INL_HPP_
#else
#define QUERN_SIMD_ROUND_STEPS_INL_HPP_
#endif

#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/round_recipe.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// v held between two floats.
HWY_INLINE VF Held(VF v, float low, float high) { return hn::Min(hn::Max(v, hn::Set(DF(), low)), hn::Set(DF(), high)); }

// How many of up to 2^Depths - 1 steps are at or below q, by halving.
template <scalar_format N, rounding R, std::size_t Depths>
HWY_INLINE V32 HalveSteps(VF q) {
  const DF df;
  const D32 d;
  V32 node = hn::Zero(d);
  Unroll<static_cast<int>(Depths)>([&](auto depth) QUERN_INLINE {
    constexpr std::size_t entries = std::size_t{1} << depth;
    const float* const level = step_tree<N, R, Depths>.data() + entries - 1;
    VF step;
    if constexpr (entries == 1) step = hn::Set(df, *level);
    else if constexpr (kLanes >= 8 && entries <= kLanes)
      step = hn::TableLookupLanes(hn::LoadU(df, level), hn::IndicesFromVec(df, node));
    else if constexpr (kLanes >= 8 && entries == 2 * kLanes)
      step = hn::TwoTablesLookupLanes(df, hn::LoadU(df, level), hn::LoadU(df, level + kLanes),
                                      hn::IndicesFromVec(df, node));
    else step = hn::GatherIndex(df, level, node);
    node = hn::Sub(hn::Add(node, node), hn::VecFromMask(d, hn::RebindMask(d, hn::Ge(q, step))));
  });
  return node;
}

// How many of up to 15 steps are at or below q.
template <scalar_format N, rounding R>
HWY_INLINE V32 CountSteps(VF q) {
  constexpr std::size_t count = steps_of<N, R>.count;
  if constexpr (count > 7 && kLanes >= 8) {
    return HalveSteps<N, R, 4>(q);
  } else {
    const DF df;
    const D32 d;
    V32 n = hn::Zero(d);
    Unroll<static_cast<int>(count)>([&](auto i) QUERN_INLINE {
      const VF step = hn::Set(df, steps_of<N, R>.at[static_cast<std::size_t>(i)]);
      n = hn::Sub(n, hn::VecFromMask(d, hn::RebindMask(d, hn::Ge(q, step))));
    });
    return n;
  }
}

template <scalar_format N, rounding R>
HWY_INLINE VU32 RoundInCells(VF q) {
  constexpr const step_cells& c = cells_of<N, R>;
  const DF df;
  const D32 d;
  const auto entry = [&](auto tag, const auto* table, V32 cell) QUERN_INLINE {
    return hn::TwoTablesLookupLanes(tag, hn::Load(tag, table), hn::Load(tag, table + 16), hn::IndicesFromVec(tag, cell));
  };
  const VF scaled = hn::Mul(Held(q, c.first, c.last), hn::Set(df, c.per_cell));  // exact: fusing does no harm
  const V32 cell = hn::And(hn::BitCast(d, hn::Add(scaled, hn::Set(df, 0x1.8p23f))), hn::Set(d, 31));
  const auto reached = hn::RebindMask(d, hn::Ge(q, entry(df, c.at.data(), cell)));
  return hn::BitCast(DU32(),
                     hn::IfThenElse(reached, entry(d, c.above.data(), cell), entry(d, c.below.data(), cell)));
}

template <scalar_format N, rounding R>
HWY_INLINE VU32 RoundShortSteps(VF q) {
  if constexpr (kLanes >= 16 && cells_of<N, R>.ok) return RoundInCells<N, R>(q);
  const V32 n = CountSteps<N, R>(q);
  if constexpr (step_codes_rise<N, R>) {
    return hn::BitCast(DU32(), n);
  } else {
    const DU32 d;
    const std::uint32_t* const table = steps_of<N, R>.code.data();
    if constexpr (kLanes >= 16) return hn::TableLookupLanes(hn::LoadU(d, table), hn::IndicesFromVec(d, n));
    else if constexpr (kLanes >= 8)
      return hn::TwoTablesLookupLanes(d, hn::LoadU(d, table), hn::LoadU(d, table + kLanes), hn::IndicesFromVec(d, n));
    else return hn::GatherIndex(d, table, n);
  }
}

template <scalar_format N, rounding R>
HWY_INLINE VU32 RoundLongSteps(VF q) {
  const V32 n = HalveSteps<N, R, 8>(q);
  if constexpr (step_codes_rise<N, R>) return hn::BitCast(DU32(), n);
  else return hn::GatherIndex(DU32(), steps_of<N, R>.code.data(), n);
}

// Whether 64 quotients are rounded at once: their short ranks are searched, 32 to a vector, for all steps but one.
template <scalar_format N, rounding R>
inline constexpr bool kRounds64 = [] {
  if constexpr (kWideShuffle && round_recipe_of<N, R> == round_recipe::long_steps)
    return has_short_ranks<N, R> && step_codes_rise<N, R>;
  return false;
}();

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
// Short ranks of steps, arranged for halving as in step_tree, but level k lies at level_at(k). Missing ones are greater than
// any.
template <scalar_format N, rounding R>
struct short_rank_tree {
  static constexpr std::size_t level_at(std::size_t depth) { return depth <= 5 ? 32 * depth : depth == 6 ? 192 : 256; }
  alignas(64) static constexpr auto ranks = [] {
    std::array<std::int16_t, 384> t{};
    for (std::size_t depth = 0; depth < 8; ++depth)
      for (std::size_t n = 0; n < std::size_t{1} << depth; ++n) {
        const float step = step_tree<N, R, 8>[(std::size_t{1} << depth) - 1 + n];
        t[level_at(depth) + n] = is_nan(step) ? std::int16_t{0x7fff} : short_rank(step);
      }
    return t;
  }();
};

// Stores round_to<N, R> of quotient(0) ... quotient(3), of 16 lanes each; none is NaN.
template <scalar_format N, rounding R, class Q>
HWY_INLINE void StoreRounded64(Q quotient, std::uint8_t* to) {
  const hn::FixedTag<std::uint8_t, 64> d8;
  const hn::FixedTag<std::int16_t, 32> d;
  using V = hn::Vec<decltype(d)>;
  const VF q0 = quotient(std::integral_constant<int, 0>()), q1 = quotient(std::integral_constant<int, 1>()),
           q2 = quotient(std::integral_constant<int, 2>()), q3 = quotient(std::integral_constant<int, 3>());
  const auto rank = [&](VF low, VF high) QUERN_INLINE {
    const V v = hn::ConcatOdd(d, hn::BitCast(d, high), hn::BitCast(d, low));
    return hn::Xor(v, hn::And(hn::BroadcastSignBit(v), hn::Set(d, 0x7fff)));
  };
  const auto node_of = [&](V r, V node, auto depth) QUERN_INLINE {
    const std::int16_t* const level = short_rank_tree<N, R>::ranks.data() + short_rank_tree<N, R>::level_at(depth);
    const V one = hn::Set(d, 1);
    V step;
    if constexpr (depth == 0) {
      step = hn::Set(d, *level);
    } else if constexpr (depth <= 5) {
      step = hn::TableLookupLanes(hn::Load(d, level), hn::IndicesFromVec(d, node));
    } else {
      const auto indices = hn::IndicesFromVec(d, depth == 6 ? node : hn::And(node, hn::Set(d, 63)));
      step = hn::TwoTablesLookupLanes(d, hn::Load(d, level), hn::Load(d, level + 32), indices);
      if constexpr (depth == 7)
        step = hn::IfThenElse(hn::TestBit(node, hn::Set(d, 64)),
                              hn::TwoTablesLookupLanes(d, hn::Load(d, level + 64), hn::Load(d, level + 96), indices),
                              step);
    }
    const V twice = hn::Add(node, node);
    return hn::MaskedAddOr(twice, hn::Gt(r, step), twice, one);
  };
  const V low = rank(q0, q1), high = rank(q2, q3);
  V a = hn::Zero(d), b = a;
  Unroll<8>([&](auto depth) QUERN_INLINE { a = node_of(low, a, depth), b = node_of(high, b, depth); });
  const hn::RebindToUnsigned<decltype(d)> du;
  const VWide before = hn::OrderedTruncate2To(d8, hn::BitCast(du, a), hn::BitCast(du, b));
  hn::StoreU(before, d8, to);
  std::uint8_t reached[8];
  EachPlaneValue<step_values<N, R>>(to, [&](auto at, VF step) QUERN_INLINE {
    constexpr int i = at / 16;
    const VF& q = i == 0 ? q0 : i == 1 ? q1 : i == 2 ? q2 : q3;
    hn::StoreMaskBits(DF(), hn::Ge(q, step), reached + at / 8);
  });
  const auto more = hn::LoadMaskBits(d8, reached);
  hn::StoreU(hn::MaskedAddOr(before, more, before, hn::Set(d8, 1)), d8, to);
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
