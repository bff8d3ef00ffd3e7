// The codes of one part of a codec along a row, whatever the layout: which way they are read, and what must be brought
// together before. Knows units, no fields and no numbers.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_CODE_READER_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_CODE_READER_INL_HPP_
#undef QUERN_SIMD_CODE_READER_INL_HPP_
#else
#define QUERN_SIMD_CODE_READER_INL_HPP_
#endif

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "quern/simd/neighbours-inl.hpp"
#include "quern/simd/unpack-inl.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/simd/window.hpp"
#include "quern/storage/row_codes.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

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
    each_field_of<C, K>(sample, [&]<class Order, class F>(std::size_t byte) {
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
