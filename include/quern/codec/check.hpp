// The check of a declaration: every bit of every code lies in exactly one place, and every place holds something.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>

#include "quern/base/bits.hpp"
#include "quern/codec/parts.hpp"

namespace quern::inline v0 {

enum class fault { none, unknown_part, too_many_codes, outside, stored_twice, shared_bit, not_stored, unused_bit, order, region };

// Whether O maps positions one to one onto a grid of codes. Computed once for an order and grid, whatever the codec.
template <order O, std::size_t Rows, std::size_t Cols>
inline constexpr bool is_bijection = [] {
  for (std::size_t p = 0; p < Rows * Cols; ++p) {
    const coord c = O::at(p, {Rows, Cols});
    if (c.row >= Rows || c.col >= Cols || O::position(c, {Rows, Cols}) != p) return false;
  }
  return true;
}();

// The bits of a unit that hold something. Compact fields are marked at once, the others place by place.
template <std::size_t Bytes>
struct bit_map {
  std::array<std::uint64_t, Bytes / 8 + 2> used{};
  std::array<std::uint8_t, Bytes + 1> digits{};

  static constexpr std::uint64_t ones(std::size_t n) { return n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1; }
  constexpr bool claim(std::size_t bit, std::size_t width) {  // false if some of it was taken
    while (width > 0) {
      const std::size_t n = width < 64 - bit % 64 ? width : 64 - bit % 64;
      const std::uint64_t mask = ones(n) << bit % 64;
      if (used[bit / 64] & mask) return false;
      used[bit / 64] |= mask;
      bit += n, width -= n;
    }
    return true;
  }
  constexpr bool claim_digit(std::size_t byte, unsigned digit) {
    const auto d = static_cast<std::uint8_t>(1u << digit);
    if (digits[byte] & d || (digits[byte] == 0 && !claim(byte * 8, 8))) return false;
    digits[byte] = static_cast<std::uint8_t>(digits[byte] | d);
    return true;
  }
  constexpr void claim_rest(std::size_t bit, std::size_t width) {  // whatever nothing lies in
    while (width > 0) {
      const std::size_t n = width < 64 - bit % 64 ? width : 64 - bit % 64;
      used[bit / 64] |= ones(n) << bit % 64;
      bit += n, width -= n;
    }
  }
  constexpr bool full() const {
    for (std::size_t b = 0; b < Bytes * 8; ++b) {
      if (b % 64 == 0 && Bytes * 8 - b >= 64 && used[b / 64] == ~std::uint64_t{0}) b += 63;
      else if ((used[b / 64] >> b % 64 & 1) == 0) return false;
    }
    return true;
  }
};

// Marks the places of field F, whose unit begins at byte 0 of the map and whose own bytes begin at `byte`.
template <class F>
constexpr fault claim_field(auto& map, std::size_t byte, std::size_t bytes, run r) {
  const slice s = F::holds(r);
  if constexpr (is_repeated<F>) {
    using I = typename F::inner;
    const run once{F::positions, r.bits};
    if (compact_field<I> && r.count % F::positions == 0 && I::bytes(once) * 8 == F::positions * s.width) {
      for (std::size_t i = 0; i < r.count / F::positions; ++i)
        if (!map.claim((byte + i * F::pitch + F::offset) * 8, F::positions * s.width)) return fault::shared_bit;
      return fault::none;
    }
  } else if (compact_field<F> && F::bytes(r) * 8 == s.count * s.width) {
    return map.claim(byte * 8, s.count * s.width) ? fault::none : fault::shared_bit;
  }
  for (std::size_t i = s.first; i < s.first + s.count; ++i) {
    const place p = F::at(i, r);
    if (byte * 8 + p.bit + s.width > bytes * 8) return fault::outside;
    if (!(s.digits ? map.claim_digit(byte + p.bit / 8, p.digit) : map.claim(byte * 8 + p.bit, s.width)))
      return fault::shared_bit;
  }
  if constexpr (padded_field<F>) map.claim_rest(byte * 8, F::bytes(r) * 8);
  return fault::none;
}

// A unit smaller than a region would store the region's one code many times, and one of other extents would cut regions.
constexpr bool holds_whole_regions(shape unit, shape region) {
  const auto holds = [](std::size_t u, std::size_t r) { return u == all || (r != all && u % r == 0); };
  return holds(unit.rows, region.rows) && holds(unit.cols, region.cols);
}

template <class C, std::size_t Array>
consteval fault fault_in_array() {
  using A = array_of<C, Array>;
  constexpr std::size_t bytes = unit_bytes<C, Array>(sample), most_fields = 64;
  bit_map<bytes> map;
  std::array<slice, most_fields> held{};     // what the fields met so far hold,
  std::array<std::size_t, most_fields> of{};  // and of which part
  std::size_t n = 0;
  fault found = fault::none;
  each_field<C, Array>(sample, [&]<class Order, class F>(std::size_t byte) {
    constexpr std::size_t k = index_of<C>(F::what);
    if (found != fault::none) return;
    if constexpr (k < parts<C>.size()) {
      if (!holds_whole_regions(A::unit, parts<C>[k].region)) {
        found = fault::region;
        return;
      }
      if constexpr (!std::is_same_v<Order, row_major>) {
        constexpr shape grid = grid_of(parts<C>[k], A::unit, sample);
        if (!is_bijection<Order, grid.rows, grid.cols>) {
          found = fault::order;
          return;
        }
      }
    } else if (F::what != sums::id && F::what != nothing::id) {
      found = fault::unknown_part;
      return;
    }
    const run r = run_in<C>(A::unit, sample)(F::what);
    const slice s = F::holds(r);
    if (k < parts<C>.size() && s.first + s.count > r.count) {
      found = fault::too_many_codes;
      return;
    }
    const std::uint32_t mask = low_bits(s.width) << s.shift;
    for (std::size_t i = 0; i < n; ++i) {
      const bool bits_meet = (low_bits(held[i].width) << held[i].shift & mask) != 0;
      const bool positions_meet = held[i].first < s.first + s.count && s.first < held[i].first + held[i].count;
      if (k < parts<C>.size() && of[i] == k && bits_meet && positions_meet) {
        found = fault::stored_twice;
        return;
      }
    }
    of[n] = k, held[n++] = s;
    found = claim_field<F>(map, byte, bytes, r);
  });
  if (found != fault::none) return found;
  for (std::size_t k = 0; k < parts<C>.size(); ++k) {
    const std::size_t want = grid_of(parts<C>[k], A::unit, sample).count() * parts<C>[k].bits;
    std::size_t have = 0;
    for (std::size_t i = 0; i < n; ++i)
      if (of[i] == k) have += held[i].count * (held[i].digits ? parts<C>[k].bits : held[i].width);
    if (have != 0 && have != want) return fault::not_stored;
  }
  return map.full() ? fault::none : fault::unused_bit;
}

template <class C>
consteval fault fault_of() {
  fault f = fault::none;
  each_array<C>([&]<std::size_t I>() {
    if (f == fault::none) f = fault_in_array<C, I>();
  });
  return f;
}

template <class C>
consteval bool every_part_has_one_array() {
  std::array<std::size_t, parts<C>.size()> in{};
  each_array<C>([&]<std::size_t I>() {
    each_part<C>([&]<std::size_t K>() { in[K] += stores<C, I, K>; });
  });
  for (std::size_t n : in)
    if (n != 1) return false;
  return true;
}

// Whether the regions of neighbouring levels nest, finest inside coarser.
template <class G>
consteval bool levels_nest() {
  bool nest = true;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((nest = nest && [] {
        if constexpr (adding_level<typename G::template level<I>> || adding_level<typename G::template level<I + 1>>) {
          return true;
        } else {
          constexpr shape fine = G::template level<I>::region, coarse = G::template level<I + 1>::region;
          return (coarse.rows == all || (fine.rows != all && coarse.rows % fine.rows == 0)) &&
                 (coarse.cols == all || (fine.cols != all && coarse.cols % fine.cols == 0));
        }
      }()),
     ...);
  }(std::make_index_sequence<(G::size > 1 ? G::size - 1 : 0)>{});
  return nest;
}

}  // namespace quern::inline v0
