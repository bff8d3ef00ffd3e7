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
  return hn::Add(hn::IfThenElseZero(hn::Gt(v, hn::Set(d, 85)), one),
                 hn::IfThenElseZero(hn::Gt(v, hn::Set(d, 170)), one));
}

// Codes of `Width` bits that lie in a window: a byte shuffle, a shift of every lane, a mask.
template <unsigned Width, window_shifts Shifts>
HWY_INLINE VWindow WindowBits(VWindow raw, const window_tables<kWindow>& tables) {
  const DWindow d;
  const VWindow mask = hn::Load(d, tables.mask.data());
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  const VWindow bytes = hn::TableLookupLanes(raw, hn::SetTableIndices(d, tables.index.data()));
  if constexpr (Shifts == window_shifts::none) return hn::And(bytes, mask);
  else return hn::And(MultiShift(bytes, hn::Load(d, tables.at.data())), mask);
#else
  if constexpr (Shifts == window_shifts::none) {
    return hn::And(hn::TableLookupBytes(raw, hn::Load(d, tables.index.data())), mask);
  } else {  // each code and the byte after it in 16 bits; multiplied so that it ends at the top
    const hn::Repartition<std::int16_t, DWindow> d16;
    const hn::Repartition<std::uint16_t, DWindow> du16;
    const auto half = [&](std::size_t h) QUERN_INLINE {
      const auto pair = hn::BitCast(du16, hn::TableLookupBytes(raw, hn::Load(d, tables.pairs.data() + 16 * h)));
      return hn::BitCast(d16, hn::ShiftRight<16 - static_cast<int>(Width)>(
                                  hn::Mul(pair, hn::Load(du16, tables.factor.data() + 8 * h))));
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
    else
      return hn::And(MoveBits<shift - static_cast<int>(at.bit)>(raw),
                     hn::Set(d, static_cast<std::uint8_t>(low_bits(held.width) << shift)));
  } else if constexpr (at.kind == piece_kind::window) {
    constexpr const auto& tables = tables_of<Plan, Field, Piece>();
    const VWindow raw = hn::ResizeBitCast(DWindow(), hn::LoadU(hn::FixedTag<std::uint8_t, at.span>(), p));
    return MoveBits<shift>(WindowBits<held.width, tables.shifts>(raw, tables));
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
    hn::StoreU(hn::Or(hn::LoadU(d, to + i), hn::ShiftLeft<Shift>(hn::PromoteTo(d, hn::LoadU(d8, bits + i)))), d,
               to + i);
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
        for (std::size_t j = 0; j < width; j += hn::Lanes(d))
          hn::StoreU(PieceBits<Plan, f, b, false>(d, units, j), d, bits + j);
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

// Codes of one row of units with several, by tables of that row.
template <class Plan>
HWY_INLINE void UnpackRowRun(const std::uint8_t* HWY_RESTRICT units, std::size_t row, std::uint8_t* HWY_RESTRICT out) {
  const DWindow d;
  Unroll<static_cast<int>(Plan::pieces)>([&](auto b) QUERN_INLINE {
    VWindow v = hn::Zero(d);
    Unroll<static_cast<int>(Plan::places::fields)>([&](auto f) QUERN_INLINE {
      constexpr held_bits held = Plan::places::held[f];
      const row_window<kWindow>& window = Plan::windows[row][f][b];
      const VWindow raw = hn::LoadU(d, units + window.byte);
      v = hn::Or(
          v, MoveBits<static_cast<int>(held.shift)>(WindowBits<held.width, window_shifts::words>(raw, window.tables)));
    });
    hn::StoreU(v, d, out + static_cast<std::size_t>(b) * Plan::width);
  });
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
  const hn::CappedTag<std::uint8_t, 64> d;
  for (std::size_t done = 0; done < count;) {
    const std::size_t unit_col = (first + done) / grid.cols, col = (first + done) % grid.cols;
    const std::size_t position = grid_row * grid.cols + col, end = std::min(count, done + grid.cols - col);
    const std::uint8_t* const from = base + (row / unit.rows * units.cols + unit_col) * size;
    bool empty = true;
    walk_unit<C, P::array>(P::fixed ? sample : matrix, [&]<class, class F>(std::size_t byte) HWY_ATTR {
      if constexpr (F::what == P::facts.what) {
        const slice held = F::holds(r);
        const auto mask = hn::Set(d, static_cast<std::uint8_t>(low_bits(held.width)));
        for (std::size_t i = done; i < end;) {
          const std::size_t p = position + i - done, n = std::min(end - i, F::neighbours(p, r));
          const place at = F::at(p, r);
          const std::uint8_t* const in = from + byte + at.bit / 8;
          const int bit = static_cast<int>(at.bit % 8), shift = static_cast<int>(held.shift);
          for (std::size_t j = 0; j < n; j += hn::Lanes(d)) {
            const auto raw = n - j >= hn::Lanes(d) ? hn::LoadU(d, in + j) : hn::LoadN(d, in + j, n - j);
            const auto bits = hn::ShiftLeftSame(hn::And(hn::ShiftRightSame(raw, bit), mask), shift);
            hn::StoreU(empty ? bits : hn::Or(bits, hn::LoadU(d, out + i + j)), d, out + i + j);
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
                                   plan.how == reading::rows || plan.how == reading::whole;
  // What is known when compiling, if codes are read by units.
  static constexpr std::size_t unit_rows = by_units ? P::unit(sample).rows : 1,
                               unit_codes = by_units ? P::grid(sample).cols : 1;
  static constexpr std::size_t unit_size = by_units ? P::bytes(sample) : 1;
  static constexpr std::size_t reach = [] {
    if constexpr (plan.how == reading::pieces) return unpack_plan<C, K, kWindow>::reach;
    else if constexpr (plan.how == reading::rows) return row_unpack_plan<C, K, kWindow>::reach;
    else return plan.units * unit_size;
  }();
  static constexpr std::size_t most_units = ceil_div(Most, unit_codes) + 2,
                               most_unit_rows = ceil_div(Rows, unit_rows) + 1;

 public:
  // Whether units must be brought together before they are unpacked.
  static constexpr bool gathers =
      by_units && !arranged_by_rows<A> &&
      !(arranged_regularly<A> && bytes_together<A>(unit_size) == unit_size && plan.units == 1);
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
    }
  }

  HWY_INLINE void Read(const packed_view<C>& w, std::size_t row) {
    codes = buffer_;
    if constexpr (plan.how == reading::any) {
      read_codes<C, K>(w, row, first_, count, buffer_);
    } else if constexpr (plan.how == reading::columns) {
      read_column_codes<C, K>(w, row, first_, count, buffer_);
    } else if constexpr (plan.how == reading::neighbours) {
      ReadNeighbours<C, K>(w, row, first_, count, buffer_);
    } else if constexpr (gathers) {
      const std::size_t at = (row / unit_rows - first_unit_row_) * most_units * unit_size;
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
      const std::size_t grid_row = row % unit_rows / P::facts.region.rows;
      const auto unpack = [&](const std::uint8_t* p, std::size_t i) QUERN_INLINE {
        if constexpr (plan.how == reading::pieces) UnpackRun<unpack_plan<C, K, kWindow>>(p, buffer_ + i * run_codes);
        else UnpackRowRun<row_unpack_plan<C, K, kWindow>>(p, grid_row, buffer_ + i * run_codes);
      };
      const std::size_t direct = left < reach ? 0 : std::min(runs, (left - reach) / run_step + 1);
      std::size_t i = 0;
      for (; i < direct; ++i) unpack(from + i * run_step, i);
      for (; i < runs; ++i) {  // the last units of the array
        std::uint8_t last[reach] = {};
        std::memcpy(last, from + i * run_step, left - i * run_step);
        unpack(last, i);
      }
      EndCodes(buffer_ + runs * run_codes);
    }
  }

  // Brings `count` units from column unit_col of each unit row together.
  HWY_INLINE void Gather(const packed_view<C>& w, std::size_t unit_row, std::size_t end_row, std::size_t unit_col,
                         std::size_t needed) {
    const shape units = units_of<C, P::array>(w.matrix());
    const auto* const base = reinterpret_cast<const std::uint8_t*>(w.array(P::array).data());
    constexpr std::size_t together = bytes_together<A>(unit_size), pitch = most_units * unit_size;
    std::size_t r = unit_row;
    if constexpr (together == 4 && arranged_regularly<A>) {
      const std::size_t row_step = A::byte({1, 0}, units, 0, unit_size) - A::byte({0, 0}, units, 0, unit_size);
      if (row_step == 4)
        for (; r + 4 <= end_row; r += 4)
          GatherWords(base, units, {r, unit_col}, needed, gathered_ + (r - unit_row) * pitch);
    }
    for (; r < end_row; ++r)
      for (std::size_t u = 0; u < needed; ++u)
        for (std::size_t b = 0; b < unit_size; b += together)
          std::memcpy(gathered_ + (r - unit_row) * pitch + u * unit_size + b,
                      base + A::byte({r, unit_col + u}, units, b, unit_size), together);
  }

  // Four rows whose words lie side by side: transposed, four words at a time.
  HWY_INLINE void GatherWords(const std::uint8_t* base, shape units, coord at, std::size_t needed, std::uint8_t* to) {
    constexpr std::size_t pitch = most_units * unit_size, words = unit_size / 4;
    const hn::FixedTag<std::uint32_t, 4> d;
    const hn::FixedTag<std::uint64_t, 2> d64;
    const hn::FixedTag<std::uint8_t, 16> d8;
    const auto row_of_words = [&](std::size_t i) QUERN_INLINE {
      const std::size_t word = std::min(i, needed * words - 1);
      return hn::BitCast(
          d, hn::LoadU(d8, base + A::byte({at.row, at.col + word / words}, units, word % words * 4, unit_size)));
    };
    for (std::size_t i = 0; i < needed * words; i += 4) {
      const auto a = row_of_words(i), b = row_of_words(i + 1), c = row_of_words(i + 2), e = row_of_words(i + 3);
      const auto ab = hn::BitCast(d64, hn::InterleaveLower(d, a, b)),
                 ce = hn::BitCast(d64, hn::InterleaveLower(d, c, e));
      const auto AB = hn::BitCast(d64, hn::InterleaveUpper(d, a, b)),
                 CE = hn::BitCast(d64, hn::InterleaveUpper(d, c, e));
      const auto put = [&](auto v, std::size_t r)
                           QUERN_INLINE { hn::StoreU(hn::BitCast(d8, v), d8, to + r * pitch + i * 4); };
      put(hn::InterleaveLower(d64, ab, ce), 0);
      put(hn::InterleaveUpper(d64, ab, ce), 1);
      put(hn::InterleaveLower(d64, AB, CE), 2);
      put(hn::InterleaveUpper(d64, AB, CE), 3);
    }
  }

  HWY_ALIGN T buffer_[(by_units ? (most_units + plan.units) * unit_codes : Most) + 128];
  std::uint8_t gathered_[gathers ? most_unit_rows * most_units * unit_size + reach + 64 : 1];
  std::size_t first_, first_unit_row_;
};

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
