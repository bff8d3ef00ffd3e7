// From bytes to codes: the integers of one part of a codec along a row, whatever the layout. Knows fields, no numbers.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_UNPACK_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_UNPACK_INL_HPP_
#undef QUERN_SIMD_UNPACK_INL_HPP_
#else
#define QUERN_SIMD_UNPACK_INL_HPP_
#endif

#include <algorithm>
#include <cstring>
#include <numeric>

#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/simd/window.hpp"
#include "quern/storage/row_codes.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Bytes of the vectors in which codes are unpacked.
inline constexpr std::size_t kWindow = kWideShuffle ? wide : narrow;
using DWindow = hn::FixedTag<std::uint8_t, kWindow>;
using VWindow = hn::Vec<DWindow>;

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

// Codes that lie in a window: a byte shuffle, a shift of every lane, a mask.
template <class Plan, std::size_t Field, std::size_t Piece>
HWY_INLINE VWindow WindowBits(const std::uint8_t* p) {
  constexpr const auto& tables = tables_of<Plan, Field, Piece>();
  const DWindow d;
  const VWindow mask = hn::Load(d, tables.mask.data());
  const VWindow raw = hn::ResizeBitCast(d, hn::LoadU(hn::FixedTag<std::uint8_t, Plan::piece_at[Field][Piece].span>(), p));
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  const VWindow bytes = hn::TableLookupLanes(raw, hn::SetTableIndices(d, tables.index.data()));
  if constexpr (tables.shifts == window_shifts::none) return hn::And(bytes, mask);
  else return hn::And(MultiShift(bytes, hn::Load(d, tables.at.data())), mask);
#else
  if constexpr (tables.shifts == window_shifts::none) {
    return hn::And(hn::TableLookupBytes(raw, hn::Load(d, tables.index.data())), mask);
  } else {  // each code and the byte after it in 16 bits; multiplied so that it ends at the top
    const hn::Repartition<std::int16_t, DWindow> d16;
    const hn::Repartition<std::uint16_t, DWindow> du16;
    constexpr int width = static_cast<int>(Plan::places::held[Field].width);
    const auto half = [&](std::size_t h) QUERN_INLINE {
      const auto pair = hn::BitCast(du16, hn::TableLookupBytes(raw, hn::Load(d, tables.pairs.data() + 16 * h)));
      return hn::BitCast(d16, hn::ShiftRight<16 - width>(hn::Mul(pair, hn::Load(du16, tables.factor.data() + 8 * h))));
    };
    return hn::And(hn::OrderedDemote2To(d, half(0), half(1)), mask);
  }
#endif
}

