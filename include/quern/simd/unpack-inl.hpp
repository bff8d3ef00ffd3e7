// From the bytes of units to codes, by the plans of simd/window.hpp or one by one. Knows fields, no numbers.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_UNPACK_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_UNPACK_INL_HPP_
#undef QUERN_SIMD_UNPACK_INL_HPP_
#else
#define QUERN_SIMD_UNPACK_INL_HPP_
#endif

#include <algorithm>
#include <cstring>

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

// The digits of bytes in base 3, as trit_of: which third of 256 the byte lies in when it is multiplied by `power`, three to the
// digit's number, modulo 256. Bytes are multiplied in pairs, at the top of 16 bits.
template <class V>
HWY_INLINE V Trits(V bytes, V power) {
  const hn::DFromV<V> d;
  const hn::Repartition<std::uint16_t, decltype(d)> d16;
  const auto digit = [&](auto pair, auto by) QUERN_INLINE { return hn::MulHigh(hn::Mul(pair, by), hn::Set(d16, 3)); };
  const auto pairs = hn::BitCast(d16, bytes), powers = hn::BitCast(d16, power);
  const auto low = digit(pairs, hn::ShiftLeft<8>(powers)),
             high = digit(hn::ShiftRight<8>(pairs), hn::And(powers, hn::Set(d16, 0xff00)));
  return hn::BitCast(d, hn::Or(low, hn::ShiftLeft<8>(high)));
}

// store(i, codes) for i < n: codes of `Width` bits that lie in the window load(i): a byte shuffle, a shift of every lane, a mask.
template <unsigned Width, window_shifts Shifts, class Load, class Store>
HWY_INLINE void EachWindow(const window_tables<kWindow>& tables, std::size_t n, Load load, Store store) {
  const DWindow d;
  const VWindow mask = hn::Load(d, tables.mask.data());
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  const auto index = hn::SetTableIndices(d, tables.index.data());
  const VWindow at = hn::Load(d, tables.at.data());
  for (std::size_t i = 0; i < n; ++i) {
    const VWindow bytes = hn::TableLookupLanes(load(i), index);
    if constexpr (Shifts == window_shifts::none) store(i, hn::And(bytes, mask));
    else store(i, hn::And(MultiShift(bytes, at), mask));
  }
#else
  if constexpr (Shifts == window_shifts::none) {
    const VWindow index = hn::Load(d, tables.index.data());
    for (std::size_t i = 0; i < n; ++i) store(i, hn::And(hn::TableLookupBytes(load(i), index), mask));
  } else {  // each code and the byte after it in 16 bits; multiplied so that it ends at the top
    const hn::Repartition<std::int16_t, DWindow> d16;
    const hn::Repartition<std::uint16_t, DWindow> du16;
    const VWindow pairs0 = hn::Load(d, tables.pairs.data()), pairs1 = hn::Load(d, tables.pairs.data() + 16);
    const auto factor0 = hn::Load(du16, tables.factor.data()), factor1 = hn::Load(du16, tables.factor.data() + 8);
    const auto half = [&](VWindow raw, VWindow pairs, auto factor) QUERN_INLINE {
      const auto moved = hn::Mul(hn::BitCast(du16, hn::TableLookupBytes(raw, pairs)), factor);
      return hn::BitCast(d16, hn::ShiftRight<16 - static_cast<int>(Width)>(moved));
    };
    for (std::size_t i = 0; i < n; ++i) {
      const VWindow raw = load(i);
      store(i, hn::And(hn::OrderedDemote2To(d, half(raw, pairs0, factor0), half(raw, pairs1, factor1)), mask));
    }
  }
#endif
}
template <unsigned Width, window_shifts Shifts>
HWY_INLINE VWindow WindowBits(VWindow raw, const window_tables<kWindow>& tables) {
  VWindow codes = raw;
  EachWindow<Width, Shifts>(
      tables, 1, [&](std::size_t) QUERN_INLINE { return raw; },
      [&](std::size_t, VWindow v) QUERN_INLINE { codes = v; });
  return codes;
}

// One field's bits of the codes of a piece, moved to where they belong in codes of 8 bits if Place, else at the bottom.
template <class Plan, std::size_t Field, std::size_t Piece, bool Place, class D>
HWY_INLINE hn::Vec<D> PieceBits(D d, const std::uint8_t* unit, std::size_t offset) {
  constexpr piece at = Plan::piece_at[Field][Piece];
  constexpr held_bits held = Plan::places::held[Field];
  constexpr int shift = Place ? static_cast<int>(held.shift) : 0;
  const std::uint8_t* const p = unit + at.byte + offset;
  if constexpr (at.kind == piece_kind::run && held.digits != 0) {
    return Trits(hn::LoadU(d, p), hn::Set(d, power_of_three(at.digit)));
  } else if constexpr (at.kind == piece_kind::run) {
    const hn::Vec<D> raw = hn::LoadU(d, p);
    if constexpr (held.width == 8) return raw;
    else
      return hn::And(MoveBits<shift - static_cast<int>(at.bit)>(raw),
                     hn::Set(d, static_cast<std::uint8_t>(low_bits(held.width) << shift)));
  } else if constexpr (at.kind == piece_kind::window) {
    constexpr const auto& tables = tables_of<Plan, Field, Piece>();
    const VWindow raw = hn::ResizeBitCast(DWindow(), hn::LoadU(hn::FixedTag<std::uint8_t, at.span>(), p));
    if constexpr (held.digits != 0)
      return hn::And(Trits(WindowBits<8, window_shifts::none>(raw, tables), hn::Load(DWindow(), tables.at.data())),
                     hn::Load(DWindow(), tables.mask.data()));
    else return MoveBits<shift>(WindowBits<held.width, tables.shifts>(raw, tables));
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
        if constexpr (Plan::piece_at[f][b].kind != piece_kind::none)
          v = hn::Or(v, PieceBits<Plan, f, b, true>(d, units, j));
      });
      hn::StoreU(v, d, out + static_cast<std::size_t>(b) * Plan::width + j);
    }
  });
}

