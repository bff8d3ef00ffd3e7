// The codes of one part, a rectangle at a time: what moves between layouts. Knows bits and no numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>

#include "quern/base/bits.hpp"
#include "quern/layout/trits.hpp"
#include "quern/storage/view.hpp"

namespace quern::inline v0 {

// The codes of part K in one unit of its array, and in the whole matrix, as grids.
template <class C, std::size_t K>
constexpr shape codes_in_unit(shape matrix) {
  return grid_of(parts<C>[K], array_of<C, array_with<C, K>>::unit, matrix);
}
template <class C, std::size_t K>
constexpr shape codes_in_matrix(shape matrix) {
  constexpr shape whole_matrix{all, all};
  return grid_of(parts<C>[K], whole_matrix, matrix);
}

// Whether some field stores part K in base 3.
template <class C, std::size_t K>
inline constexpr bool in_base_3 = [] {
  bool found = false;
  each_field_of<C, K>(sample, [&]<class, class F>(std::size_t) {
    found |= F::holds(run{1, parts<C>[K].bits}).digits != 0;
  });
  return found;
}();

// Where a field keeps the codes of a unit of Rows x Cols codes: for each in row-major order, eight times the bit that it
// begins at plus the digit, or none. Made once a program, because reckoning a place costs ten times as much as looking it up.
inline constexpr std::uint32_t no_place = ~0u;
inline constexpr std::size_t most_places = 1 << 16;  // of one table; larger units are reckoned
template <class Order, field F, std::size_t Rows, std::size_t Cols, unsigned Bits>
auto make_place_table() {  // not constexpr: compilers would take long
  std::array<std::uint32_t, Rows * Cols> places;
  constexpr run r{Rows * Cols, Bits};
  constexpr slice held = F::holds(r);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t position = Order::position({i / Cols, i % Cols}, {Rows, Cols});
    const place at = position - held.first < held.count ? F::at(position, r) : place{0};
    places[i] = position - held.first < held.count ? static_cast<std::uint32_t>(at.bit * 8 + at.digit) : no_place;
  }
  return places;
}
template <class Order, field F, std::size_t Rows, std::size_t Cols, unsigned Bits>
const auto& place_table() {
  static const auto table = make_place_table<Order, F, Rows, Cols, Bits>();
  return table;
}

// Units and their bytes as one part of a matrix sees them. What does not depend on the matrix is a constant of the type.
template <class C, std::size_t K>
struct units_of_part {
  static constexpr std::size_t array = array_with<C, K>;
  static constexpr bool fixed = unit_is_fixed<C, array>;
  using arrangement = typename array_of<C, array>::arrangement;
  // Whether the bytes of a unit lie together.
  static constexpr bool contiguous = [] {
    if constexpr (fixed && requires { arrangement::together(std::size_t{1}); }) {
      constexpr std::size_t size = unit_bytes<C, array>(sample);
      return arrangement::together(size) == size;
    }
    return false;
  }();

  shape matrix;
  constexpr shape known() const { return fixed ? sample : matrix; }
  constexpr shape grid() const { return codes_in_unit<C, K>(known()); }
  constexpr std::size_t size() const { return unit_bytes<C, array>(known()); }
};

// A rectangle of the codes of one unit. visit(index, held, place, address): index counts the whole rectangle row by row,
// the place's bit counts from its first byte, and address(b) is where byte b from there lies in the part's array.
struct unit_rectangle {
  coord first, last;   // in the unit's grid; last is the first beyond
  std::size_t index;   // of the first code
  std::size_t stride;  // from a row's to the next
};
template <class Order, class F>
constexpr void visit_field(const unit_rectangle& part, shape grid, unsigned bits, auto address, auto visit) {
  const run r{grid.count(), bits};
  const slice held = F::holds(r);
  for (std::size_t row = part.first.row; row < part.last.row; ++row)
    for (std::size_t col = part.first.col; col < part.last.col; ++col) {
      const std::size_t position = Order::position({row, col}, grid);
      if (position - held.first >= held.count) continue;
      const place at = F::at(position, r);
      visit(part.index + (row - part.first.row) * part.stride + (col - part.first.col), held,
            place{at.bit % 8, at.digit}, [&](std::size_t b) { return address(at.bit / 8 + b); });
    }
}
template <class Order, class F, std::size_t Rows, std::size_t Cols, unsigned Bits>
void visit_field_by_table(const unit_rectangle& part, auto address, auto visit) {
  constexpr slice held = F::holds(run{Rows * Cols, Bits});
  const auto& table = place_table<Order, F, Rows, Cols, Bits>();
  for (std::size_t row = part.first.row; row < part.last.row; ++row) {
    const std::uint32_t* places = table.data() + row * Cols + part.first.col;
    const std::size_t index = part.index + (row - part.first.row) * part.stride;
    for (std::size_t i = 0; i < part.last.col - part.first.col; ++i) {
      const std::uint32_t at = places[i];
      if (at == no_place) continue;
      visit(index + i, held, place{at / 8 % 8, at % 8}, [&](std::size_t b) { return address(at / 64 + b); });
    }
  }
}

