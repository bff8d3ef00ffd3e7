// From the codes of a run of units to their bytes, by the plan of simd/pack_plan.hpp. Knows fields, no numbers.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_PACK_RUN_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_PACK_RUN_INL_HPP_
#undef QUERN_SIMD_PACK_RUN_INL_HPP_
#else
#define QUERN_SIMD_PACK_RUN_INL_HPP_
#endif

#include <algorithm>
#include <cstring>

#include "quern/simd/pack_plan.hpp"
#include "quern/simd/unpack-inl.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/storage/codes.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

using D16Codes = hn::FixedTag<std::uint8_t, 16>;
using V16Codes = hn::Vec<D16Codes>;

// Vectors of up to as many bytes as a piece has.
template <std::size_t Width>
using DPiece = std::conditional_t<(Width > 16), hn::CappedTag<std::uint8_t, (Width > 16 ? Width : 32)>,
                                  hn::FixedTag<std::uint8_t, (Width > 16 ? 16 : Width)>>;

// The byte of five digits in base 3 that make `number` <= 242: (number * 256 + 242) / 243.
template <class V>
HWY_INLINE V TritByte(V number) {
  const hn::DFromV<V> d;
  const hn::Repartition<std::uint16_t, decltype(d)> d16;
  const auto more = [&](auto v) QUERN_INLINE {  // (v * 13 + 242) / 243
    return hn::MulHigh(hn::Add(hn::Mul(v, hn::Set(d16, 13)), hn::Set(d16, 242)), hn::Set(d16, 270));
  };
  const auto pair = hn::BitCast(d16, number);
  const auto low = more(hn::And(pair, hn::Set(d16, 255))), high = more(hn::ShiftRight<8>(pair));
  return hn::Add(number, hn::BitCast(d, hn::Or(low, hn::ShiftLeft<8>(high))));
}

// Stretch `Index` of a run: what its members hold, together, and where it does not fill the bytes, what was there.
template <class Plan, std::size_t Index, std::size_t FirstMember>
HWY_INLINE void PackStretch(const std::uint8_t* HWY_RESTRICT codes, std::uint8_t* HWY_RESTRICT out) {
  constexpr pack_stretch stretch = Plan::runs.stretches[Index];
  const DPiece<Plan::run_width> d;
  using V = hn::Vec<decltype(d)>;
  for (std::size_t j = 0; j < Plan::run_width; j += hn::Lanes(d)) {
    std::uint8_t* const to = out + stretch.byte + j;
    V byte = hn::Zero(d);
    if constexpr (stretch.digits) {
      const V before = stretch.filled == 31 ? byte : hn::LoadU(d, to);
      Unroll<5>([&](auto digit) QUERN_INLINE {
        byte = hn::Add(byte, hn::Add(byte, byte));
        if constexpr ((stretch.filled >> digit & 1) == 0) byte = hn::Add(byte, Trits(before, hn::Set(d, power_of_three(digit))));
        Unroll<static_cast<int>(stretch.members)>([&](auto m) QUERN_INLINE {
          constexpr pack_member member = Plan::runs.members[FirstMember + static_cast<std::size_t>(m)];
          if constexpr (member.digit == static_cast<unsigned>(digit)) {
            const V code = hn::LoadU(d, codes + member.first + j);
            byte = hn::Add(byte, hn::IfThenZeroElse(hn::Eq(code, hn::Set(d, 3)), code));
          }
        });
      });
      byte = TritByte(byte);
    } else {
      Unroll<static_cast<int>(stretch.members)>([&](auto m) QUERN_INLINE {
        constexpr pack_member member = Plan::runs.members[FirstMember + static_cast<std::size_t>(m)];
        constexpr held_bits held = Plan::run_type::held[member.field];
        V v = MoveBits<static_cast<int>(member.bit) - static_cast<int>(held.shift)>(
            hn::LoadU(d, codes + member.first + j));
        if constexpr (held.shift != 0 || held.width != Plan::bits)
          v = hn::And(v, hn::Set(d, static_cast<std::uint8_t>(low_bits(held.width) << member.bit)));
        byte = hn::Or(byte, v);
      });
      if constexpr (stretch.filled != 255)
        byte = hn::Or(byte, hn::And(hn::LoadU(d, to), hn::Set(d, static_cast<std::uint8_t>(~stretch.filled))));
    }
    hn::StoreU(byte, d, to);
  }
}

// The first Bytes bytes of v.
template <int Bytes>
HWY_INLINE void StoreBytes(V16Codes v, std::uint8_t* to) {
  HWY_ALIGN std::uint8_t bytes[16];
  hn::Store(v, D16Codes(), bytes);
  std::memcpy(to, bytes, Bytes);
}

// Neighbours a, b of Bits bits each in lanes of T become a | b << Width in lanes twice as wide.
template <class T, int Width>
HWY_INLINE V16Codes Join(V16Codes v) {
  const D16Codes d8;
  const hn::Repartition<T, D16Codes> d;
  constexpr int half = static_cast<int>(sizeof(T)) * 4;
  constexpr T mask = static_cast<T>((T{1} << Width) - 1);
  const auto pair = hn::BitCast(d, v);
  return hn::BitCast(d8, hn::Or(hn::And(pair, hn::Set(d, mask)), hn::And(hn::ShiftRight<half - Width>(pair),
                                                                         hn::Set(d, static_cast<T>(mask << Width)))));
}