// to[i] |= word i << Shift, of little-endian words of 8, 16 or 32 bits
template <class Word, unsigned Shift, std::size_t Count, class T>
HWY_INLINE void OrWords(const std::uint8_t* words, T* to) {
  if constexpr (HWY_IS_BIG_ENDIAN && sizeof(Word) > 1) {
    for (std::size_t i = 0; i < Count; ++i) {
      std::uint32_t v = 0;
      for (std::size_t b = 0; b < sizeof(Word); ++b) v |= std::uint32_t{words[i * sizeof(Word) + b]} << 8 * b;
      to[i] = static_cast<T>(to[i] | v << Shift);
    }
  } else {
    const hn::CappedTag<T, std::min<std::size_t>(Count, 64 / sizeof(T))> d;
    const hn::Rebind<Word, decltype(d)> dw;
    for (std::size_t i = 0; i < Count; i += hn::Lanes(d)) {
      const auto word = hn::LoadU(dw, reinterpret_cast<const Word*>(words + i * sizeof(Word)));
      if constexpr (sizeof(Word) == sizeof(T))
        hn::StoreU(hn::Or(hn::LoadU(d, to + i), hn::ShiftLeft<Shift>(word)), d, to + i);
      else hn::StoreU(hn::Or(hn::LoadU(d, to + i), hn::ShiftLeft<Shift>(hn::PromoteTo(d, word))), d, to + i);
    }
  }
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
        OrWords<std::uint16_t, held.shift, width>(units + at.byte, to);
      } else if constexpr (at.kind == piece_kind::words) {
        OrWords<std::uint32_t, held.shift, width>(units + at.byte, to);
      } else if constexpr (at.kind != piece_kind::none) {
        HWY_ALIGN std::uint8_t bits[width + 64];
        for (std::size_t j = 0; j < width; j += hn::Lanes(d))
          hn::StoreU(PieceBits<Plan, f, b, false>(d, units, j), d, bits + j);
        OrWords<std::uint8_t, held.shift, width>(bits, to);
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

// Codes of one row of `runs` runs of units with several rows, run_step bytes apart, by the tables of that row.
template <class Plan>
HWY_INLINE void UnpackRowRuns(const std::uint8_t* HWY_RESTRICT from, std::size_t run_step, std::size_t runs,
                              std::size_t row, std::uint8_t* HWY_RESTRICT out) {
  const DWindow d;
  Unroll<static_cast<int>(Plan::pieces)>([&](auto b) QUERN_INLINE {
    Unroll<static_cast<int>(Plan::places::fields)>([&](auto f) QUERN_INLINE {
      constexpr held_bits held = Plan::places::held[f];
      const row_window<kWindow>& window = Plan::windows[row][f][b];
      const auto load = [&](std::size_t run) QUERN_INLINE {
        return hn::LoadU(d, from + run * run_step + window.byte);
      };
      // `codes`: of so many runs, from this one.
      const auto store = [&](auto stored, std::size_t run, VWindow codes) QUERN_INLINE {
        std::uint8_t* const to = out + run * Plan::places::count + static_cast<std::size_t>(b) * Plan::width;
        auto v = hn::ResizeBitCast(stored, MoveBits<static_cast<int>(held.shift)>(codes));
        if constexpr (f > 0) v = hn::Or(v, hn::LoadU(stored, to));
        hn::StoreU(v, stored, to);
      };
      std::size_t done = 0;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
      if constexpr (Plan::together > 1) {
        const auto index = hn::SetTableIndices(d, window.tables.index.data());
        const VWindow at = hn::Load(d, window.tables.at.data()), mask = hn::Load(d, window.tables.mask.data());
        for (; done + Plan::together <= runs; done += Plan::together) {
          VWindow bytes = hn::TwoTablesLookupLanes(d, load(done), load(done + 1), index);
          if constexpr (Plan::together == 4)
            bytes = hn::ConcatUpperLower(d, hn::TwoTablesLookupLanes(d, load(done + 2), load(done + 3), index), bytes);
          store(d, done, hn::And(MultiShift(bytes, at), mask));
        }
      }
#endif
      EachWindow<held.width, window_shifts::words>(
          window.tables, runs - done, [&](std::size_t i) QUERN_INLINE { return load(done + i); },
          [&](std::size_t i, VWindow codes) QUERN_INLINE {
            store(hn::FixedTag<std::uint8_t, Plan::width>(), done + i, codes);
          });
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
