// The codes of a quad, 16 rows x 4 columns, as what meets words of activations: bytes, pairs of bfloat16, or floats.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_OPERANDS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_OPERANDS_INL_HPP_
#undef QUERN_SIMD_OPERANDS_INL_HPP_
#else
#define QUERN_SIMD_OPERANDS_INL_HPP_
#endif

#include "quern/simd/bytes-inl.hpp"
#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/storage/product.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// ---- what the target has ----

// Sums of products of pairs of bfloat16: the second of a pair is added, rounded, then the first; subnormal operands and
// sums count as 0. (Arm's instruction rounds to odd, beyond the bound of f32.)
#if HWY_ARCH_X86 && HWY_NATIVE_DOT_BF16
inline constexpr bool kPairDot = true;
#else
inline constexpr bool kPairDot = false;
#endif

// Whether words of activations are two bfloat16 each, of columns 0 and 2, then 1 and 3 of a quad. Else bf16 activations
// are multiplied as the floats that they are.
template <class Product>
inline constexpr bool kPairs = kPairDot && std::is_same_v<typename Product::activation, bf16> &&
                               product_facts<Product>::path == product_path::planes &&
                               has_bf16_values<typename Product::codec_type::number>;

// ---- sums of products of operands and words ----

// Four bytes of weights and of x.
struct byte_dot {
  static constexpr int words = 1;  // of a quad
  using sum_type = held<D32>;
  static HWY_INLINE V32 Zero() { return hn::Zero(D32()); }
  static HWY_INLINE V32 Add(V32 sum, V32 w, V32 x) { return ByteDot(sum, hn::BitCast(D8(), w), x); }
};

// Two bfloat16.
struct pair_dot {
  static constexpr int words = 2;
  using sum_type = held<DF>;
  static HWY_INLINE VF Zero() { return hn::Zero(DF()); }
  static HWY_INLINE VF Add(VF sum, V32 w, V32 x) {
    const hn::Repartition<hwy::bfloat16_t, DF> d;
    VF rest = hn::Zero(DF());
    return hn::ReorderWidenMulAccumulate(DF(), hn::BitCast(d, w), hn::BitCast(d, x), sum, rest);
  }
};

struct float_dot {
  static constexpr int words = 4;
  using sum_type = held<DF>;
  static HWY_INLINE VF Zero() { return hn::Zero(DF()); }
  static HWY_INLINE VF Add(VF sum, V32 w, V32 x) {
    return hn::MulAdd(hn::BitCast(DF(), w), hn::BitCast(DF(), x), sum);
  }
};

template <class Product>
using dot_of = std::conditional_t<product_facts<Product>::integer_words, byte_dot,
                                  std::conditional_t<kPairs<Product>, pair_dot, float_dot>>;

// ---- floats, from the value of each code ----

// The value of a column of a quad of bytes: of a code, or of the byte of a grid's element.
template <class N, int Column>
HWY_INLINE VF QuadColumn(V8 quad) {
  const V32 lanes = hn::BitCast(D32(), quad);
  const V32 one = hn::And(hn::ShiftRight<8 * (HWY_IS_BIG_ENDIAN ? 3 - Column : Column)>(lanes), hn::Set(D32(), 255));
  if constexpr (vector_format<N>)
    return hn::Mul(hn::ConvertTo(DF(), hn::Sub(one, hn::Set(D32(), as_bytes<N>.bias))),
                   hn::Set(DF(), as_bytes<N>.unit));
  else return Values<N>(one);
}

// ---- look-ups by the low bits of lanes ----

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// A table in registers, looked up by the low bits of each lane, whatever lies above them.
template <int Registers>
class low_table {
 public:
  explicit HWY_INLINE low_table(const void* table) {
    Unroll<Registers>([&](auto i) QUERN_INLINE {
      part_[i] = Kept(hn::LoadU(D32(), static_cast<const std::int32_t*>(table) + i * kLanes));
    });
  }
  // Of 16 or 32 entries of 32 bits.
  HWY_INLINE V32 Words(V32 i) const {
    if constexpr (Registers == 1) return V32{_mm512_permutexvar_epi32(i.raw, part_[0].raw)};
    else return V32{_mm512_permutex2var_epi32(part_[0].raw, i.raw, part_[1].raw)};
  }
  // Of 32 or 64 entries of 16 bits, by each half of the lanes.
  HWY_INLINE V32 Halves(V32 i) const {
    if constexpr (Registers == 1) return V32{_mm512_permutexvar_epi16(i.raw, part_[0].raw)};
    else return V32{_mm512_permutex2var_epi16(part_[0].raw, i.raw, part_[1].raw)};
  }

 private:
  V32 part_[Registers];
};

