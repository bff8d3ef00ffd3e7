// From codes to values, by the recipe of the number format. The one place that knows which look-ups a target has.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_LOOKUP_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_LOOKUP_INL_HPP_
#undef QUERN_SIMD_LOOKUP_INL_HPP_
#else
#define QUERN_SIMD_LOOKUP_INL_HPP_
#endif

#include "quern/simd/recipe.hpp"
#include "quern/simd/scalar.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/storage/row_codes.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// f(0), f(lanes), ... for `Count` lanes of DF, a multiple of 16.
template <std::size_t Count, class F>
HWY_INLINE void EachVector(F f) {
  Unroll<static_cast<int>(Count) / kLanes>(
      [&](auto i) QUERN_INLINE { f(std::integral_constant<std::size_t, static_cast<std::size_t>(i * kLanes)>()); });
}

// v in a register, of which the compiler knows nothing: a constant is not read from memory again where it is used.
template <class V>
HWY_INLINE V Kept(V v) {
#if HWY_ARCH_X86
  asm("" : "+v"(v.raw));
#elif HWY_ARCH_ARM_A64 && !HWY_HAVE_SCALABLE
  asm("" : "+w"(v.raw));
#elif HWY_ARCH_ARM_A64
  asm("" : "+w"(v));
#endif
  return v;
}

// Rounded here and now, as exact() in base/exact.hpp: g++ contracts products and sums of vectors, too.
HWY_INLINE VF Exact(VF v) {
#if HWY_ARCH_X86 || HWY_ARCH_ARM_A64
  return Kept(v);
#else
  HWY_ALIGN float lanes[hn::MaxLanes(DF())];
  hn::Store(v, DF(), lanes);
  asm volatile("" : : "r"(lanes) : "memory");
  return hn::Load(DF(), lanes);
#endif
}

// Whether binary16 is converted by one instruction. Highway's own conversion for targets without loses some codes.
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || HWY_ARCH_ARM_A64
inline constexpr bool kConvertsHalf = true;
#else
inline constexpr bool kConvertsHalf = false;
#endif

// Whether bytes can be shuffled across a vector of 64, and shifted each by its own number of bits.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
inline constexpr bool kWideShuffle = true;
using VWide = hn::Vec<hn::FixedTag<std::uint8_t, 64>>;
// Byte i = the 8 bits from bit at[i] % 64 of the 8 bytes that byte i lies in.
HWY_INLINE VWide MultiShift(VWide bytes, VWide at) { return VWide{_mm512_multishift_epi64_epi8(at.raw, bytes.raw)}; }
#else
inline constexpr bool kWideShuffle = false;
#endif

// ---- lanes of codes to lanes of values ----

template <class N>
HWY_INLINE VF IntegerValues(V32 code) {
  constexpr integer_recipe r = as_integers<N>;
  const DF df;
  if constexpr (r.twos_complement) {
    const VF v = hn::ConvertTo(df, hn::ShiftRight<32 - N::bits>(hn::ShiftLeft<32 - N::bits>(code)));
    if constexpr (r.unit == 1) return v;
    else return hn::Mul(v, hn::Set(df, r.unit));
  } else {  // every step is exact, so that fusing does no harm
    constexpr float step = static_cast<float>(r.step) * r.unit, first = static_cast<float>(r.first) * r.unit;
    const VF v = hn::ConvertTo(df, code);
    if constexpr (step == 1 && first == 0) return v;
    else if constexpr (step == 1) return hn::Add(v, Kept(hn::Set(df, first)));
    else if constexpr (step > 0 && first == 0) return hn::Mul(v, hn::Set(df, step));
    else return hn::MulAdd(v, hn::Set(df, step), hn::Set(df, first));
  }
}

template <class N>
HWY_INLINE VF FloatValues(V32 code) {
  constexpr float_recipe r = as_float<N>;
  constexpr int shift = static_cast<int>(r.shift), to_top = 32 - static_cast<int>(N::bits);
  const D32 d;
  const DF df;
  const auto set = [&](std::uint32_t u) QUERN_INLINE { return hn::Set(d, static_cast<std::int32_t>(u)); };
  if constexpr (r.base == 0 && shift == to_top) {  // f32 cut off, sign included
    return hn::BitCast(df, hn::ShiftLeft<to_top>(code));
  } else {
    const V32 rest = r.kept != low_bits(N::bits) ? hn::And(code, set(r.kept)) : code;
    V32 bits = hn::Add(hn::ShiftLeft<shift>(rest), set(r.base));
    if constexpr (r.subnormal_end != 0) {
      const auto small = hn::RebindMask(df, hn::Lt(rest, set(r.subnormal_end)));
      const VF up = hn::BitCast(df, hn::Add(bits, set(0x800000)));
      bits = hn::BitCast(
          d, hn::IfThenElse(small, hn::Sub(up, hn::BitCast(df, set(r.base + 0x800000))), hn::BitCast(df, bits)));
    }
    if constexpr (r.nonfinite <= r.kept)
      bits = hn::Or(bits, hn::IfThenElseZero(hn::Ge(rest, set(r.nonfinite)), set(0x7f800000)));
    if constexpr (r.is_signed) bits = hn::Or(bits, hn::ShiftLeft<to_top>(hn::AndNot(set(low_bits(N::bits - 1)), code)));
    Unroll<static_cast<int>(r.patched)>([&](auto i) QUERN_INLINE {
      constexpr float_recipe::patch p = as_float<N>.patches[i];
      bits = hn::IfThenElse(hn::Eq(code, set(p.code)), set(p.bits), bits);
    });
    return hn::BitCast(df, bits);
  }
}

