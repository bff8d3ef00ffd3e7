// From bytes to codes: the integers of one part of a codec along a row, whatever the layout. Knows fields, no numbers.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_UNPACK_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_UNPACK_INL_HPP_
#undef QUERN_SIMD_UNPACK_INL_HPP_
#else
#define QUERN_SIMD_UNPACK_INL_HPP_
#endif

#include <cstring>

#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/simd/window.hpp"
#include "quern/storage/row_codes.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

using DBytes = hn::FixedTag<std::uint8_t, 16>;
using VBytes = hn::Vec<DBytes>;

// Left when positive. Bits that cross into the next byte must be masked by the caller.
template <int Shift, class V>
HWY_INLINE V MoveBits(V v) {
  const hn::DFromV<V> d;
  const hn::Repartition<std::uint16_t, decltype(d)> d16;
  if constexpr (Shift > 0) return hn::BitCast(d, hn::ShiftLeft<Shift>(hn::BitCast(d16, v)));
  else if constexpr (Shift < 0) return hn::BitCast(d, hn::ShiftRight<-Shift>(hn::BitCast(d16, v)));
  else return v;
}

// Digit Digit of bytes in base 3, as trit_of: multiplied by 3^Digit modulo 256, the digit is which third the byte lies in.
template <int Digit, class V>
HWY_INLINE V Trits(V v) {
  const hn::DFromV<V> d;
  for (int i = 0; i < Digit; ++i) v = hn::Add(v, hn::Add(v, v));
  const V one = hn::Set(d, 1);
  return hn::Add(hn::IfThenElseZero(hn::Gt(v, hn::Set(d, 85)), one), hn::IfThenElseZero(hn::Gt(v, hn::Set(d, 170)), one));
}

// 16 codes that lie in a window of 16 bytes: a byte shuffle, a shift of every lane, a mask.
template <class Plan, std::size_t Field, std::size_t Piece>
HWY_INLINE VBytes WindowBits(const std::uint8_t* p) {
  using W = window<Plan, Field, Piece>;
  const DBytes d;
  const VBytes raw = hn::LoadU(d, p);
  const VBytes mask = hn::LoadU(d, W::tables.mask.data());
  if constexpr (W::tables.shifts == window_shifts::none) {
    return hn::And(hn::TableLookupBytes(raw, hn::LoadU(d, W::tables.index.data())), mask);
  } else if constexpr (kMultiShift && W::tables.shifts == window_shifts::words) {
    return hn::And(MultiShift(hn::TableLookupBytes(raw, hn::LoadU(d, W::tables.index.data())), hn::LoadU(d, W::tables.at.data())), mask);
  } else {  // each code and the byte after it in 16 bits; multiplied so that it ends at the top
    const hn::Repartition<std::int16_t, DBytes> d16;
    const hn::Repartition<std::uint16_t, DBytes> du16;
    constexpr int width = static_cast<int>(Plan::run_type::held[Field].width);
    const auto half = [&](std::size_t h) QUERN_INLINE {
      const auto pair = hn::BitCast(du16, hn::TableLookupBytes(raw, hn::LoadU(d, W::tables.pairs.data() + 16 * h)));
      return hn::BitCast(d16, hn::ShiftRight<16 - width>(hn::Mul(pair, hn::LoadU(du16, W::tables.factor.data() + 8 * h))));
    };
    return hn::And(hn::OrderedDemote2To(d, half(0), half(1)), mask);
  }
}

// One field's bits of the codes of a piece, moved to where they belong in codes of 8 bits if Place, else at the bottom.
template <class Plan, std::size_t Field, std::size_t Piece, bool Place, class D>
HWY_INLINE hn::Vec<D> PieceBits(D d, const std::uint8_t* unit, std::size_t offset) {
  constexpr piece at = Plan::template piece_of<Field, Piece>;
  constexpr held_bits held = Plan::run_type::held[Field];
  constexpr int shift = Place ? static_cast<int>(held.shift) : 0;
  const std::uint8_t* const p = unit + at.byte + offset;
  if constexpr (at.kind == piece_kind::run && held.digits != 0) {
    return Trits<static_cast<int>(at.digit)>(hn::LoadU(d, p));
  } else if constexpr (at.kind == piece_kind::run) {
    const hn::Vec<D> raw = hn::LoadU(d, p);
    if constexpr (held.width == 8) return raw;
    else return hn::And(MoveBits<shift - static_cast<int>(at.bit)>(raw), hn::Set(d, static_cast<std::uint8_t>(low_bits(held.width) << shift)));
  } else if constexpr (at.kind == piece_kind::window) {
    return MoveBits<shift>(WindowBits<Plan, Field, Piece>(p));
  } else {
    return hn::Zero(d);
  }
}

// Codes of up to 8 bits: all fields of a piece meet in a register.
template <class Plan>
HWY_INLINE void UnpackRun(const std::uint8_t* HWY_RESTRICT units, std::uint8_t* HWY_RESTRICT out) {
  using D = std::conditional_t<Plan::width >= 64, hn::CappedTag<std::uint8_t, 64>,
                               std::conditional_t<Plan::width == 32, hn::CappedTag<std::uint8_t, 32>, DBytes>>;
  const D d;
  Unroll<static_cast<int>(Plan::pieces)>([&](auto b) QUERN_INLINE {
    for (std::size_t j = 0; j < Plan::width; j += hn::Lanes(d)) {
      hn::Vec<D> v = hn::Zero(d);
      Unroll<static_cast<int>(Plan::run_type::fields)>([&](auto f) QUERN_INLINE {
        if constexpr (Plan::template piece_of<f, b>.kind != piece_kind::none) v = hn::Or(v, PieceBits<Plan, f, b, true>(d, units, j));
      });
      hn::StoreU(v, d, out + static_cast<std::size_t>(b) * Plan::width + j);
    }
  });
}