// The codes of quad Q, that of column c from bit 8 * c + first of a lane. Codes of one plane lie as in memory, among
// those of other quads; else the bits around them are 0.
template <class C, int Q>
struct low_codes {
  static constexpr int bits = static_cast<int>(C::number::bits);
  static constexpr bool as_stored = tile_facts<C>::plane_count == 1 && bits <= 4;
  static constexpr int first = as_stored ? bits * Q % 8 : 0;
  static HWY_INLINE V32 Load(const std::uint8_t* HWY_RESTRICT step) {
    if constexpr (!as_stored) return hn::BitCast(D32(), QuadCodes<C, Q>(step));
    const std::uint8_t* const plane = step + tile_facts<C>::planes[0].at;
    return hn::BitCast(D32(), hn::LoadU(D8(), plane + bits * Q / 8 * 64));
  }
};
#endif

// ---- operands ----

// What meets the words of x, for products by Dot. Make<Q>(step, to): for each word of quad Q; `step` is as for QuadCodes.
// A kernel has one object, as it may hold a table; its constructor is written out, as one that is not is of no target.
template <class C, class Dot>
class operands;

template <class C>
class operands<C, byte_dot> {
 public:
  template <int Q>
  HWY_INLINE void Make(const std::uint8_t* HWY_RESTRICT step, held<D32>* to) const {
    to[0] = hn::BitCast(D32(), ToBytes<typename C::number>(QuadCodes<C, Q>(step)));
  }
};

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
// Of more than 6 bits: the two bytes of each value are looked up by themselves.
template <class C>
class operands<C, pair_dot> {
 public:
  template <int Q>
  HWY_INLINE void Make(const std::uint8_t* HWY_RESTRICT step, held<D32>* to) const {
    using N = typename C::number;
    const hn::Repartition<std::uint16_t, D8> d;
    const V8 code = QuadCodes<C, Q>(step);
    const auto low = hn::BitCast(d, PlaneBytes<N, 2>(code)), high = hn::BitCast(d, PlaneBytes<N, 3>(code));
    to[0] = hn::BitCast(D32(), hn::OrAnd(hn::ShiftLeft<8>(high), low, hn::Set(d, 0x00ff)));
    to[1] = hn::BitCast(D32(), hn::OrAnd(hn::ShiftRight<8>(low), high, hn::Set(d, 0xff00)));
  }
};

// Up to 6 bits: a table of the values.
template <class C>
  requires(C::number::bits <= 6)
class operands<C, pair_dot> {
  low_table<C::number::bits <= 5 ? 1 : 2> table_;

 public:
  HWY_INLINE operands() : table_(repeated_bf16<typename C::number>.data()) {}
  template <int Q>
  HWY_INLINE void Make(const std::uint8_t* HWY_RESTRICT step, held<D32>* to) const {
    using codes = low_codes<C, Q>;
    const V32 code = codes::Load(step);
    to[0] = table_.Halves(hn::ShiftRight<codes::first>(code));
    to[1] = table_.Halves(hn::ShiftRight<codes::first + 8>(code));
  }
};
#endif

// Floats from each column of a quad by itself.
template <class C>
class operands<C, float_dot> {
 public:
  template <int Q>
  HWY_INLINE void Make(const std::uint8_t* HWY_RESTRICT step, held<D32>* to) const {
    const V8 quad = QuadCodes<C, Q>(step);
    Unroll<4>([&](auto c) QUERN_INLINE { to[c] = hn::BitCast(D32(), QuadColumn<typename C::number, c>(quad)); });
  }
};

// Up to 5 bits: a table of the values.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
template <class C>
  requires(C::number::bits <= 5)
class operands<C, float_dot> {
  low_table<C::number::bits <= 4 ? 1 : 2> table_;

 public:
  HWY_INLINE operands() : table_(repeated_values<typename C::number>.data()) {}
  template <int Q>
  HWY_INLINE void Make(const std::uint8_t* HWY_RESTRICT step, held<D32>* to) const {
    using codes = low_codes<C, Q>;
    const V32 code = codes::Load(step);
    Unroll<4>([&](auto c) QUERN_INLINE { to[c] = table_.Words(hn::ShiftRight<codes::first + 8 * c>(code)); });
  }
};
#endif

// More bits, where the values are bfloat16: halves of pairs.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
template <class C>
  requires(C::number::bits > 5 && has_bf16_values<typename C::number>)
class operands<C, float_dot> {
  operands<C, pair_dot> pairs_;

 public:
  HWY_INLINE operands() : pairs_() {}
  template <int Q>
  HWY_INLINE void Make(const std::uint8_t* HWY_RESTRICT step, held<D32>* to) const {
    held<D32> pair[2];
    pairs_.template Make<Q>(step, pair);
    Unroll<2>([&](auto c) QUERN_INLINE {
      to[c] = hn::ShiftLeft<16>(pair[c]);
      to[c + 2] = hn::And(pair[c], hn::Set(D32(), static_cast<std::int32_t>(0xffff0000)));
    });
  }
};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