// Byte shuffles of 16 codes: before they are joined, and after it.
template <class Plan, std::size_t Field>
struct eight_tables {
  static constexpr unsigned width = Plan::run_type::held[Field].width;
  static constexpr unsigned joined = width % 8 == 4 ? 2 : width % 4 == 2 ? 4 : 8;  // codes that fill whole bytes
  static constexpr unsigned filled = joined * width / 8;
  alignas(16) static constexpr auto order = [] {
    std::array<std::uint8_t, 16> t{};
    for (std::size_t i = 0; i < 16; ++i)
      t[i] = static_cast<std::uint8_t>(Plan::template order_of_eight<Field>[i % 8] + i / 8 * 8);
    return t;
  }();
  static constexpr bool ordered = [] {
    for (std::size_t i = 0; i < 16; ++i)
      if (order[i] != i) return true;
    return false;
  }();
  alignas(16) static constexpr auto compact = [] {
    std::array<std::uint8_t, 16> t{};
    for (std::size_t i = 0; i < 2 * width; ++i) t[i] = static_cast<std::uint8_t>(i / filled * joined + i % filled);
    return t;
  }();
};

// 16 codes into 2 * width bytes.
template <class Plan, std::size_t Field>
HWY_INLINE void PackEights(const std::uint8_t* HWY_RESTRICT codes, std::uint8_t* HWY_RESTRICT out) {
  using T = eight_tables<Plan, Field>;
  constexpr held_bits held = Plan::run_type::held[Field];
  constexpr int width = static_cast<int>(held.width);
  const D16Codes d;
  V16Codes v = hn::LoadU(d, codes);
  if constexpr (held.shift != 0 || held.width != Plan::bits)
    v = hn::And(MoveBits<-static_cast<int>(held.shift)>(v),
                hn::Set(d, static_cast<std::uint8_t>(low_bits(held.width))));
  if constexpr (T::ordered) v = hn::TableLookupBytes(v, hn::LoadU(d, T::order.data()));
  if constexpr (HWY_IS_BIG_ENDIAN) {
    HWY_ALIGN std::uint8_t bytes[16];
    hn::Store(v, d, bytes);
    for (std::size_t g = 0; g < 2; ++g) {
      std::uint64_t joined = 0;
      for (std::size_t i = 0; i < 8; ++i) joined |= std::uint64_t{bytes[8 * g + i]} << i * held.width;
      for (std::size_t b = 0; b < held.width; ++b) out[g * held.width + b] = static_cast<std::uint8_t>(joined >> 8 * b);
    }
  } else {
    v = Join<std::uint16_t, width>(v);
    if constexpr (T::joined >= 4) v = Join<std::uint32_t, 2 * width>(v);
    if constexpr (T::joined >= 8) v = Join<std::uint64_t, 4 * width>(v);
    StoreBytes<2 * width>(hn::TableLookupBytes(v, hn::LoadU(d, T::compact.data())), out);
  }
}

// One bit of each of the codes of a piece.
template <class Plan, std::size_t Field, std::size_t Width>
HWY_INLINE void PackBits(const std::uint8_t* HWY_RESTRICT codes, std::uint8_t* HWY_RESTRICT out) {
  const DPiece<Width> d;
  const auto bit = hn::Set(d, static_cast<std::uint8_t>(1u << Plan::run_type::held[Field].shift));
  for (std::size_t j = 0; j < Width; j += hn::Lanes(d))
    hn::StoreMaskBits(d, hn::TestBit(hn::LoadU(d, codes + j), bit), out + j / 8);
}

template <class Plan, std::size_t Field, class T>
HWY_INLINE void PackSpots(const T* HWY_RESTRICT codes, std::uint8_t* HWY_RESTRICT out) {
  constexpr held_bits held = Plan::run_type::held[Field];
  const spot* const spots = Plan::run_type::spots[Field].data();
  for (std::size_t i = 0; i < Plan::count; ++i) {
    if (spots[i].bit < 0) continue;
    const auto bit = static_cast<std::uint32_t>(spots[i].bit);
    std::uint8_t* const to = out + bit / 8;
    if constexpr (held.digits != 0) {
      *to = static_cast<std::uint8_t>(with_trit(*to, spots[i].digit, codes[i]));
    } else {
      const std::uint64_t mask = std::uint64_t{low_bits(held.width)} << bit % 8,
                          bits = std::uint64_t{codes[i]} >> held.shift << bit % 8 & mask;
      for (unsigned b = 0; b * 8 < bit % 8 + held.width; ++b)
        to[b] = static_cast<std::uint8_t>((to[b] & ~(mask >> 8 * b)) | bits >> 8 * b);
    }
  }
}

