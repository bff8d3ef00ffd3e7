// From codes to bytes: the codes of a row put where the layout has them, whatever it is. Knows fields, no numbers.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_PACK_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_PACK_INL_HPP_
#undef QUERN_SIMD_PACK_INL_HPP_
#else
#define QUERN_SIMD_PACK_INL_HPP_
#endif

#include <algorithm>
#include <cstring>

#include "quern/simd/pack_run-inl.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/storage/codes.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// A field's bits of n codes into as many bytes, from bit `bit` of each; the other bits of the bytes stay.
HWY_INLINE void MergeIntoBytes(const std::uint8_t* HWY_RESTRICT codes, std::size_t n, slice held, unsigned bit,
                               std::uint8_t* HWY_RESTRICT to) {
  const hn::CappedTag<std::uint8_t, 64> d;
  const hn::Repartition<std::uint16_t, decltype(d)> d16;
  const auto mask = static_cast<std::uint8_t>(low_bits(held.width));
  const auto keep = static_cast<std::uint8_t>(~(static_cast<unsigned>(mask) << bit));
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto moved = hn::ShiftRightSame(hn::BitCast(d16, hn::LoadU(d, codes + i)), static_cast<int>(held.shift));
    const auto bits = hn::BitCast(d16, hn::And(hn::BitCast(d, moved), hn::Set(d, mask)));
    const auto placed = hn::BitCast(d, hn::ShiftLeftSame(bits, static_cast<int>(bit)));
    hn::StoreU(hn::Or(hn::And(hn::LoadU(d, to + i), hn::Set(d, keep)), placed), d, to + i);
  }
  for (; i < n; ++i) to[i] = static_cast<std::uint8_t>((to[i] & keep) | (codes[i] >> held.shift & mask) << bit);
}
// The same into little-endian words of 32 bits.
HWY_INLINE void MergeIntoWords(const std::uint8_t* HWY_RESTRICT codes, std::size_t n, slice held, unsigned bit,
                               std::uint8_t* HWY_RESTRICT to) {
  const std::uint32_t mask = low_bits(held.width), keep = ~(mask << bit);
  std::size_t i = 0;
#if HWY_IS_LITTLE_ENDIAN
  const DU32 d;
  const hn::Rebind<std::uint8_t, DU32> d8;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    auto* const word = reinterpret_cast<std::uint32_t*>(to + 4 * i);
    const VU32 code = hn::ShiftRightSame(hn::PromoteTo(d, hn::LoadU(d8, codes + i)), static_cast<int>(held.shift));
    const VU32 placed = hn::ShiftLeftSame(hn::And(code, hn::Set(d, mask)), static_cast<int>(bit));
    hn::StoreU(hn::Or(hn::And(hn::LoadU(d, word), hn::Set(d, keep)), placed), d, word);
  }
#endif
  for (; i < n; ++i) {
    const std::uint32_t placed = (codes[i] >> held.shift & mask) << bit;
    for (std::size_t b = 0; b < 4; ++b)
      to[4 * i + b] = static_cast<std::uint8_t>((to[4 * i + b] & keep >> 8 * b) | placed >> 8 * b);
  }
}

// Columns [col, col + n) of row `row`, where the fields promise neighbours, in bytes or in words.
template <class C>
HWY_INLINE void PackNeighbours(const packed_span<C>& out, std::size_t row, std::size_t col, std::size_t n,
                               const std::uint8_t* codes) {
  using P = part_units<C, 0>;
  const shape matrix = out.matrix(), unit = P::unit(matrix), units = units_of<C, P::array>(matrix);
  auto* const base = reinterpret_cast<std::uint8_t*>(out.array(P::array).data());
  const run r{unit.count(), P::facts.bits};
  for (std::size_t done = 0; done < n;) {
    const coord at{row % unit.rows, (col + done) % unit.cols};
    const std::size_t position = at.row * unit.cols + at.col, count = std::min(n - done, unit.cols - at.col);
    std::uint8_t* const to = base + (row / unit.rows * units.cols + (col + done) / unit.cols) * P::bytes(matrix);
    each_field_of<C, 0>(matrix, [&]<class, class F>(std::size_t byte) HWY_ATTR {
      for (std::size_t i = 0; i < count;) {
        const place here = F::at(position + i, r);
        std::size_t some = count - i;
        if constexpr (neighbourly_field<F>) {
          some = std::min(some, F::neighbours(position + i, r));
          MergeIntoBytes(codes + done + i, some, F::holds(r), static_cast<unsigned>(here.bit % 8),
                         to + byte + here.bit / 8);
        } else {
          some = std::min(some, F::word_neighbours(position + i, r));
          MergeIntoWords(codes + done + i, some, F::holds(r), static_cast<unsigned>(here.bit % 32),
                         to + byte + here.bit / 32 * 4);
        }
        i += some;
      }
    });
    done += count;
  }
}

