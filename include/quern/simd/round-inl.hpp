// From quotients to codes, by the recipe of the number format and the rule of rounding (simd/round_recipe.hpp). To the bit
// the codes of fit/rounding.hpp.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ROUND_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ROUND_INL_HPP_
#undef QUERN_SIMD_ROUND_INL_HPP_
#else
#define QUERN_SIMD_ROUND_INL_HPP_
#endif

#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/region_fit.hpp"
#include "quern/simd/round_recipe.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// v held between two floats.
HWY_INLINE VF Held(VF v, float low, float high) { return hn::Min(hn::Max(v, hn::Set(DF(), low)), hn::Set(DF(), high)); }

// v, an integer or to be cut to one, below 2^31 in magnitude.
HWY_INLINE V32 Cut(VF v) { return hn::ConvertInRangeTo(D32(), v); }

template <scalar_format N, rounding R>
HWY_INLINE VU32 RoundIntegers(VF q) {
  constexpr integer_rounding r = integer_rounding_of<N, R>;
  constexpr bool middle = codes_rise_from_middle<N>;  // two's complement
  const DF df;
  const DU32 du;
  VF t = q;
  if constexpr (r.per_step != 1) t = Exact(hn::Mul(t, hn::Set(df, r.per_step)));
  t = Held(t, static_cast<float>(r.least), static_cast<float>(r.most));
  VU32 code;
  if constexpr (r.rule == integer_rule::even) {
    // The sum's low bits are the integer; an even number may be taken away at once.
    constexpr int base = middle || r.least % 2 != 0 ? 0 : r.least;
    code = hn::BitCast(du, hn::Add(Exact(t), hn::Set(df, 0x1.8p23f - static_cast<float>(base))));
    if constexpr (!middle && base != r.least) code = hn::Sub(code, hn::Set(du, static_cast<std::uint32_t>(r.least)));
    if constexpr (N::bits != 8) code = hn::And(code, hn::Set(du, low_bits(N::bits)));
  } else {
    code = hn::BitCast(du, Cut(hn::Add(Exact(t), hn::CopySignToAbs(hn::Set(df, almost_half), t))));
    if constexpr (!middle && r.least != 0) code = hn::Sub(code, hn::Set(du, static_cast<std::uint32_t>(r.least)));
    if constexpr (middle && N::bits != 8) code = hn::And(code, hn::Set(du, low_bits(N::bits)));
  }
  return code;
}

template <scalar_format N>
HWY_INLINE VU32 RoundTruncated(VF q) {
  static_assert(consecutive_integers<N>, "rounding::truncate: the number's values must be consecutive integers");
  const VF t = hn::Add(Exact(q), hn::Set(DF(), 0.5f - N::value(0)));
  return hn::BitCast(DU32(), Cut(Held(t, 0, static_cast<float>(low_bits(N::bits)))));
}

template <scalar_format N>
HWY_INLINE VU32 RoundFloats(VF q) {
  constexpr float_rounding r = float_rounding_of<N>;
  const DF df;
  const DU32 du;
  const VU32 u = hn::BitCast(du, q), a = hn::And(u, hn::Set(du, 0x7fffffff));
  const VU32 last = hn::And(hn::ShiftRight<static_cast<int>(r.shift)>(a), hn::Set(du, 1));
  VU32 code = hn::ShiftRight<static_cast<int>(r.shift)>(
      hn::Add(hn::Add(a, last), hn::Set(du, (1u << (r.shift - 1)) - 1 - r.rebias)));
  if constexpr (r.smallest != 0) {
    const VF magic = hn::Set(df, r.magic), magnitude = hn::BitCast(df, a);
    const auto small = hn::RebindMask(du, hn::Lt(magnitude, hn::Set(df, r.smallest)));
    code = hn::MaskedSubOr(code, small, hn::BitCast(du, hn::Add(magnitude, magic)), hn::BitCast(du, magic));
  }
  code = hn::Min(code, hn::Set(du, r.most));
  if constexpr (r.is_signed)
    return hn::OrAnd(code, hn::ShiftRight<32 - static_cast<int>(N::bits)>(u), hn::Set(du, 1u << (N::bits - 1)));
  else return hn::IfThenElseZero(hn::Lt(u, hn::Set(du, 0x80000000u)), code);
}