// Up to 16 values from registers, where two registers hold them; else any number from memory.
template <class N>
HWY_INLINE VF TableValues(V32 code) {
  const DF df;
  constexpr std::size_t entries = std::size_t{1} << N::bits;
  const float* const table = padded_table<N>.data();
  if constexpr (entries <= kLanes) {
    return hn::TableLookupLanes(Kept(hn::LoadU(df, table)), hn::IndicesFromVec(df, code));
  } else if constexpr (entries <= 2 * kLanes) {
    return hn::TwoTablesLookupLanes(df, hn::LoadU(df, table), hn::LoadU(df, table + kLanes),
                                    hn::IndicesFromVec(df, code));
  } else {
    const V32 inside = hn::And(code, hn::Set(D32(), static_cast<std::int32_t>(entries - 1)));
    return hn::GatherIndex(df, table, inside);
  }
}

template <class N>
HWY_INLINE VF CalledValues(V32 code) {
  HWY_ALIGN std::int32_t codes[kLanes];
  HWY_ALIGN float values[kLanes];
  hn::Store(code, D32(), codes);
  call_values<N>(codes, hn::Lanes(DF()), values);
  return hn::Load(DF(), values);
}

// The values of codes, all of them below 2^bits.
template <scalar_format N>
HWY_INLINE VF Values(V32 code) {
  constexpr recipe way = recipe_of<N>;
  const DF df;
  if constexpr (way == recipe::binary32) {
    return hn::BitCast(df, code);
  } else if constexpr (way == recipe::binary16 && kConvertsHalf) {
    const hn::Rebind<std::uint16_t, DF> d16;
    const hn::Rebind<hwy::float16_t, DF> half;
    return hn::PromoteTo(df, hn::BitCast(half, hn::TruncateTo(d16, hn::BitCast(DU32(), code))));
  } else if constexpr (way == recipe::integers) {
    return IntegerValues<N>(code);
  } else if constexpr (way == recipe::floats || way == recipe::binary16) {
    return FloatValues<N>(code);
  } else if constexpr (way == recipe::calls) {
    return CalledValues<N>(code);
  } else {
    return TableValues<N>(code);
  }
}

// ---- codes in memory to values ----

// Lanes of codes of type T, which need not be aligned.
template <class T>
HWY_INLINE V32 PromoteCodes(const std::uint8_t* p) {
  const hn::Rebind<T, DF> d;
  const auto v = hn::LoadU(d, reinterpret_cast<const T*>(p));
  if constexpr (sizeof(T) == 4) return hn::BitCast(D32(), v);
  else return hn::PromoteTo(D32(), v);
}

// Whether a table of more than 16 entries is looked up byte by byte of its values, for 64 codes at a time.
template <class N>
inline constexpr bool kByPlanes = [] {
  if constexpr (tabulated<N>)
    return kWideShuffle && N::bits > 4 && (recipe_of<N> == recipe::long_table || recipe_of<N> == recipe::floats);
  else return false;
}();

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
// Byte Plane of the values of 64 codes.
template <class N, int Plane>
HWY_INLINE VWide PlaneBytes(VWide codes) {
  const hn::FixedTag<std::uint8_t, 64> d;
  if constexpr (!value_planes<N>.used[Plane]) {
    return hn::Zero(d);
  } else {
    constexpr std::size_t entries = std::size_t{1} << N::bits;
    const std::uint8_t* const table = value_planes<N>.bytes[Plane].data();
    const auto indices = hn::IndicesFromVec(d, entries <= 64 ? codes : hn::And(codes, hn::Set(d, 127)));
    if constexpr (entries <= 64) {
      return hn::TableLookupLanes(Kept(hn::Load(d, table)), indices);
    } else {
      const VWide low = hn::TwoTablesLookupLanes(d, hn::Load(d, table), hn::Load(d, table + 64), indices);
      if constexpr (entries <= 128) return low;
      else {
        const VWide high = hn::TwoTablesLookupLanes(d, hn::Load(d, table + 128), hn::Load(d, table + 192), indices);
        return hn::IfThenElse(hn::MaskFromVec(codes), high, low);
      }
    }
  }
}