// The bits of a code that a field holds, into the bytes from `to` on, at a bit and digit of the first; other bits stay.
template <slice Held>
HWY_INLINE void MergeCode(std::uint32_t code, unsigned bit, unsigned digit, std::uint8_t* to) {
  if constexpr (Held.digits != 0) {
    *to = static_cast<std::uint8_t>(with_trit(*to, digit, code));
  } else {
    const std::uint64_t mask = std::uint64_t{low_bits(Held.width)} << bit,
                        bits = std::uint64_t{code >> Held.shift} << bit & mask;
    *to = static_cast<std::uint8_t>((*to & ~mask) | bits);
    for (unsigned b = 1; b * 8 < bit + Held.width; ++b)
      to[b] = static_cast<std::uint8_t>((to[b] & ~(mask >> 8 * b)) | bits >> 8 * b);
  }
}

// Whether the places of part K in a unit are kept in tables, and the bytes of a unit lie together.
template <class C, std::size_t K>
inline constexpr bool packs_by_places = [] {
  using P = part_units<C, K>;
  if constexpr (P::fixed) return units_of_part<C, K>::contiguous && P::grid(sample).count() <= most_places;
  return false;
}();

// Any layout: columns [col, col + n) of row `row` of the codes of part K, code by code.
template <class C, std::size_t K, class T>
HWY_INLINE void PackOneByOne(const packed_span<C>& out, std::size_t row, std::size_t col, std::size_t n,
                             const T* codes) {
  if constexpr (packs_by_places<C, K>) {
    using P = part_units<C, K>;
    using A = typename P::stored_in::arrangement;
    const shape units = units_of<C, P::array>(out.matrix());
    auto* const base = reinterpret_cast<std::uint8_t*>(out.array(P::array).data());
    each_field_of<C, K>(sample, [&]<class Order, class F>(std::size_t byte) {
      constexpr shape grid = P::grid(sample);
      constexpr std::size_t size = P::bytes(sample);
      constexpr slice held = F::holds(run{grid.count(), P::facts.bits});
      const auto& places = place_table<Order, F, grid.rows, grid.cols, P::facts.bits>();
      const std::uint32_t* const in_row = places.data() + row % grid.rows * grid.cols;
      coord unit{row / grid.rows, col / grid.cols};
      std::size_t in_unit = col % grid.cols;
      for (std::size_t i = 0; i < n; ++unit.col, in_unit = 0) {
        std::uint8_t* const to = base + A::byte(unit, units, byte, size);
        for (; in_unit < grid.cols && i < n; ++in_unit, ++i)
          if (const std::uint32_t at = in_row[in_unit]; at != no_place)
            MergeCode<held>(codes[i], at / 8 % 8, at % 8, to + at / 64);
      }
    });
    return;
  }
  std::uint32_t wide[64];
  for (std::size_t i = 0; i < n; i += 64) {
    const std::size_t count = std::min(n - i, std::size_t{64});
    for (std::size_t j = 0; j < count; ++j) wide[j] = codes[i + j];
    write_codes<K>(out, coord{row, col + i}, shape{1, count}, wide);
  }
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
// 64 bytes of a run of units, from codes in rows of Pitch.
template <class Plan, std::size_t Chunk, std::size_t Pitch>
HWY_INLINE VWide ShuffleRows(const std::uint8_t* codes) {
  constexpr const auto& chunk = Plan::all_chunks.list[Chunk];
  const hn::FixedTag<std::uint8_t, 64> d;
  const hn::FixedTag<std::uint8_t, 32> d32;
  const hn::FixedTag<std::uint8_t, 16> d16;
  const auto piece = [&](auto p) QUERN_INLINE {
    return hn::LoadU(d16, codes + chunk.pieces[p].row * Pitch + chunk.pieces[p].col);  // the first where there is none
  };
  const auto four = [&](auto first) QUERN_INLINE {
    constexpr std::size_t p = first;
    return hn::Combine(
        d,
        hn::Combine(d32, piece(std::integral_constant<std::size_t, p + 3>()),
                    piece(std::integral_constant<std::size_t, p + 2>())),
        hn::Combine(d32, piece(std::integral_constant<std::size_t, p + 1>()), piece(first)));
  };
  const VWide low = four(std::integral_constant<std::size_t, 0>()),
              high = four(std::integral_constant<std::size_t, 4>());
  VWide bytes = hn::Zero(d);
  Unroll<static_cast<int>(Plan::per_byte)>([&](auto k) QUERN_INLINE {
    const auto index = hn::IndicesFromVec(d, hn::Load(d, chunk.index[k].data()));
    bytes = hn::Or(bytes, MoveBits<k * static_cast<int>(Plan::bits)>(hn::TwoTablesLookupLanes(d, low, high, index)));
  });
  return bytes;
}

// Columns [col, col + n), runs of units, of a row of units, from codes in rows of Pitch.
template <class C, std::size_t Pitch>
HWY_INLINE void PackRows(const packed_span<C>& out, std::size_t row, std::size_t col, std::size_t n,
                         const std::uint8_t* codes) {
  using Plan = rows_plan<C>;
  using P = part_units<C, 0>;
  using A = typename P::stored_in::arrangement;
  constexpr std::size_t size = Plan::unit_bytes;
  const hn::FixedTag<std::uint8_t, 64> d;
  const shape units = units_of<C, P::array>(out.matrix());
  auto* const base = reinterpret_cast<std::uint8_t*>(out.array(P::array).data());
  for (std::size_t c = 0; c < n; c += Plan::cols) {
    HWY_ALIGN std::uint8_t bytes[64 * Plan::chunks];
    Unroll<static_cast<int>(Plan::chunks)>([&](auto k) QUERN_INLINE {
      hn::Store(ShuffleRows<Plan, k, Pitch>(codes + c), d, bytes + 64 * k);
    });
    for (std::size_t u = 0; u < Plan::units; ++u)
      std::memcpy(base + A::byte({row / Plan::grid.rows, (col + c) / Plan::grid.cols + u}, units, 0, size),
                  bytes + u * size, size);
  }
}
#endif

// codes[i] becomes the code of the weight at (row, col + i) of the matrix, i < n. May read the codes of a run beyond the last.
template <class C, class T>
HWY_INLINE void Pack(const packed_span<C>& out, std::size_t row, std::size_t col, std::size_t n, const T* codes) {
  if constexpr (!packs_by_plan<C> && stored_in_neighbours<C, 0>()) {
    PackNeighbours(out, row, col, n, codes);
  } else if constexpr (!packs_by_plan<C>) {
    PackOneByOne<C, 0>(out, row, col, n, codes);
  } else {
    using Plan = pack_plan<C>;
    using P = part_units<C, 0>;
    using A = typename P::stored_in::arrangement;
    constexpr std::size_t per_unit = Plan::per_unit, size = Plan::run_type::unit_bytes;
    const std::size_t head = std::min(n, round_up(col, per_unit) - col);  // in a unit that began before
    if (head != 0) PackOneByOne<C, 0>(out, row, col, head, codes);
    const shape units = units_of<C, P::array>(out.matrix());
    auto* const base = reinterpret_cast<std::uint8_t*>(out.array(P::array).data());
    std::size_t unit = (col + head) / per_unit, whole = (n - head) / per_unit;
    const T* from = codes + head;
    while (whole != 0) {
      const std::size_t some = std::min(whole, Plan::units);
      if (arranged_by_rows<A> && some == Plan::units) {
        PackRun<Plan>(from, base + (row * units.cols + unit) * size);
      } else {
        std::uint8_t bytes[Plan::run_type::bytes];
        const auto at = [&](std::size_t u, std::size_t b) QUERN_INLINE {
          return base + A::byte({row, unit + u}, units, b, size);
        };
        constexpr std::size_t together = [] {
          if constexpr (requires { A::together(size); }) return A::together(size);
          else return std::size_t{1};
        }();
        if constexpr (!Plan::complete)
          for (std::size_t u = 0; u < some; ++u)
            for (std::size_t b = 0; b < size; b += together) std::memcpy(bytes + u * size + b, at(u, b), together);
        PackRun<Plan>(from, bytes);
        for (std::size_t u = 0; u < some; ++u)
          for (std::size_t b = 0; b < size; b += together) std::memcpy(at(u, b), bytes + u * size + b, together);
      }
      from += some * per_unit, unit += some, whole -= some;
    }
    const auto done = static_cast<std::size_t>(from - codes);
    if (done != n) PackOneByOne<C, 0>(out, row, col + done, n - done, from);
  }
}

// The codes of part K for regions [first, first + count) of the row of regions that holds row `row`.
template <class C, std::size_t K, class T>
HWY_INLINE void PackNumbers(const packed_span<C>& out, std::size_t row, std::size_t first, std::size_t count,
                            const T* codes) {
  const shape matrix = out.matrix();
  if constexpr (whole_bytes<C, K>::ok) {
    using P = part_units<C, K>;
    using A = typename P::stored_in::arrangement;
    constexpr std::size_t per_unit = P::grid(sample).cols, size = P::bytes(sample);
    const shape units = units_of<C, P::array>(matrix);
    auto* const bytes = reinterpret_cast<std::uint8_t*>(out.array(P::array).data());
    coord u{row / P::unit(sample).rows, first / per_unit};
    std::size_t in_unit = first % per_unit;
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(whole_bytes<C, K>::byte[in_unit]);
      for (std::size_t b = 0; b < P::facts.bits / 8; ++b)
        bytes[A::byte(u, units, at + b, size)] = static_cast<std::uint8_t>(codes[i] >> 8 * b);
      if (++in_unit == per_unit) in_unit = 0, ++u.col;
    }
  } else {
    PackOneByOne<C, K>(out, row / within(parts<C>[K].region, matrix).rows, first, count, codes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