// Steps of a search, arranged for halving: node n of a level of a tree of 15. Missing ones are NaN, which no q reaches.
template <scalar_format N, rounding R>
struct step_tree {
  static constexpr auto step(std::size_t i) {
    constexpr const auto& s = steps_of<N, R>;
    return i < s.count ? s.at[i] : std::numeric_limits<float>::quiet_NaN();
  }
  static constexpr auto level(std::size_t depth) {
    std::array<float, 16> t{};
    for (std::size_t n = 0; n < std::size_t{1} << depth; ++n) t[n] = step((2 * n + 1) * (std::size_t{8} >> depth) - 1);
    return t;
  }
  alignas(64) static constexpr std::array<float, 16> second = level(1), third = level(2), fourth = level(3);
};
template <scalar_format N, rounding R>
inline constexpr bool step_codes_rise = [] {
  constexpr const auto& s = steps_of<N, R>;
  for (std::size_t i = 0; i <= s.count; ++i)
    if (s.code[i] != i) return false;
  return true;
}();
template <scalar_format N, rounding R>
inline constexpr auto step_codes = [] {
  std::array<std::int32_t, 16> t{};
  for (std::size_t i = 0; i <= steps_of<N, R>.count; ++i) t[i] = static_cast<std::int32_t>(steps_of<N, R>.code[i]);
  return t;
}();

