// From bytes to codes where those of a row lie apart in the same bits: in neighbouring bytes or words, or at one place in
// every unit. Knows fields, no numbers.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_NEIGHBOURS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_NEIGHBOURS_INL_HPP_
#undef QUERN_SIMD_NEIGHBOURS_INL_HPP_
#else
#define QUERN_SIMD_NEIGHBOURS_INL_HPP_
#endif

#include <algorithm>

#include "quern/simd/unpack-inl.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/storage/row_codes.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

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
    each_field_of<C, K>(matrix, [&]<class, class F>(std::size_t byte) HWY_ATTR {
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
    });
    done = end;
  }
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

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