// Whole codes of 16 or 32 bits, one after the other, into codes of type T.
template <class Word, class T>
HWY_INLINE void CopyWords(const std::uint8_t* p, std::size_t count, unsigned shift, T* out) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t v = 0;
    for (std::size_t b = 0; b < sizeof(Word); ++b) v |= std::uint32_t{p[i * sizeof(Word) + b]} << 8 * b;
    out[i] = static_cast<T>(out[i] | v << shift);
  }
}

// Wider codes: field by field.
template <class Plan, class T>
HWY_INLINE void UnpackRun(const std::uint8_t* HWY_RESTRICT units, T* HWY_RESTRICT out) {
  constexpr std::size_t width = Plan::width;
  for (std::size_t i = 0; i < Plan::run_type::count; ++i) out[i] = 0;
  Unroll<static_cast<int>(Plan::run_type::fields)>([&](auto f) QUERN_INLINE {
    constexpr held_bits held = Plan::run_type::held[f];
    Unroll<static_cast<int>(Plan::pieces)>([&](auto b) QUERN_INLINE {
      constexpr piece at = Plan::template piece_of<f, b>;
      T* const to = out + static_cast<std::size_t>(b) * width;
      if constexpr (at.kind == piece_kind::words && held.width == 16) {
        CopyWords<std::uint16_t>(units + at.byte, width, held.shift, to);
      } else if constexpr (at.kind == piece_kind::words) {
        CopyWords<std::uint32_t>(units + at.byte, width, held.shift, to);
      } else if constexpr (at.kind != piece_kind::none) {
        HWY_ALIGN std::uint8_t bits[width + 16];
        for (std::size_t j = 0; j < width; j += 16) hn::StoreU(PieceBits<Plan, f, b, false>(DBytes(), units, j), DBytes(), bits + j);
        for (std::size_t i = 0; i < width; ++i) to[i] = static_cast<T>(to[i] | static_cast<std::uint32_t>(bits[i]) << held.shift);
      }
    });
  });
}

// Codes that a buffer for `count` codes of part K must have room for.
template <class C, std::size_t K>
constexpr std::size_t code_room(std::size_t count) {
  constexpr row_plan plan = plan_of<C, K>;
  if constexpr (plan.width == 0) return count + 64;
  else return count + part_units<C, K>::grid(sample).cols * (plan.units + 1) + 64;
}

// The codes of part K from column `first` of the part, for row `row` of the matrix; `buffer` has code_room<C, K>(count) codes.
// Returns where they are: 16 readable codes follow the last one, all below 2^bits if the buffer was zero at first.
template <class C, std::size_t K, std::size_t MostCount, class T>
HWY_INLINE const T* Codes(const packed_view<C>& w, std::size_t row, std::size_t first, std::size_t count, T* buffer) {
  constexpr row_plan chosen = plan_of<C, K>;
  if constexpr (chosen.width == 0) {
    read_codes<C, K>(w, row, first, count, buffer);
    return buffer;
  } else {
    using Plan = unpack_plan<C, K>;
    using P = part_units<C, K>;
    using A = typename P::stored_in::arrangement;
    constexpr std::size_t size = Plan::run_type::unit_bytes, per_unit = Plan::run_type::per_unit;
    const shape units = units_of<C, P::array>(w.matrix());
    const auto bytes = w.array(P::array);
    const auto* const base = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const std::size_t unit_row = row / P::unit(sample).rows, unit_col = first / per_unit, skip = first % per_unit;
    const std::size_t needed = ceil_div(skip + count, per_unit);
    const std::uint8_t* from;
    std::size_t left;  // bytes that may be read
    constexpr std::size_t most_units = arranged_by_rows<A> ? 0 : ceil_div(MostCount, per_unit) + 1;
    std::uint8_t gathered[most_units * size + Plan::reach + 1];
    if constexpr (arranged_by_rows<A>) {
      const std::size_t at = (unit_row * units.cols + unit_col) * size;
      from = base + at;
      left = bytes.size() - at;
    } else {
      for (std::size_t u = 0; u < needed; ++u) {
        if constexpr (requires { A::together(size); }) {
          constexpr std::size_t n = A::together(size);
          for (std::size_t b = 0; b < size; b += n) std::memcpy(gathered + u * size + b, base + A::byte({unit_row, unit_col + u}, units, b, size), n);
        } else {
          for (std::size_t b = 0; b < size; ++b) gathered[u * size + b] = base[A::byte({unit_row, unit_col + u}, units, b, size)];
        }
      }
      from = gathered;
      left = sizeof(gathered);
    }
    T* to = buffer;
    for (std::size_t u = 0; u < needed; u += chosen.units) {
      if (left >= Plan::reach) {
        UnpackRun<Plan>(from, to);
      } else {  // the last units of the array
        std::uint8_t last[Plan::reach] = {};
        std::memcpy(last, from, left);
        UnpackRun<Plan>(last, to);
      }
      from += Plan::run_type::bytes;
      left = left > Plan::run_type::bytes ? left - Plan::run_type::bytes : 0;
      to += Plan::run_type::count;
    }
    return buffer + skip;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