// How many of up to 15 steps are at or below q.
template <scalar_format N, rounding R>
HWY_INLINE V32 CountSteps(VF q) {
  constexpr std::size_t count = steps_of<N, R>.count;
  const DF df;
  const D32 d;
  const auto reached = [&](VF step) QUERN_INLINE { return hn::VecFromMask(d, hn::RebindMask(d, hn::Ge(q, step))); };
  if constexpr (count > 7 && kLanes >= 8) {
    using T = step_tree<N, R>;
    const auto down = [&](V32 node, const std::array<float, 16>& level) QUERN_INLINE {
      const VF step = hn::TableLookupLanes(hn::LoadU(df, level.data()), hn::IndicesFromVec(df, node));
      return hn::Sub(hn::Add(node, node), reached(step));
    };
    V32 node = hn::Neg(reached(hn::Set(df, T::step(7))));
    node = down(node, T::second);
    node = down(node, T::third);
    return down(node, T::fourth);
  } else {
    V32 n = hn::Zero(d);
    Unroll<static_cast<int>(count)>([&](auto i) QUERN_INLINE {
      n = hn::Sub(n, reached(hn::Set(df, steps_of<N, R>.at[static_cast<std::size_t>(i)])));
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
    const D32 d;
    const std::int32_t* const table = step_codes<N, R>.data();
    V32 code;
    if constexpr (kLanes >= 16)
      code = hn::TableLookupLanes(hn::LoadU(d, table), hn::IndicesFromVec(d, n));
    else if constexpr (kLanes >= 8)
      code =
          hn::TwoTablesLookupLanes(d, hn::LoadU(d, table), hn::LoadU(d, table + kLanes), hn::IndicesFromVec(d, n));
    else code = hn::GatherIndex(d, table, n);
    return hn::BitCast(DU32(), code);
  }
}

// Up to 255 steps, halved eight times: level k of the tree lies at 2^k - 1. Missing steps are NaN.
template <scalar_format N, rounding R>
inline constexpr auto long_steps = [] {
  std::array<float, 256> t{};
  constexpr const auto& s = steps_of<N, R>;
  for (std::size_t depth = 0; depth < 8; ++depth)
    for (std::size_t n = 0; n < std::size_t{1} << depth; ++n) {
      const std::size_t i = (2 * n + 1) * (std::size_t{128} >> depth) - 1;
      t[(std::size_t{1} << depth) - 1 + n] = i < s.count ? s.at[i] : std::numeric_limits<float>::quiet_NaN();
    }
  return t;
}();
template <scalar_format N, rounding R>
inline constexpr auto long_codes = [] {
  std::array<std::int32_t, 256> t{};
  for (std::size_t i = 0; i <= steps_of<N, R>.count; ++i) t[i] = static_cast<std::int32_t>(steps_of<N, R>.code[i]);
  return t;
}();
template <scalar_format N, rounding R>
HWY_INLINE VU32 RoundLongSteps(VF q) {
  const DF df;
  const D32 d;
  V32 node = hn::Zero(d);
  Unroll<8>([&](auto depth) QUERN_INLINE {
    constexpr std::size_t entries = std::size_t{1} << depth;
    const float* const level = long_steps<N, R>.data() + entries - 1;
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
  if constexpr (step_codes_rise<N, R>) return hn::BitCast(DU32(), node);
  else return hn::BitCast(DU32(), hn::GatherIndex(d, long_codes<N, R>.data(), node));
}

// Whether 64 quotients are rounded at once: their short ranks are searched, 32 to a vector, for all steps but one.
template <scalar_format N, rounding R>
inline constexpr bool kRounds64 = [] {
  if constexpr (kWideShuffle && round_recipe_of<N, R> == round_recipe::long_steps)
    return has_short_ranks<N, R> && step_codes_rise<N, R>;
  return false;
}();

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
// Short ranks of steps, arranged for halving as those of long_steps: level k of the tree lies at level_at(k). Missing ones
// are greater than any.
template <scalar_format N, rounding R>
struct short_rank_tree {
  static constexpr std::size_t level_at(std::size_t depth) { return depth <= 5 ? 32 * depth : depth == 6 ? 192 : 256; }
  alignas(64) static constexpr auto ranks = [] {
    std::array<std::int16_t, 384> t{};
    for (std::size_t depth = 0; depth < 8; ++depth)
      for (std::size_t n = 0; n < std::size_t{1} << depth; ++n) {
        const float step = long_steps<N, R>[(std::size_t{1} << depth) - 1 + n];
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

template <scalar_format N, rounding R>
HWY_INLINE VU32 RoundCalled(VF q) {
  HWY_ALIGN float quotients[kLanes];
  HWY_ALIGN std::uint32_t codes[kLanes];
  hn::Store(q, DF(), quotients);
  call_round<N, R>(quotients, hn::Lanes(DF()), codes);
  return hn::Load(DU32(), codes);
}

// Stores round_to<N, R>(q) of every lane; q is not NaN.
template <scalar_format N, rounding R>
HWY_INLINE void StoreRounded(VF q, code_t<N::bits>* to) {
  using T = code_t<N::bits>;
  constexpr round_recipe way = round_recipe_of<N, R>;
  if constexpr (way == round_recipe::binary16 && kConvertsHalf) {
    const hn::Rebind<hwy::float16_t, DF> half;
    const hn::Rebind<std::uint16_t, DF> d16;
    hn::StoreU(hn::BitCast(d16, hn::DemoteTo(half, q)), d16, to);
  } else {
    const VU32 code = [&]() QUERN_INLINE {
      if constexpr (way == round_recipe::binary32) return hn::BitCast(DU32(), q);
      else if constexpr (way == round_recipe::integers) return RoundIntegers<N, R>(q);
      else if constexpr (way == round_recipe::truncation) return RoundTruncated<N>(q);
      else if constexpr (way == round_recipe::floats || way == round_recipe::binary16) return RoundFloats<N>(q);
      else if constexpr (way == round_recipe::short_steps) return RoundShortSteps<N, R>(q);
      else if constexpr (way == round_recipe::long_steps) return RoundLongSteps<N, R>(q);
      else return RoundCalled<N, R>(q);
    }();
    if constexpr (sizeof(T) == 4) hn::StoreU(code, DU32(), to);
    else {
      const hn::Rebind<T, DU32> d;
      hn::StoreU(hn::TruncateTo(d, code), d, to);
    }
  }
}

// codes[i] = the code nearest to wanted[i] whose value is finite; up to 15 more may be read and written.
template <scalar_format N>
HWY_INLINE void NearestFinite(const float* wanted, std::size_t count, code_t<N::bits>* codes) {
  constexpr round_recipe way = round_recipe_of<N, rounding::nearest>;
  if constexpr (way == round_recipe::calls) {
    call_nearest_finite<N>(wanted, count, codes);
  } else {
    const DF df;
    constexpr float most = [] {
      if constexpr (way == round_recipe::binary32) return std::numeric_limits<float>::max();
      else if constexpr (way == round_recipe::floats || way == round_recipe::binary16) {
        std::uint32_t code = float_rounding_of<N>.most;
        while (!is_finite(N::value(code))) --code;
        return N::value(code);
      } else return std::numeric_limits<float>::infinity();
    }();
    for (std::size_t i = 0; i < count; i += hn::Lanes(df)) {
      VF q = hn::LoadU(df, wanted + i);
      if constexpr (most < std::numeric_limits<float>::infinity()) q = Held(q, -most, most);
      StoreRounded<N, rounding::nearest>(q, codes + i);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