// For the codes of part K at rows [from.row, from.row + extent.rows) and columns alike of the part's grid, and for each
// field that holds bits of them: visit, as above.
template <class C, std::size_t K>
constexpr void visit_codes(shape matrix, coord from, shape extent, auto visit) {
  using P = units_of_part<C, K>;
  constexpr part_facts facts = parts<C>[K];
  if (extent.count() == 0) return;
  const P part{matrix};
  const shape grid = part.grid(), units = units_of<C, P::array>(matrix);
  const std::size_t size = part.size();
  const coord end{from.row + extent.rows, from.col + extent.cols};
  for (coord u{from.row / grid.rows, 0}; u.row * grid.rows < end.row; ++u.row) {
    for (u.col = from.col / grid.cols; u.col * grid.cols < end.col; ++u.col) {
      const coord corner{u.row * grid.rows, u.col * grid.cols};
      const coord first{std::max(from.row, corner.row), std::max(from.col, corner.col)};
      const coord last{std::min(end.row, corner.row + grid.rows), std::min(end.col, corner.col + grid.cols)};
      const unit_rectangle inside{{first.row - corner.row, first.col - corner.col},
                                  {last.row - corner.row, last.col - corner.col},
                                  (first.row - from.row) * extent.cols + (first.col - from.col),
                                  extent.cols};
      each_field_of<C, K>(matrix, [&]<class Order, class F>(std::size_t byte) {
        const std::size_t base = P::arrangement::byte(u, units, byte, size);
        const auto address = [&](std::size_t b) {
          if constexpr (P::contiguous) return base + b;
          else return P::arrangement::byte(u, units, byte + b, size);
        };
        if constexpr (P::fixed) {
          constexpr shape g = codes_in_unit<C, K>(sample);
          if constexpr (g.count() <= most_places)
            if (!std::is_constant_evaluated())
              return visit_field_by_table<Order, F, g.rows, g.cols, facts.bits>(inside, address, visit);
        }
        visit_field<Order, F>(inside, grid, facts.bits, address, visit);
      });
    }
  }
}

// What visit_codes is given to read with, and to write with. Inlined by force: a call would cost more than they do.
struct bits_reader {
  std::span<const std::byte> bytes;
  std::span<std::uint32_t> codes;

  [[gnu::always_inline]] constexpr void operator()(std::size_t i, slice held, place at, auto address) const {
    std::uint64_t bits = std::to_integer<std::uint64_t>(bytes[address(0)]);
    for (std::size_t b = 1; b * 8 < at.bit + held.width; ++b)
      bits |= std::to_integer<std::uint64_t>(bytes[address(b)]) << 8 * b;
    const std::uint32_t field = static_cast<std::uint32_t>(bits >> at.bit) & low_bits(held.width);
    codes[i] |= held.digits ? trit_of(field, at.digit) : field << held.shift;
  }
};
struct bits_writer {
  std::span<std::byte> bytes;
  std::span<const std::uint32_t> codes;

  [[gnu::always_inline]] constexpr void operator()(std::size_t i, slice held, place at, auto address) const {
    if (held.digits) {
      std::byte& byte = bytes[address(0)];
      byte = static_cast<std::byte>(with_trit(std::to_integer<std::uint32_t>(byte), at.digit, codes[i]));
      return;
    }
    const std::uint64_t mask = std::uint64_t{low_bits(held.width)} << at.bit;
    const std::uint64_t bits = std::uint64_t{codes[i] >> held.shift} << at.bit & mask;
    for (std::size_t b = 0; b == 0 || b * 8 < at.bit + held.width; ++b) {
      std::byte& byte = bytes[address(b)];
      byte = (byte & static_cast<std::byte>(~mask >> 8 * b)) | static_cast<std::byte>(bits >> 8 * b);
    }
  }
};

// out[i] = the codes of the rectangle, row by row. v's matrix is meant, not a window of its rows.
template <std::size_t K, class C, class Byte>
constexpr void read_codes(const basic_packed_view<C, Byte>& v, coord from, shape extent, std::span<std::uint32_t> out) {
  for (std::uint32_t& code : out.first(extent.count())) code = 0;
  visit_codes<C, K>(v.matrix(), from, extent, bits_reader{v.array(array_with<C, K>), out});
}

// Writes them. Bits of other codes stay as they are.
template <std::size_t K, class C>
constexpr void write_codes(const packed_span<C>& v, coord from, shape extent, std::span<const std::uint32_t> in) {
  visit_codes<C, K>(v.matrix(), from, extent, bits_writer{v.array(array_with<C, K>), in});
}

}  // namespace quern::inline v0