// Eight codes of Width bits, a byte each, one after the other.
template <unsigned Width>
HWY_INLINE std::uint64_t JoinEight(std::uint64_t v) {
  constexpr std::uint64_t ones = ~std::uint64_t{0}, bytes = ones / 0xff, pairs = ones / 0xffff, fours = ones / 0xffffffff;
  const auto join = [](std::uint64_t x, unsigned gap, std::uint64_t mask) QUERN_INLINE { return (x | x >> gap) & mask; };
  v = join(v & bytes * low_bits(Width), 8 - Width, pairs * low_bits(2 * Width));
  v = join(v, 16 - 2 * Width, fours * low_bits(4 * Width));
  return (v & 0xffffffff) | v >> 32 << 4 * Width;
}

// The same where a unit has at most 8 bytes: as one integer.
template <class Plan, std::size_t Field, class T>
HWY_INLINE void PackIntegers(const T* HWY_RESTRICT codes, std::uint8_t* HWY_RESTRICT out) {
  constexpr held_bits held = Plan::run_type::held[Field];
  constexpr const auto& spots = Plan::run_type::spots[Field];
  constexpr std::size_t size = Plan::run_type::unit_bytes;
  for (std::size_t u = 0; u < Plan::units; ++u) {
    std::uint64_t bits = 0, filled = 0;
    if constexpr (HWY_IS_LITTLE_ENDIAN && Plan::in_order(Field)) {
      filled = ~std::uint64_t{0} >> (64 - Plan::per_unit * Plan::bits);
      Unroll<static_cast<int>(ceil_div(Plan::per_unit, 8))>([&](auto i) QUERN_INLINE {
        constexpr std::size_t first = 8 * static_cast<std::size_t>(i);
        std::uint64_t eight = 0;
        std::memcpy(&eight, codes + u * Plan::per_unit + first, std::min<std::size_t>(8, Plan::per_unit - first));
        bits |= JoinEight<Plan::bits>(eight) << first * Plan::bits;
      });
    } else {
      Unroll<static_cast<int>(Plan::per_unit)>([&](auto i) QUERN_INLINE {
        if constexpr (spots[i].bit >= 0) {
          constexpr std::uint64_t mask = low_bits(held.width);
          bits |= (std::uint64_t{codes[u * Plan::per_unit + i]} >> held.shift & mask) << spots[i].bit;
          filled |= mask << spots[i].bit;
        }
      });
    }
    std::uint8_t* const to = out + u * size;
    if constexpr (HWY_IS_BIG_ENDIAN) {
      for (std::size_t b = 0; b < size; ++b)
        to[b] = static_cast<std::uint8_t>((to[b] & ~(filled >> 8 * b)) | bits >> 8 * b);
    } else {
      std::uint64_t before = 0;
      std::memcpy(&before, to, size);
      bits |= before & ~filled;
      std::memcpy(to, &bits, size);
    }
  }
}

// The codes of a run of units into its bytes. Bytes that hold nothing of them stay as they are.
template <class Plan, class T>
HWY_INLINE void PackRun(const T* HWY_RESTRICT codes, std::uint8_t* HWY_RESTRICT out) {
  if constexpr (sizeof(T) == 1) {
    Unroll<static_cast<int>(Plan::runs.count)>([&](auto s) QUERN_INLINE {
      constexpr std::size_t first = [] {
        std::size_t n = 0;
        for (std::size_t i = 0; i < static_cast<std::size_t>(decltype(s)::value); ++i)
          n += Plan::runs.stretches[i].members;
        return n;
      }();
      PackStretch<Plan, static_cast<std::size_t>(s), first>(codes, out);
    });
  }
  Unroll<static_cast<int>(Plan::fields)>([&](auto f) QUERN_INLINE {
    constexpr std::size_t field = static_cast<std::size_t>(f);
    constexpr pack_kind kind = Plan::kinds[field];
    const auto byte_of = [](std::size_t c)
                             QUERN_INLINE { return static_cast<std::size_t>(Plan::run_type::spots[field][c].bit) / 8; };
    if constexpr (kind == pack_kind::bits) {
      constexpr std::size_t width = Plan::bits_of(field);
      for (std::size_t c = 0; c < Plan::count; c += width) PackBits<Plan, field, width>(codes + c, out + byte_of(c));
    } else if constexpr (kind == pack_kind::eights) {
      Unroll<static_cast<int>(Plan::count / 16)>([&](auto g) QUERN_INLINE {
        constexpr std::size_t c = static_cast<std::size_t>(g) * 16;
        constexpr std::size_t byte = static_cast<std::size_t>(Plan::least_bit(field, c)) / 8;
        PackEights<Plan, field>(codes + c, out + byte);
      });
    } else if constexpr (kind == pack_kind::words) {
      if constexpr (HWY_IS_BIG_ENDIAN) PackSpots<Plan, field>(codes, out);
      else std::memcpy(out + byte_of(0), codes, Plan::count * sizeof(T));
    } else if constexpr (kind == pack_kind::spots) {
      if constexpr (Plan::run_type::unit_bytes <= 8 && Plan::run_type::held[field].digits == 0)
        PackIntegers<Plan, field>(codes, out);
      else PackSpots<Plan, field>(codes, out);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
