// From quotients to codes, by the recipe of the number format and the rule of rounding (simd/round_recipe.hpp). To the bit
// the codes of fit/rounding.hpp.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ROUND_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ROUND_INL_HPP_
#undef QUERN_SIMD_ROUND_INL_HPP_
#else
#define QUERN_SIMD_ROUND_INL_HPP_
#endif

#include "quern/simd/region_fit.hpp"
#include "quern/simd/round_steps-inl.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

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

template <scalar_format N, rounding R>
HWY_INLINE VU32 RoundCalled(VF q) {
  HWY_ALIGN float quotients[kLanes];
  HWY_ALIGN std::uint32_t codes[kLanes];
  hn::Store(q, DF(), quotients);
  call_round<N, R>(quotients, hn::Lanes(DF()), codes);
  return hn::Load(DU32(), codes);
}

// round_to<N, R>(q) of every lane; q is not NaN.
template <scalar_format N, rounding R>
HWY_INLINE VU32 RoundedCodes(VF q) {
  constexpr round_recipe way = round_recipe_of<N, R>;
  if constexpr (way == round_recipe::binary32) return hn::BitCast(DU32(), q);
  else if constexpr (way == round_recipe::integers) return RoundIntegers<N, R>(q);
  else if constexpr (way == round_recipe::truncation) return RoundTruncated<N>(q);
  else if constexpr (way == round_recipe::floats || way == round_recipe::binary16) return RoundFloats<N>(q);
  else if constexpr (way == round_recipe::short_steps) return RoundShortSteps<N, R>(q);
  else if constexpr (way == round_recipe::long_steps) return RoundLongSteps<N, R>(q);
  else return RoundCalled<N, R>(q);
}
template <scalar_format N, rounding R>
HWY_INLINE void StoreRounded(VF q, code_t<N::bits>* to) {
  using T = code_t<N::bits>;
  if constexpr (round_recipe_of<N, R> == round_recipe::binary16 && kConvertsHalf) {
    const hn::Rebind<hwy::float16_t, DF> half;
    const hn::Rebind<std::uint16_t, DF> d16;
    hn::StoreU(hn::BitCast(d16, hn::DemoteTo(half, q)), d16, to);
  } else if constexpr (sizeof(T) == 4) {
    hn::StoreU(RoundedCodes<N, R>(q), DU32(), to);
  } else {
    const hn::Rebind<T, DU32> d;
    hn::StoreU(hn::TruncateTo(d, RoundedCodes<N, R>(q)), d, to);
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