// f(offset, values) of 64 codes.
template <class N, class F>
HWY_INLINE void EachPlaneValue(const std::uint8_t* codes, F f) {
  const hn::FixedTag<std::uint8_t, 64> d8;
  const hn::FixedTag<std::uint16_t, 32> d16;
  const hn::FixedTag<std::uint32_t, 16> d32;
  // Interleaving within blocks of 16 bytes gives 4 values of each block; so the codes are brought there as 4 x 4 words.
  alignas(64) static constexpr std::uint32_t transposed[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  const VWide c = hn::BitCast(
      d8, hn::TableLookupLanes(hn::BitCast(d32, hn::LoadU(d8, codes)), hn::SetTableIndices(d32, transposed)));
  const VWide b0 = PlaneBytes<N, 0>(c), b1 = PlaneBytes<N, 1>(c), b2 = PlaneBytes<N, 2>(c), b3 = PlaneBytes<N, 3>(c);
  const auto low0 = hn::BitCast(d16, hn::InterleaveLower(d8, b0, b1)),
             low1 = hn::BitCast(d16, hn::InterleaveUpper(d8, b0, b1));
  const auto high0 = hn::BitCast(d16, hn::InterleaveLower(d8, b2, b3)),
             high1 = hn::BitCast(d16, hn::InterleaveUpper(d8, b2, b3));
  const DF df;
  f(std::integral_constant<std::size_t, 0>(), hn::BitCast(df, hn::InterleaveLower(d16, low0, high0)));
  f(std::integral_constant<std::size_t, 16>(), hn::BitCast(df, hn::InterleaveUpper(d16, low0, high0)));
  f(std::integral_constant<std::size_t, 32>(), hn::BitCast(df, hn::InterleaveLower(d16, low1, high1)));
  f(std::integral_constant<std::size_t, 48>(), hn::BitCast(df, hn::InterleaveUpper(d16, low1, high1)));
}
#endif

// How many values EachValue makes at a time.
template <class N>
inline constexpr std::size_t kValuesAtOnce = kByPlanes<N> ? 64 : 16;

// Whether the bytes of a table are looked up for 16 codes at a time.
template <class N>
inline constexpr bool kByByteTable = recipe_of<N> == recipe::byte_table && kLanes != 16;

// f(offset, values) for the values of Count codes of type code_t<N::bits>; Count is a multiple of kValuesAtOnce<N>.
template <scalar_format N, std::size_t Count, class F>
HWY_INLINE void EachValue(const std::uint8_t* codes, F f) {
  using T = code_t<N::bits>;
  const DF df;
  if constexpr (recipe_of<N> == recipe::binary16 && kConvertsHalf) {
    const hn::Rebind<hwy::float16_t, DF> half;
    EachVector<Count>([&](auto at) QUERN_INLINE {
      f(at, hn::PromoteTo(df, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(codes + 2 * at))));
    });
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  } else if constexpr (kByPlanes<N>) {
    for (std::size_t i = 0; i < Count; i += 64)
      EachPlaneValue<N>(codes + i, [&](auto at, VF v) QUERN_INLINE {
        if constexpr (Count == 64) f(at, v);
        else f(i + at, v);
      });
#endif
  } else if constexpr (kByByteTable<N>) {
    const hn::FixedTag<std::uint8_t, 16> d8;
    const hn::Rebind<std::int8_t, DF> di8;
    const auto table = hn::LoadU(d8, reinterpret_cast<const std::uint8_t*>(signed_byte_table<N>.data()));
    HWY_ALIGN std::int8_t bytes[Count];
    for (std::size_t i = 0; i < Count; i += 16)
      hn::Store(hn::TableLookupBytes(table, hn::LoadU(d8, codes + i)), d8, reinterpret_cast<std::uint8_t*>(bytes + i));
    EachVector<Count>([&](auto at) QUERN_INLINE {
      const VF v = hn::ConvertTo(df, hn::PromoteTo(D32(), hn::LoadU(di8, bytes + at)));
      if constexpr (as_small_integers<N>.unit == 1) f(at, v);
      else f(at, hn::Mul(v, hn::Set(df, as_small_integers<N>.unit)));
    });
  } else {
    EachVector<Count>([&](auto at) QUERN_INLINE { f(at, Values<N>(PromoteCodes<T>(codes + at * sizeof(T)))); });
  }
}

// Whether values are best looked up into memory before they meet their scales.
template <class N>
inline constexpr bool kLookUpFirst = vector_format<N> || recipe_of<N> == recipe::calls ||
                                     (recipe_of<N> == recipe::long_table && !kByPlanes<N>);

// values[i * elements<N> + j] = value j of codes[i], i < count. Codes need not be aligned. Of a scalar format, codes up to a
// multiple of 64 are read and so many values are written.
template <number_format N>
HWY_INLINE void ExpandValues(const code_t<N::bits>* codes, std::size_t count, float* values) {
  if constexpr (vector_format<N> || recipe_of<N> == recipe::calls) {
    call_values<N>(codes, count, values);
  } else if constexpr (kLookUpFirst<N>) {
    for (std::size_t i = 0; i < count; ++i) values[i] = padded_table<N>[codes[i]];
  } else {
    const auto* const p = reinterpret_cast<const std::uint8_t*>(codes);
    for (std::size_t i = 0; i < count; i += kValuesAtOnce<N>)
      EachValue<N, kValuesAtOnce<N>>(p + i * sizeof(*codes),
                                     [&](auto at, VF v) QUERN_INLINE { hn::StoreU(v, DF(), values + i + at); });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