// One field's bits of the codes of a piece, moved to where they belong in codes of 8 bits if Place, else at the bottom.
template <class Plan, std::size_t Field, std::size_t Piece, bool Place, class D>
HWY_INLINE hn::Vec<D> PieceBits(D d, const std::uint8_t* unit, std::size_t offset) {
  constexpr piece at = Plan::piece_at[Field][Piece];
  constexpr held_bits held = Plan::places::held[Field];
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
  const hn::CappedTag<std::uint8_t, Plan::vector> d;
  using V = hn::Vec<decltype(d)>;
  Unroll<static_cast<int>(Plan::pieces)>([&](auto b) QUERN_INLINE {
    for (std::size_t j = 0; j < Plan::width; j += hn::Lanes(d)) {
      V v = hn::Zero(d);
      Unroll<static_cast<int>(Plan::places::fields)>([&](auto f) QUERN_INLINE {
        if constexpr (Plan::piece_at[f][b].kind != piece_kind::none) v = hn::Or(v, PieceBits<Plan, f, b, true>(d, units, j));
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

// to[i] |= bits[i] << Shift
template <unsigned Shift, std::size_t Count, class T>
HWY_INLINE void OrBits(const std::uint8_t* bits, T* to) {
  const hn::CappedTag<T, std::min<std::size_t>(Count, 64 / sizeof(T))> d;
  const hn::Rebind<std::uint8_t, decltype(d)> d8;
  for (std::size_t i = 0; i < Count; i += hn::Lanes(d))
    hn::StoreU(hn::Or(hn::LoadU(d, to + i), hn::ShiftLeft<Shift>(hn::PromoteTo(d, hn::LoadU(d8, bits + i)))), d, to + i);
}

// Wider codes: field by field.
template <class Plan, class T>
HWY_INLINE void UnpackRun(const std::uint8_t* HWY_RESTRICT units, T* HWY_RESTRICT out) {
  constexpr std::size_t width = Plan::width;
  const hn::CappedTag<std::uint8_t, Plan::vector> d;
  for (std::size_t i = 0; i < Plan::places::count; ++i) out[i] = 0;
  Unroll<static_cast<int>(Plan::places::fields)>([&](auto f) QUERN_INLINE {
    constexpr held_bits held = Plan::places::held[f];
    Unroll<static_cast<int>(Plan::pieces)>([&](auto b) QUERN_INLINE {
      constexpr piece at = Plan::piece_at[f][b];
      T* const to = out + static_cast<std::size_t>(b) * width;
      if constexpr (at.kind == piece_kind::words && held.width == 16) {
        CopyWords<std::uint16_t>(units + at.byte, width, held.shift, to);
      } else if constexpr (at.kind == piece_kind::words) {
        CopyWords<std::uint32_t>(units + at.byte, width, held.shift, to);
      } else if constexpr (at.kind != piece_kind::none) {
        HWY_ALIGN std::uint8_t bits[width + 64];
        for (std::size_t j = 0; j < width; j += hn::Lanes(d)) hn::StoreU(PieceBits<Plan, f, b, false>(d, units, j), d, bits + j);
        OrBits<held.shift, width>(bits, to);
      }
    });
  });
}

// Bytes of a little-endian integer of up to 32 bits and 7 bits before it.
template <unsigned Bytes>
HWY_INLINE std::uint64_t LoadBytes(const std::uint8_t* p) {
  std::uint64_t v = 0;
  if constexpr (!HWY_IS_BIG_ENDIAN && (Bytes == 1 || Bytes == 2 || Bytes == 4)) {
    std::memcpy(&v, p, Bytes);
  } else {
    for (unsigned b = 0; b < Bytes; ++b) v |= std::uint64_t{p[b]} << 8 * b;
  }
  return v;
}

// The codes of a unit, each by itself.
template <class R, class T>
HWY_INLINE void UnpackEach(const std::uint8_t* unit, T* out) {
  Unroll<static_cast<int>(R::count)>([&](auto i) QUERN_INLINE {
    if constexpr (!HWY_IS_BIG_ENDIAN && R::fields == 1 && R::held[0].digits == 0 && R::held[0].width == 8 * sizeof(T) &&
                  R::spots[0][i].bit % 8 == 0) {
      std::memcpy(out + i, unit + R::spots[0][i].bit / 8, sizeof(T));
      return;
    }
    std::uint32_t code = 0;
    Unroll<static_cast<int>(R::fields)>([&](auto f) QUERN_INLINE {
      constexpr spot at = R::spots[f][i];
      constexpr held_bits held = R::held[f];
      if constexpr (at.bit >= 0) {
        constexpr unsigned bit = at.bit % 8;
        const std::uint64_t bytes = LoadBytes<(bit + held.width + 7) / 8>(unit + at.bit / 8);
        const std::uint32_t field = static_cast<std::uint32_t>(bytes >> bit) & low_bits(held.width);
        code |= held.digits ? trit_of(field, at.digit) : field << held.shift;
      }
    });
    out[i] = static_cast<T>(code);
  });
}

// 64 zeros: what follows the last code.
template <class T>
HWY_INLINE void EndCodes(T* end) {
  const hn::CappedTag<T, 64 / sizeof(T)> d;
  for (std::size_t i = 0; i < 64; i += hn::Lanes(d)) hn::StoreU(hn::Zero(d), d, end + i);
}

// Reads the codes of part K of a stretch of a row, at most Most of them: codes[i] is the code at column first + i of the part.
// `codes` may point into the array itself and is then not aligned. So many more codes than `count` that their number is a
// multiple of 64 can be read, too, and all of them are below 2^bits.
template <class C, std::size_t K, std::size_t Most>
class code_reader {
 public:
  using T = code_t<parts<C>[K].bits>;
  const T* codes;
  std::size_t count;

  HWY_INLINE void Read(const packed_view<C>& w, std::size_t row, std::size_t first, std::size_t codes_wanted) {
    count = codes_wanted;
    if constexpr (plan.how == reading::any) {
      codes = buffer_;
      read_codes<C, K>(w, row, first, count, buffer_);
      EndCodes(buffer_ + count);
    } else {
      const shape units = units_of<C, P::array>(w.matrix());
      const auto bytes = w.array(P::array);
      const auto* const base = reinterpret_cast<const std::uint8_t*>(bytes.data());
      const std::size_t unit_row = row / P::unit(sample).rows, unit_col = first / unit_codes, skip = first % unit_codes;
      const std::size_t needed = ceil_div(skip + count, unit_codes);
      if constexpr (gathers) {
        Gather(base, units, unit_row, unit_col, needed);
        Unpack(gathered_, sizeof(gathered_), needed, skip);
      } else {
        const std::size_t at = (unit_row * units.cols + unit_col) * unit_size;
        Unpack(base + at, bytes.size() - at, needed, skip);
      }
    }
  }

 private:
  using P = part_units<C, K>;
  using A = typename P::stored_in::arrangement;
  static constexpr row_plan plan = plan_of<C, K, kWindow>;
  static constexpr bool gathers = plan.how != reading::any && !arranged_by_rows<A>;
  // What is known when compiling, unless codes are read one by one.
  static constexpr std::size_t unit_codes = [] {
    if constexpr (P::fixed) return P::grid(sample).cols;
    else return std::size_t{1};
  }();
  static constexpr std::size_t unit_size = [] {
    if constexpr (P::fixed) return P::bytes(sample);
    else return std::size_t{1};
  }();
  static constexpr std::size_t reach = [] {
    if constexpr (plan.how == reading::pieces) return unpack_plan<C, K, kWindow>::reach;
    else return plan.units * unit_size;
  }();
  static constexpr std::size_t most_units = ceil_div(Most, unit_codes) + 2;

  // `needed` units from `from`, where `left` bytes may be read; the first `skip` codes are not wanted.
  HWY_INLINE void Unpack(const std::uint8_t* from, std::size_t left, std::size_t needed, std::size_t skip) {
    codes = buffer_ + skip;
    if constexpr (plan.how == reading::whole) {
      from += skip * sizeof(T);
      if (left / sizeof(T) >= skip + round_up(count, 64)) {
        codes = reinterpret_cast<const T*>(from);
      } else {
        codes = buffer_;
        std::memcpy(buffer_, from, count * sizeof(T));
        EndCodes(buffer_ + count);
      }
    } else if constexpr (plan.how == reading::each) {
      using R = unit_run<C, K, 1>;
      constexpr std::size_t together = 8;
      std::size_t u = 0;
      for (; u + together <= needed; u += together)
        Unroll<static_cast<int>(together)>([&](auto i) QUERN_INLINE {
          constexpr std::size_t k = i;
          UnpackEach<R>(from + (u + k) * unit_size, buffer_ + (u + k) * unit_codes);
        });
      for (; u < needed; ++u) UnpackEach<R>(from + u * unit_size, buffer_ + u * unit_codes);
      EndCodes(buffer_ + needed * unit_codes);
    } else {
      using Plan = unpack_plan<C, K, kWindow>;
      constexpr std::size_t run_bytes = Plan::places::bytes, run_codes = Plan::places::count;
      const std::size_t runs = ceil_div(needed, plan.units);
      const std::size_t direct = left < reach ? 0 : std::min(runs, (left - reach) / run_bytes + 1);
      std::size_t i = 0;
      for (; i < direct; ++i) UnpackRun<Plan>(from + i * run_bytes, buffer_ + i * run_codes);
      for (; i < runs; ++i) {  // the last units of the array
        std::uint8_t last[reach] = {};
        std::memcpy(last, from + i * run_bytes, left - i * run_bytes);
        UnpackRun<Plan>(last, buffer_ + i * run_codes);
      }
      EndCodes(buffer_ + runs * run_codes);
    }
  }

  // Brings units together whose bytes the arrangement keeps apart.
  HWY_INLINE void Gather(const std::uint8_t* base, shape units, std::size_t unit_row, std::size_t unit_col, std::size_t needed) {
    for (std::size_t u = 0; u < needed; ++u) {
      const coord at{unit_row, unit_col + u};
      std::uint8_t* const to = gathered_ + u * unit_size;
      if constexpr (requires { A::together(unit_size); }) {
        constexpr std::size_t n = A::together(unit_size);
        for (std::size_t b = 0; b < unit_size; b += n) std::memcpy(to + b, base + A::byte(at, units, b, unit_size), n);
      } else {
        for (std::size_t b = 0; b < unit_size; ++b) to[b] = base[A::byte(at, units, b, unit_size)];
      }
    }
  }

  HWY_ALIGN T buffer_[(plan.how == reading::any ? Most : (most_units + plan.units) * unit_codes) + 128];
  std::uint8_t gathered_[gathers ? most_units * unit_size + reach : 1];
};

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
