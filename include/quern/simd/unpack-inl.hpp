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

// Codes [first, first + count) of part K of a row, where units have one code in each row.
template <class C, std::size_t K, class T>
HWY_INLINE void ReadColumns(const packed_view<C>& w, std::size_t row, std::size_t first, std::size_t count,
                            T* HWY_RESTRICT out) {
  using R = unit_run<C, K, 1>;
  using P = typename R::P;
  using A = typename P::stored_in::arrangement;
  constexpr std::size_t unit_rows = P::unit(sample).rows, size = R::unit_bytes;
  const shape units = units_of<C, P::array>(w.matrix());
  const auto* const base = reinterpret_cast<const std::uint8_t*>(w.array(P::array).data());
  const std::size_t step = A::byte({0, 1}, units, 0, size) - A::byte({0, 0}, units, 0, size);
  Unroll<static_cast<int>(R::fields)>([&](auto f) QUERN_INLINE {
    constexpr held_bits held = R::held[f];
    constexpr unsigned width = held.width, most = (width + 14) / 8;
    const spot at = column_spots<C, K>[row % unit_rows / P::facts.region.rows][f];
    const auto bit = static_cast<unsigned>(at.bit), shift = bit % 8, needed = (shift + width + 7) / 8;
    const std::uint8_t* p[most];  // its bytes
    for (unsigned b = 0; b < most; ++b)
      p[b] = base + A::byte({row / unit_rows, first}, units, bit / 8 + (b < needed ? b : 0), size);
    const auto read = [&](auto load) QUERN_INLINE {
      for (std::size_t i = 0; i < count; ++i) {
        std::uint32_t code = at.bit < 0 ? 0 : static_cast<std::uint32_t>(load(i * step) >> shift) & low_bits(width);
        code = held.digits ? trit_of(code, at.digit) : code << held.shift;
        out[i] = static_cast<T>(f == 0 ? code : out[i] | code);
      }
    };
    if constexpr (width == 16 && !HWY_IS_BIG_ENDIAN) {
      if (shift == 0 && p[1] == p[0] + 1) {
        read([&](std::size_t i) QUERN_INLINE { return LoadBytes<2>(p[0] + i); });
        return;
      }
    }
    if (needed == 1) read([&](std::size_t i) QUERN_INLINE { return std::uint64_t{p[0][i]}; });
    else
      read([&](std::size_t i) QUERN_INLINE {
        std::uint64_t v = 0;
        for (unsigned b = 0; b < most; ++b) v |= b < needed ? std::uint64_t{p[b][i]} << 8 * b : 0;
        return v;
      });
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

// out[i] = bits `held` of code i, which begin at bit `bit` of byte in[i], i < n; or, unless the codes are empty yet, joined to
// those that are there. Up to 63 codes more may be written.
HWY_INLINE void OrByteBits(const std::uint8_t* in, int bit, slice held, std::size_t n, bool empty, std::uint8_t* out) {
  const hn::CappedTag<std::uint8_t, 64> d;
  const auto mask = hn::Set(d, static_cast<std::uint8_t>(low_bits(held.width)));
  for (std::size_t j = 0; j < n; j += hn::Lanes(d)) {
    const auto raw = n - j >= hn::Lanes(d) ? hn::LoadU(d, in + j) : hn::LoadN(d, in + j, n - j);
    const auto bits = hn::ShiftLeftSame(hn::And(hn::ShiftRightSame(raw, bit), mask), static_cast<int>(held.shift));
    hn::StoreU(empty ? bits : hn::Or(bits, hn::LoadU(d, out + j)), d, out + j);
  }
}

// The same of little-endian words of 32 bits, to codes of up to 16 bits.
template <class T>
HWY_INLINE void OrWordBits(const std::uint8_t* in, int bit, unsigned width, unsigned shift, std::size_t n, bool empty,
                           T* out) {
  constexpr std::size_t words = 4 / sizeof(T);  // vectors of words for one of codes
  const hn::CappedTag<std::uint8_t, 64> d8;
  const hn::Repartition<T, decltype(d8)> d;
  const hn::Repartition<std::uint16_t, decltype(d8)> d16;
  const hn::Repartition<std::uint32_t, decltype(d8)> d32;
  const auto mask = hn::Set(d, static_cast<T>(low_bits(width)));
  const std::size_t bytes = hn::Lanes(d8), lanes = hn::Lanes(d);
  const auto unpack = [&](std::size_t j, auto load) QUERN_INLINE {
    const auto word = [&](std::size_t k) QUERN_INLINE {
      auto raw = hn::BitCast(d32, load(4 * j + k * bytes));
      if constexpr (HWY_IS_BIG_ENDIAN) raw = hn::ReverseLaneBytes(raw);
      return hn::ShiftRightSame(raw, bit);
    };
    auto v = hn::Zero(d);
    if constexpr (words == 2) v = hn::OrderedTruncate2To(d, word(0), word(1));
    else
      v = hn::OrderedTruncate2To(d, hn::OrderedTruncate2To(d16, word(0), word(1)),
                                 hn::OrderedTruncate2To(d16, word(2), word(3)));
    v = hn::ShiftLeftSame(hn::And(v, mask), static_cast<int>(shift));
    hn::StoreU(empty ? v : hn::Or(v, hn::LoadU(d, out + j)), d, out + j);
  };
  std::size_t j = 0;
  for (; j + lanes <= n; j += lanes)
    unpack(j, [&](std::size_t byte) QUERN_INLINE { return hn::LoadU(d8, in + byte); });
  if (j < n)
    unpack(j, [&](std::size_t byte) QUERN_INLINE {
      return byte < 4 * n ? hn::LoadN(d8, in + byte, std::min(4 * n - byte, bytes)) : hn::Zero(d8);
    });
}

// Row i of `to`, rows `pitch` bytes apart, = word i of a, b, c, e.
template <class D>
HWY_INLINE void TransposeWords(D d, const std::uint8_t* pa, const std::uint8_t* pb, const std::uint8_t* pc,
                               const std::uint8_t* pe, std::uint8_t* to, std::size_t pitch) {
  const hn::Repartition<std::uint64_t, D> d64;
  const hn::Repartition<std::uint8_t, D> d8;
  const auto load = [&](const std::uint8_t* p) QUERN_INLINE { return hn::BitCast(d, hn::LoadU(d8, p)); };
  const auto a = load(pa), b = load(pb), c = load(pc), e = load(pe);
  const auto ab = hn::BitCast(d64, hn::InterleaveLower(d, a, b)), ce = hn::BitCast(d64, hn::InterleaveLower(d, c, e));
  const auto AB = hn::BitCast(d64, hn::InterleaveUpper(d, a, b)), CE = hn::BitCast(d64, hn::InterleaveUpper(d, c, e));
  const auto put = [&](auto v, std::size_t row) QUERN_INLINE {
    Unroll<static_cast<int>(hn::MaxLanes(d) / 4)>([&](auto block) QUERN_INLINE {
      hn::StoreU(hn::ExtractBlock<block>(hn::BitCast(d8, v)), hn::FixedTag<std::uint8_t, 16>(),
                 to + (static_cast<std::size_t>(block) * 4 + row) * pitch);
    });
  };
  put(hn::InterleaveLower(d64, ab, ce), 0);
  put(hn::InterleaveUpper(d64, ab, ce), 1);
  put(hn::InterleaveLower(d64, AB, CE), 2);
  put(hn::InterleaveUpper(d64, AB, CE), 3);
}

// Codes [first, first + count) of part K of a row, where its fields promise neighbours.
template <class C, std::size_t K>
HWY_INLINE void ReadNeighbours(const packed_view<C>& w, std::size_t row, std::size_t first, std::size_t count,
                               std::uint8_t* out) {
  using P = part_units<C, K>;
  const shape matrix = w.matrix(), unit = P::unit(matrix), grid = P::grid(matrix),
              units = units_of<C, P::array>(matrix);
  const std::size_t size = P::bytes(matrix), grid_row = row % unit.rows / P::region(matrix).rows;
  const auto* const base = reinterpret_cast<const std::uint8_t*>(w.array(P::array).data());
  const run r{grid.count(), P::facts.bits};
  for (std::size_t done = 0; done < count;) {
    const std::size_t unit_col = (first + done) / grid.cols, col = (first + done) % grid.cols;
    const std::size_t position = grid_row * grid.cols + col, end = std::min(count, done + grid.cols - col);
    const std::uint8_t* const from = base + (row / unit.rows * units.cols + unit_col) * size;
    bool empty = true;
    walk_unit<C, P::array>(P::fixed ? sample : matrix, [&]<class, class F>(std::size_t byte) HWY_ATTR {
      if constexpr (F::what == P::facts.what) {
        const slice held = F::holds(r);
        for (std::size_t i = done; i < end;) {
          const std::size_t p = position + i - done;
          const place at = F::at(p, r);
          std::size_t n = end - i;
          if constexpr (neighbourly_field<F>) {
            n = std::min(n, F::neighbours(p, r));
            OrByteBits(from + byte + at.bit / 8, static_cast<int>(at.bit % 8), held, n, empty, out + i);
          } else {
            n = std::min(n, F::word_neighbours(p, r));
            OrWordBits(from + byte + at.bit / 32 * 4, static_cast<int>(at.bit % 32), held.width, held.shift, n, empty,
                       out + i);
          }
          i += n;
        }
        empty = false;
      }
    });
    done = end;
  }
}

// 64 zeros: what follows the last code.
template <class T>
HWY_INLINE void EndCodes(T* end) {
  const hn::CappedTag<T, 64 / sizeof(T)> d;
  for (std::size_t i = 0; i < 64; i += hn::Lanes(d)) hn::StoreU(hn::Zero(d), d, end + i);
}

// Reads the codes of part K of a stretch of columns, at most Most codes of the part, row by row of at most Rows rows:
//   reader.Start(w, row, rows, first, count); reader.Read(w, row); ... reader.Read(w, row + rows - 1);
// codes[i] is then the code at column first + i of the part. `codes` may point into the array itself and is then not aligned.
// So many more codes than `count` that their number is a multiple of 64 can be read, too, and all of them are below 2^bits.
template <class C, std::size_t K, std::size_t Most, std::size_t Rows>
class code_reader {
  using P = part_units<C, K>;
  using A = typename P::stored_in::arrangement;
  static constexpr row_plan plan = plan_of<C, K, kWindow>;
  static constexpr bool by_units = plan.how == reading::each || plan.how == reading::pieces ||
                                   plan.how == reading::rows || plan.how == reading::row_runs ||
                                   plan.how == reading::whole;
  static constexpr bool known = by_units || plan.how == reading::columns;
  // What is known when compiling, if codes are read by units or columns.
  static constexpr std::size_t unit_rows = known ? P::unit(sample).rows : 1,
                               unit_codes = known ? P::grid(sample).cols : 1;
  static constexpr std::size_t unit_size = known ? P::bytes(sample) : 1;
  static constexpr std::size_t reach = [] {
    if constexpr (plan.how == reading::pieces) return unpack_plan<C, K, kWindow>::reach;
    else if constexpr (plan.how == reading::rows) return row_unpack_plan<C, K, kWindow>::reach;
    else return plan.units * unit_size;
  }();
  static constexpr bool in_words =
      bytes_together<A>(unit_size) == 4 && arranged_regularly<A>;  // that a transpose brings together
  static constexpr std::size_t most_unit_rows = ceil_div(Rows, unit_rows) + 1;
  // Whether columns of units, which have one code in each row, can be read as words that hold whole codes.
  static constexpr bool columns_in_words = [] {
    if constexpr (plan.how == reading::columns && P::facts.bits <= 16 && !arranged_by_rows<A>) {
      using R = unit_run<C, K, 1>;
      bool ok = bytes_together<A>(unit_size) == unit_size && (unit_size % 4 == 0 || 4 % unit_size == 0);
      for (const auto& row : column_spots<C, K>)
        for (std::size_t f = 0; f < R::fields; ++f)
          ok = ok && R::held[f].digits == 0 && row[f].bit >= 0 &&
               static_cast<unsigned>(row[f].bit) % 32 + R::held[f].width <= 32;
      return ok;
    }
    return false;
  }();
  // Rows of units that are transposed at a time.
  static constexpr std::size_t many_rows = std::min<std::size_t>(kLanes, std::bit_floor(most_unit_rows - 1));
  static constexpr std::size_t most_units = ceil_div(Most, unit_codes) + 2;
  static constexpr std::size_t most_words = round_up(most_unit_rows * unit_size / 4 + 2, 4);  // of a column
  // Of unit rows, or of words of columns, that are brought together.
  static constexpr std::size_t pitch = round_up(most_units * (by_units ? unit_size : 4), 64);

 public:
  // Whether units are brought together before they are unpacked: where several are unpacked at once, or for several rows, and
  // they do not lie so already.
  static constexpr bool gathers =
      by_units && !arranged_by_rows<A> &&
      !(arranged_regularly<A> && bytes_together<A>(unit_size) == unit_size && plan.units == 1 && unit_rows == 1);
  // Rows that are best read together, since they share cache lines.
  static constexpr std::size_t panel = columns_in_words      ? 16
                                       : gathers && in_words ? std::max<std::size_t>(16, 4 * unit_rows)
                                       : by_units            ? unit_rows
                                                             : 1;
  using T = code_t<parts<C>[K].bits>;
  const T* codes;
  std::size_t count;

  HWY_INLINE void Start(const packed_view<C>& w, std::size_t row, std::size_t rows, std::size_t first,
                        std::size_t wanted) {
    first_ = first, count = wanted;
    if constexpr (gathers) {
      first_unit_row_ = row / unit_rows;
      Gather(w, row / unit_rows, (row + rows - 1) / unit_rows + 1, first / unit_codes,
             ceil_div(first % unit_codes + count, unit_codes));
    } else if constexpr (columns_in_words) {
      GatherColumns(w, row, rows);
    }
  }

  HWY_INLINE void Read(const packed_view<C>& w, std::size_t row) {
    codes = buffer_;
    if constexpr (plan.how == reading::any) {
      read_codes<C, K>(w, row, first_, count, buffer_);
    } else if constexpr (plan.how == reading::columns) {
      if (!ReadWords(row)) ReadColumns<C, K>(w, row, first_, count, buffer_);
    } else if constexpr (plan.how == reading::neighbours) {
      ReadNeighbours<C, K>(w, row, first_, count, buffer_);
    } else if constexpr (gathers) {
      const std::size_t at = (row / unit_rows - first_unit_row_) * pitch;
      Unpack(gathered_ + at, sizeof(gathered_) - at, unit_size, row);
    } else {
      const shape units = units_of<C, P::array>(w.matrix());
      const auto bytes = w.array(P::array);
      const std::size_t at = A::byte({row / unit_rows, first_ / unit_codes}, units, 0, unit_size);
      const std::size_t step =
          arranged_by_rows<A> ? unit_size : A::byte({0, 1}, units, 0, unit_size) - A::byte({0, 0}, units, 0, unit_size);
      Unpack(reinterpret_cast<const std::uint8_t*>(bytes.data()) + at, bytes.size() - at, step, row);
    }
    if constexpr (!by_units) EndCodes(buffer_ + count);
  }

 private:
  // From units `step` bytes apart, the first of them at `from`, where `left` bytes may be read.
  HWY_INLINE void Unpack(const std::uint8_t* from, std::size_t left, std::size_t step,
                         [[maybe_unused]] std::size_t row) {
    const std::size_t skip = first_ % unit_codes, needed = ceil_div(skip + count, unit_codes);
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
    } else if constexpr (plan.how == reading::row_runs) {
      const std::uint8_t* const in_unit = from + RowRun(row % unit_rows / P::facts.region.rows);
      for (std::size_t u = 0; u < needed; ++u) std::memcpy(buffer_ + u * unit_codes, in_unit + u * step, unit_codes);
      EndCodes(buffer_ + needed * unit_codes);
    } else if constexpr (plan.how == reading::each) {
      using R = unit_run<C, K, 1>;
      constexpr std::size_t together = 8;
      std::size_t u = 0;
      for (; u + together <= needed; u += together)
        Unroll<static_cast<int>(together)>([&](auto i) QUERN_INLINE {
          constexpr std::size_t k = i;
          UnpackEach<R>(from + (u + k) * step, buffer_ + (u + k) * unit_codes);
        });
      for (; u < needed; ++u) UnpackEach<R>(from + u * step, buffer_ + u * unit_codes);
      EndCodes(buffer_ + needed * unit_codes);
    } else {
      const std::size_t run_step = plan.units == 1 ? step : plan.units * unit_size, runs = ceil_div(needed, plan.units);
      constexpr std::size_t run_codes = plan.units * unit_codes;
      [[maybe_unused]] const std::size_t grid_row = row % unit_rows / P::facts.region.rows;
      const auto unpack = [&](const std::uint8_t* p, std::size_t i, std::size_t n) QUERN_INLINE {
        if constexpr (plan.how == reading::pieces)
          for (std::size_t k = 0; k < n; ++k)
            UnpackRun<unpack_plan<C, K, kWindow>>(p + k * run_step, buffer_ + (i + k) * run_codes);
        else UnpackRowRuns<row_unpack_plan<C, K, kWindow>>(p, run_step, n, grid_row, buffer_ + i * run_codes);
      };
      std::size_t direct = runs;  // are read where they are
      if (left < reach + (runs - 1) * run_step) direct = left < reach ? 0 : (left - reach) / run_step + 1;
      unpack(from, 0, direct);
      for (std::size_t i = direct; i < runs; ++i) {  // the last units of the array
        std::uint8_t last[reach] = {};
        std::memcpy(last, from + i * run_step, left - i * run_step);
        unpack(last, i, 1);
      }
      EndCodes(buffer_ + runs * run_codes);
    }
  }

  // The byte of a unit where a row of its codes begins.
  static HWY_INLINE std::size_t RowRun(std::size_t grid_row) {
    constexpr shape grid = P::grid(sample);
    std::size_t found = 0;
    walk_unit<C, P::array>(sample, [&]<class Order, class F>(std::size_t byte) {
      if constexpr (F::what == P::facts.what)
        found = byte + F::at(Order::position({grid_row, 0}, grid), run{grid.count(), P::facts.bits}).bit / 8;
    });
    return found;
  }

  // Brings `count` units from column unit_col of each unit row together.
  HWY_INLINE void Gather(const packed_view<C>& w, std::size_t unit_row, std::size_t end_row, std::size_t unit_col,
                         std::size_t needed) {
    const shape units = units_of<C, P::array>(w.matrix());
    const auto* const base = reinterpret_cast<const std::uint8_t*>(w.array(P::array).data());
    constexpr std::size_t together = bytes_together<A>(unit_size);
    std::size_t r = unit_row;
    end_row = std::min(end_row, unit_row + most_unit_rows);  // which holds; g++ warns of its own conclusions otherwise
    if constexpr (in_words) {
      const std::size_t row_step = A::byte({1, 0}, units, 0, unit_size) - A::byte({0, 0}, units, 0, unit_size);
      const auto gather = [&]<class D>(D d) HWY_ATTR {
        for (; r + hn::Lanes(d) <= end_row; r += hn::Lanes(d))
          GatherWords(d, base, units, {r, unit_col}, needed, gathered_ + (r - unit_row) * pitch);
      };
      if (row_step == 4) {
        if constexpr (many_rows > 4) gather(hn::FixedTag<std::uint32_t, many_rows>());
        gather(hn::FixedTag<std::uint32_t, 4>());
      }
    }
    for (; r < end_row; ++r)
      for (std::size_t u = 0; u < needed; ++u)
        for (std::size_t b = 0; b < unit_size; b += together)
          std::memcpy(gathered_ + (r - unit_row) * pitch + u * unit_size + b,
                      base + A::byte({r, unit_col + u}, units, b, unit_size), together);
  }

  // As many rows as a vector has lanes, whose words lie side by side: transposed, four words at a time.
  template <class D>
  HWY_INLINE void GatherWords(D d, const std::uint8_t* base, shape units, coord at, std::size_t needed,
                              std::uint8_t* to) {
    constexpr std::size_t words = unit_size / 4, cycle = std::lcm(words, std::size_t{4});
    const std::size_t step = A::byte({0, 1}, units, 0, unit_size) - A::byte({0, 0}, units, 0, unit_size);
    std::size_t offset[cycle];  // of the words of a few units
    for (std::size_t i = 0; i < cycle; ++i)
      offset[i] = A::byte(at, units, i % words * 4, unit_size) + i / words * step;
    const std::uint8_t* from = base;
    std::size_t left = needed * words;
    for (; left >= cycle; left -= cycle, from += cycle / words * step)
      for (std::size_t i = 0; i < cycle; i += 4, to += 16)
        TransposeWords(d, from + offset[i], from + offset[i + 1], from + offset[i + 2], from + offset[i + 3], to,
                       pitch);
    for (std::size_t i = 0; i < left; i += 4, to += 16) {  // the last word once more when there are none left
      const auto word = [&](std::size_t k) { return from + offset[std::min(i + k, left - 1)]; };
      TransposeWords(d, word(0), word(1), word(2), word(3), to, pitch);
    }
  }

  // Brings the words of columns that hold the codes of so many rows together, if the units of a column lie one after the other.
  HWY_INLINE void GatherColumns(const packed_view<C>& w, std::size_t row, std::size_t rows) {
    const shape units = units_of<C, P::array>(w.matrix());
    const auto bytes = w.array(P::array);
    const std::size_t corner = A::byte({0, 0}, units, 0, unit_size),
                      step = A::byte({0, 1}, units, 0, unit_size) - corner;
    gathered_columns_ = A::byte({1, 0}, units, 0, unit_size) - corner == unit_size;
    if (!gathered_columns_) return;
    first_word_ = row / unit_rows * unit_size / 4;
    const std::size_t words = ceil_div(((row + rows - 1) / unit_rows + 1) * unit_size, 4) - first_word_;
    const hn::FixedTag<std::uint32_t, 4> d;
    for (std::size_t k = 0; k < std::min(words, most_words); k += 4) {
      const std::size_t at = A::byte({0, first_}, units, 0, unit_size) + 4 * (first_word_ + k);
      const auto* const from = reinterpret_cast<const std::uint8_t*>(bytes.data()) + at;
      const std::size_t left = bytes.size() - at;
      std::uint8_t* const to = gathered_ + k * pitch;
      std::size_t i = 0;
      for (; i + 4 <= count && (i + 3) * step + 16 <= left; i += 4) {
        const std::uint8_t* const p = from + i * step;
        TransposeWords(d, p, p + step, p + 2 * step, p + 3 * step, to + 4 * i, pitch);
      }
      for (; i < count; ++i) {  // the last columns
        std::uint8_t column[16] = {};
        std::memcpy(column, from + i * step, std::min<std::size_t>(16, left - i * step));
        for (std::size_t j = 0; j < 4; ++j) std::memcpy(to + j * pitch + 4 * i, column + 4 * j, 4);
      }
    }
  }

  // From the words of columns, if they have been brought together.
  HWY_INLINE bool ReadWords([[maybe_unused]] std::size_t row) {
    if constexpr (columns_in_words) {
      using R = unit_run<C, K, 1>;
      if (!gathered_columns_) return false;
      const auto& spots = column_spots<C, K>[row % unit_rows / P::facts.region.rows];
      const std::size_t unit = row / unit_rows * unit_size - first_word_ * 4;
      Unroll<static_cast<int>(R::fields)>([&](auto f) QUERN_INLINE {
        constexpr held_bits held = R::held[f];
        const std::size_t bit = unit * 8 + static_cast<std::size_t>(spots[f].bit);
        OrWordBits(gathered_ + bit / 32 * pitch, static_cast<int>(bit % 32), held.width, held.shift, count, f == 0,
                   buffer_);
      });
      return true;
    }
    return false;
  }

  HWY_ALIGN T buffer_[(by_units ? (most_units + plan.units) * unit_codes : Most) + 128];
  HWY_ALIGN std::uint8_t gathered_[gathers            ? most_unit_rows * pitch + reach + 64
                                   : columns_in_words ? most_words * pitch + 64
                                                      : 1];
  std::size_t first_, first_unit_row_, first_word_;
  bool gathered_columns_;
};

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
