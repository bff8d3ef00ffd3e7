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
  return grid_of(parts<C>[K], shape{all, all}, matrix);
}

// Whether some field stores part K in base 3.
template <class C, std::size_t K>
inline constexpr bool in_base_3 = [] {
  bool found = false;
  walk_unit<C, array_with<C, K>>(sample, [&]<class, class F>(std::size_t) {
    if constexpr (F::what == parts<C>[K].what) found |= F::holds(run{1, parts<C>[K].bits}).digits != 0;
  });
  return found;
}();

// For the codes of part K at rows [from.row, from.row + extent.rows) and columns alike of the part's grid, and for each
// field that holds bits of them: visit(index, held, place, address), where index counts the rectangle row by row, the
// place's bit counts from its first byte, and address(b) is where byte b from there lies in the part's array.
template <class C, std::size_t K>
constexpr void visit_codes(shape matrix, coord from, shape extent, auto visit) {
  constexpr std::size_t I = array_with<C, K>;
  constexpr part_facts facts = parts<C>[K];
  using A = array_of<C, I>;
  if (extent.count() == 0) return;
  const shape known = unit_is_fixed<C, I> ? sample : matrix;  // what does not depend on the matrix is then folded
  const shape grid = codes_in_unit<C, K>(known), units = units_of<C, I>(matrix);
  const std::size_t size = unit_bytes<C, I>(known);
  const coord end{from.row + extent.rows, from.col + extent.cols};
  for (coord u{from.row / grid.rows, 0}; u.row * grid.rows < end.row; ++u.row) {
    for (u.col = from.col / grid.cols; u.col * grid.cols < end.col; ++u.col) {
      const coord corner{u.row * grid.rows, u.col * grid.cols};
      const coord first{std::max(from.row, corner.row), std::max(from.col, corner.col)};
      const coord last{std::min(end.row, corner.row + grid.rows), std::min(end.col, corner.col + grid.cols)};
      walk_unit<C, I>(known, [&]<class Order, class F>(std::size_t byte) {
        if constexpr (F::what == facts.what) {
          const run r{grid.count(), facts.bits};
          const slice held = F::holds(r);
          for (std::size_t row = first.row; row < last.row; ++row) {
            for (std::size_t col = first.col; col < last.col; ++col) {
              const std::size_t position = Order::position({row - corner.row, col - corner.col}, grid);
              if (position - held.first >= held.count) continue;
              const place at = F::at(position, r);
              visit((row - from.row) * extent.cols + (col - from.col), held, place{at.bit % 8, at.digit},
                    [&](std::size_t b) { return A::arrangement::byte(u, units, byte + at.bit / 8 + b, size); });
            }
          }
        }
      });
    }
  }
}

// out[i] = the codes of the rectangle, row by row. v's matrix is meant, not a window of its rows.
template <std::size_t K, class C, class Byte>
constexpr void read_codes(const basic_packed_view<C, Byte>& v, coord from, shape extent, std::span<std::uint32_t> out) {
  const std::span<const std::byte> bytes = v.array(array_with<C, K>);
  for (std::uint32_t& code : out.first(extent.count())) code = 0;
  visit_codes<C, K>(v.matrix(), from, extent, [&](std::size_t i, slice held, place at, auto address) {
    std::uint64_t bits = 0;
    for (std::size_t b = 0; b * 8 < at.bit + held.width; ++b)
      bits |= std::to_integer<std::uint64_t>(bytes[address(b)]) << 8 * b;
    const std::uint32_t field = static_cast<std::uint32_t>(bits >> at.bit) & low_bits(held.width);
    out[i] |= held.digits ? trit_of(field, at.digit) : field << held.shift;
  });
}

// Writes them. Bits of other codes stay as they are.
template <std::size_t K, class C>
constexpr void write_codes(const packed_span<C>& v, coord from, shape extent, std::span<const std::uint32_t> in) {
  const std::span<std::byte> bytes = v.array(array_with<C, K>);
  visit_codes<C, K>(v.matrix(), from, extent, [&](std::size_t i, slice held, place at, auto address) {
    if (held.digits) {
      std::byte& byte = bytes[address(0)];
      byte = static_cast<std::byte>(with_trit(std::to_integer<std::uint32_t>(byte), at.digit, in[i]));
      return;
    }
    const std::uint64_t mask = std::uint64_t{low_bits(held.width)} << at.bit;
    const std::uint64_t bits = std::uint64_t{in[i] >> held.shift} << at.bit & mask;
    for (std::size_t b = 0; b * 8 < at.bit + held.width; ++b) {
      std::byte& byte = bytes[address(b)];
      byte = (byte & static_cast<std::byte>(~mask >> 8 * b)) | static_cast<std::byte>(bits >> 8 * b);
    }
  });
}

}  // namespace quern::inline v0
