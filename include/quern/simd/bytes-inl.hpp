// Codes of a tile as bytes, and bytes as small integers: what the integer product multiplies.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_BYTES_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_BYTES_INL_HPP_
#undef QUERN_SIMD_BYTES_INL_HPP_
#else
#define QUERN_SIMD_BYTES_INL_HPP_
#endif

#include "quern/simd/vector-inl.hpp"
#include "quern/storage/product.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Left when positive. Bits that cross into the next byte are masked by the caller.
template <int Shift>
HWY_INLINE V8 ShiftBytes(V8 v) {
  const hn::Repartition<std::uint16_t, D8> d;
  if constexpr (Shift > 0) return hn::BitCast(D8(), hn::ShiftLeft<Shift>(hn::BitCast(d, v)));
  else if constexpr (Shift < 0) return hn::BitCast(D8(), hn::ShiftRight<-Shift>(hn::BitCast(d, v)));
  else return v;
}

// The codes of quad Q of a step, one row vector of them, from the first Planes planes; `step` is where the step's planes
// begin, plus the vector's offset in a quad. Load, shift, mask, or.
template <class C, int Q, std::size_t Planes = tile_facts<C>::plane_count>
HWY_INLINE V8 QuadCodes(const std::uint8_t* HWY_RESTRICT step) {
  constexpr tile_plane p = tile_facts<C>::planes[Planes - 1];
  constexpr int width = p.width, low = p.low, quads = 8 / width, bit = width * (Q % quads);
  const V8 moved = ShiftBytes<low - bit>(hn::LoadU(D8(), step + p.at + (Q / quads) * 64));
  if constexpr (width == 8) {
    return moved;
  } else {
    const V8 mask = hn::Set(D8(), static_cast<std::uint8_t>(((1 << width) - 1) << low));
    if constexpr (Planes == 1) return hn::And(moved, mask);
    else return hn::OrAnd(QuadCodes<C, Q, Planes - 1>(step), moved, mask);
  }
}

// value / unit + bias of each code.
template <class N>
HWY_INLINE V8 ToBytes(V8 code) {
  constexpr byte_rule rule = as_bytes<N>.rule;
  if constexpr (rule == byte_rule::flip) {
    return hn::Xor(code, hn::Set(D8(), static_cast<std::uint8_t>(1u << (N::bits - 1))));
  } else if constexpr (rule == byte_rule::table) {
    constexpr int tables = static_cast<int>(byte_table<N>.size() / 16);
    if constexpr (tables == 1) {
      return hn::TableLookupBytes(hn::LoadDup128(D8(), byte_table<N>.data()), code);
    } else {  // 16 entries at a time
      const V8 low = hn::And(code, hn::Set(D8(), 15)), high = hn::AndNot(hn::Set(D8(), 15), code);
      V8 byte = hn::Zero(D8());
      for (int t = 0; t < tables; ++t) {
        const V8 entry = hn::TableLookupBytes(hn::LoadDup128(D8(), byte_table<N>.data() + 16 * t), low);
        byte = hn::IfThenElse(hn::Eq(high, hn::Set(D8(), static_cast<std::uint8_t>(16 * t))), entry, byte);
      }
      return byte;
    }
  } else {
    return code;
  }
}

// ---- the product of unsigned bytes and activations of -127 ... 127 ----

// Whether the target multiplies u8 x i8 to 32 bits without saturation in one instruction or an exact few.
#if HWY_TARGET <= HWY_AVX3_DL || !HWY_ARCH_X86
inline constexpr bool kByteDot = true;
#else
inline constexpr bool kByteDot = false;
#endif

// Elsewhere products are summed in pairs of 16 bits. As many quads may be summed as cannot overflow:
// 2 * 127 * largest * burst <= 32767. 0: not even one; the byte then takes the form |byte - 128| with its sign moved to
// the activation, 2 * 128 * 127 < 32768, and the bias moves by 128.
template <class N>
inline constexpr int burst_quads = [] {
  constexpr int largest = as_bytes<N>.largest == 0 ? 1 : as_bytes<N>.largest;  // 0: formats without such bytes
  constexpr int fit = 32767 / (254 * largest);
  return fit >= 8 ? 8 : fit >= 4 ? 4 : fit >= 2 ? 2 : fit;
}();
template <class N>
inline constexpr int byte_bias = as_bytes<N>.bias - (!kByteDot && burst_quads<N> == 0 ? 128 : 0);

// The bias of the bytes that rows become: of a grid's points 128.
template <class N>
inline constexpr int row_bias = vector_format<N> ? (kByteDot ? 128 : 0) : byte_bias<N>;

HWY_INLINE V32 ByteDot(V32 sum, V8 w, V32 x) {
  return hn::SumOfMulQuadAccumulate(D32(), w, hn::BitCast(hn::RebindToSigned<D8>(), x), sum);
}
// Of any byte less 128: its magnitude, and its sign moved to x.
HWY_INLINE V16 SignedPairs(V8 w, V32 x) {
  const hn::RebindToSigned<D8> di;
  const auto s = hn::BitCast(di, hn::Xor(w, hn::Set(D8(), 128)));
  return hn::SatWidenMulPairwiseAdd(D16(), hn::BitCast(D8(), hn::Abs(s)),
                                    hn::IfNegativeThenNegOrUndefIfZero(s, hn::BitCast(di, x)));
}
template <class N>
HWY_INLINE V16 BytePairs(V8 w, V32 x) {
  if constexpr (burst_quads<N> == 0) return SignedPairs(w, x);
  else return hn::SatWidenMulPairwiseAdd(D16(), w, hn::BitCast(hn::RebindToSigned<D8>(), x));
}
HWY_INLINE V32 AddPairs(V32 sum, V16 pairs) {
  return hn::Add(sum, hn::WidenMulPairwiseAdd(D32(), pairs, hn::Set(D16(), 1)));
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
