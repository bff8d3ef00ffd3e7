// The codes of a part along a row of the matrix: where they lie, found from the declaration, and a reader for every layout.
// What is here is the same for every instruction set; simd/code_reader-inl.hpp is the fast one.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <numeric>
#include <type_traits>

#include "quern/base/bits.hpp"
#include "quern/layout/trits.hpp"
#include "quern/storage/view.hpp"

namespace quern::inline v0 {

// The smallest integers that hold codes of so many bits.
template <unsigned Bits>
using code_t =
    std::conditional_t<Bits <= 8, std::uint8_t, std::conditional_t<Bits <= 16, std::uint16_t, std::uint32_t>>;

// ---- where: the units of a part ----

// Column g of part K is the code that weights [g * region.cols, (g + 1) * region.cols) of a row see.
template <class C, std::size_t K>
struct part_units {
  static constexpr std::size_t array = array_with<C, K>;
  static constexpr part_facts facts = parts<C>[K];
  using stored_in = array_of<C, array>;
  static constexpr bool fixed = unit_is_fixed<C, array>;

  static constexpr shape unit(shape matrix) { return unit_extent<C, array>(fixed ? sample : matrix); }
  static constexpr shape region(shape matrix) { return within(facts.region, fixed ? sample : matrix); }
  static constexpr shape grid(shape matrix) { return grid_of(facts, stored_in::unit, fixed ? sample : matrix); }
  static constexpr std::size_t bytes(shape matrix) { return unit_bytes<C, array>(fixed ? sample : matrix); }
};

// ---- any layout: one code after the other ----

// out[i] = the code of part K that column first + i of the part has in a row of the matrix.
template <class C, std::size_t K, class T>
constexpr void read_codes(const packed_view<C>& w, std::size_t row, std::size_t first, std::size_t count, T* out) {
  using P = part_units<C, K>;
  const shape matrix = w.matrix(), unit = P::unit(matrix), grid = P::grid(matrix);
  const shape units = units_of<C, P::array>(matrix);
  const std::size_t size = P::bytes(matrix);
  const auto bytes = w.array(P::array);
  const std::size_t unit_row = row / unit.rows, grid_row = row % unit.rows / P::region(matrix).rows;
  for (std::size_t i = 0; i < count; ++i) out[i] = 0;
  each_field_of<C, K>(matrix, [&]<class Order, class F>(std::size_t byte) {
    const run r{grid.count(), P::facts.bits};
    const slice held = F::holds(r);
    coord u{unit_row, first / grid.cols};
    std::size_t col = first % grid.cols;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t position = Order::position({grid_row, col}, grid);
      if (position - held.first < held.count) {
        const place at = F::at(position, r);
        const unsigned bit = at.bit % 8;
        std::uint64_t bits = 0;
        for (unsigned b = 0; b * 8 < bit + held.width; ++b)
          bits |= std::to_integer<std::uint64_t>(
                      bytes[P::stored_in::arrangement::byte(u, units, byte + at.bit / 8 + b, size)])
                  << 8 * b;
        const std::uint32_t field = static_cast<std::uint32_t>(bits >> bit) & low_bits(held.width);
        out[i] = static_cast<T>(out[i] | (held.digits ? trit_of(field, at.digit) : field << held.shift));
      }
      if (++col == grid.cols) col = 0, ++u.col;
    }
  });
}

// ---- arrays whose arrangement makes promises ----

// Unit (i, j) of `size` bytes lies whole at byte (i * units.cols + j) * size.
template <class A>
concept arranged_by_rows = arrangement<A> && requires {
  requires A::rows_are_contiguous;
};
template <class A>
concept arranged_regularly = arrangement<A> && requires {
  requires A::regular;
};

// Bytes of a unit that lie together.
template <class A>
constexpr std::size_t bytes_together(std::size_t unit_bytes) {
  if constexpr (requires { A::together(unit_bytes); }) return A::together(unit_bytes);
  else return 1;
}

// ---- places that are known when compiling ----

// Where a field holds bits of the code at one position, in bits from the first byte of a run of units; -1: nowhere.
struct spot {
  std::int32_t bit = -1;
  std::uint32_t digit = 0;
};
struct held_bits {
  unsigned width = 0, shift = 0, digits = 0;
};

// How `width` codes in a row, in the order of their columns, are made from one field.
enum class piece_kind {
  none,    // the field holds none of them
  run,     // bytes, one after the other, hold one code each, at the same bit
  window,  // all lie within a window of so many bytes, from which a byte shuffle and a shift of every lane take them
  words    // whole codes of 16 or 32 bits, one after the other
};
struct piece {
  piece_kind kind = piece_kind::none;
  std::uint32_t byte = 0;   // the first byte to read
  std::uint32_t bit = 0;    // of a run: where in each byte
  std::uint32_t digit = 0;  // of a run in base 3
  std::size_t span = 0;     // bytes to read for a window: 16, 32 or 64
};

// Bytes of the vectors that unpack: 64 where a target shuffles bytes across such a vector, else 16.
inline constexpr std::size_t narrow = 16, wide = 64;

// The fields that hold part K.
template <class C, std::size_t K>
struct unit_fields {
  using P = part_units<C, K>;
  static constexpr shape grid = P::grid(sample);
  static constexpr std::size_t per_unit = grid.cols, unit_bytes = P::bytes(sample);
  static constexpr run codes{grid.count(), P::facts.bits};

  static constexpr std::size_t fields = fields_with_part<C, P::array, K>::list::size;
  static constexpr auto held = [] {
    std::array<held_bits, fields> h{};
    std::size_t n = 0;
    each_field_of<C, K>(sample, [&]<class, class F>(std::size_t) {
      const slice s = F::holds(codes);
      h[n++] = {s.width, s.digits ? 0 : s.shift, s.digits};
    });
    return h;
  }();
};

// The places of part K in `Units` units that lie one after the other.
template <class C, std::size_t K, std::size_t Units>
struct unit_run : unit_fields<C, K> {
  using B = unit_fields<C, K>;
  using B::fields, B::grid, B::per_unit, B::unit_bytes;
  static constexpr std::size_t count = per_unit * Units, bytes = unit_bytes * Units;

  // [field][column], in one row of the units' codes.
  using spots_of_row = std::array<std::array<spot, count>, fields>;
  static constexpr spots_of_row spots_in(std::size_t row) {
    spots_of_row at{};
    std::size_t n = 0;
    each_field_of<C, K>(sample, [&]<class Order, class F>(std::size_t byte) {
      const slice s = F::holds(B::codes);
      for (std::size_t c = 0; c < per_unit; ++c) {
        const std::size_t p = Order::position({row, c}, grid);
        if (p - s.first >= s.count) continue;
        const place here = F::at(p, B::codes);
        for (std::size_t u = 0; u < Units; ++u)
          at[n][u * per_unit + c] = {static_cast<std::int32_t>((u * unit_bytes + byte) * 8 + here.bit), here.digit};
      }
      ++n;
    });
    return at;
  }
  static constexpr spots_of_row spots = spots_in(0);
};

// The bytes that codes [first, end), at most 8 of them, have bits in, in rising order.
struct byte_list {
  std::array<std::int32_t, 16> bytes{};
  std::size_t count = 0;
};
template <std::size_t Count>
constexpr byte_list bytes_of_eight(const std::array<spot, Count>& spots, held_bits h, std::size_t first,
                                   std::size_t end) {
  byte_list l;
  const auto add = [&](std::int32_t byte) {
    std::size_t i = 0;
    while (i < l.count && l.bytes[i] < byte) ++i;
    if (i < l.count && l.bytes[i] == byte) return;
    for (std::size_t j = l.count++; j > i; --j) l.bytes[j] = l.bytes[j - 1];
    l.bytes[i] = byte;
  };
  for (std::size_t i = first; i < end; ++i) {
    if (spots[i].bit < 0) continue;
    add(spots[i].bit / 8);
    add((spots[i].bit + static_cast<std::int32_t>(h.width) - 1) / 8);
  }
  return l;
}

// How codes [first, first + width) of a row lie in one field; false if there is no way that serves a shuffle of `window` bytes.
template <std::size_t Count>
constexpr bool find_piece(const std::array<spot, Count>& spots, held_bits h, std::size_t first, std::size_t width,
                          std::size_t window, piece& out) {
  bool any = false, straight = true, within_byte = true;
  std::int32_t least = 1 << 30, most = 0;  // bytes
  const spot head = spots[first];
  const std::int32_t step = h.width <= 8 ? 8 : static_cast<std::int32_t>(h.width);
  for (std::size_t i = 0; i < width; ++i) {
    const spot s = spots[first + i];
    straight = straight && s.digit == head.digit && s.bit == head.bit + step * static_cast<std::int32_t>(i);
    if (s.bit < 0) continue;
    any = true;
    const std::int32_t last = (s.bit + static_cast<std::int32_t>(h.width) - 1) / 8;
    least = s.bit / 8 < least ? s.bit / 8 : least;
    most = last > most ? last : most;
    within_byte = within_byte && s.bit / 8 == last;
  }
  out = {};
  if (!any) return true;
  straight = straight && head.bit >= 0;
  out.byte = static_cast<std::uint32_t>(least);
  if (h.width > 8) {
    out.kind = piece_kind::words;
    return straight && head.bit % 8 == 0 && (h.width == 16 || h.width == 32);
  }
  if (straight && within_byte) {
    out.kind = piece_kind::run, out.bit = static_cast<std::uint32_t>(head.bit % 8), out.digit = head.digit;
    return true;
  }
  out.kind = piece_kind::window;
  out.span = std::bit_ceil(std::max(narrow, static_cast<std::size_t>(most - least + 1)));
  if (width > window || out.span > window) return false;
  if (within_byte || window == narrow) return true;
  for (std::size_t i = first; i < first + width;
       i += 8)  // every 8 codes must lie in 8 bytes, not necessarily neighbours
    if (bytes_of_eight(spots, h, i, std::min(first + width, i + 8)).count > 8) return false;
  return true;
}

// Whether a row's codes are made of pieces.
template <class Places>
constexpr bool pieces_serve(const typename Places::spots_of_row& spots, std::size_t width, std::size_t window) {
  piece p;
  for (std::size_t f = 0; f < Places::fields; ++f)
    for (std::size_t c = 0; c + width <= Places::count; c += width)
      if (!find_piece(spots[f], Places::held[f], c, width, window, p)) return false;
  return true;
}

// How the codes of part K along a row are read.
enum class reading {
  any,         // read_codes
  neighbours,  // fields whose codes lie in neighbouring bytes or words, at places that depend on the matrix
  columns,     // units have one code in each row: at the same place in every unit
  each,        // one code after the other from places that are known when compiling
  pieces,      // `units` units at a time, in pieces of `width` codes
  rows,        // the same, with other pieces for each row of a unit
  row_runs,    // codes of 8 bits; a unit has several rows of them, and those of a row lie one after the other
  whole        // nothing to do: the bytes are the codes
};
struct row_plan {
  reading how = reading::any;
  std::size_t units = 1, width = 0;
};

// [row][field] of units with one code in each row.
template <class C, std::size_t K>
inline constexpr auto column_spots = [] {
  using R = unit_run<C, K, 1>;
  std::array<std::array<spot, R::fields>, R::grid.rows> t{};
  for (std::size_t row = 0; row < R::grid.rows; ++row) {
    const auto spots = R::spots_in(row);
    for (std::size_t f = 0; f < R::fields; ++f) t[row][f] = spots[f][0];
  }
  return t;
}();

// Whether codes of whole bytes lie one after the other, with nothing between them.
template <class C, std::size_t K>
constexpr bool stored_whole() {
  using R = unit_run<C, K, 1>;
  constexpr unsigned bits = R::P::facts.bits;
  if (!arranged_by_rows<typename R::P::stored_in::arrangement> || R::fields != 1 || R::bytes * 8 != R::count * bits)
    return false;
  if (bits != 8 && (std::endian::native != std::endian::little || (bits != 16 && bits != 32))) return false;
  for (std::size_t i = 0; i < R::count; ++i)
    if (R::held[0].digits != 0 || R::spots[0][i].bit != static_cast<std::int32_t>(i * bits)) return false;
  return true;
}

// Whether the codes of every row of a unit are bytes that lie one after the other.
template <class C, std::size_t K>
constexpr bool stored_in_row_runs() {
  using R = unit_run<C, K, 1>;
  if (R::fields != 1 || R::held[0].width != 8 || R::P::facts.bits != 8 || R::held[0].digits != 0) return false;
  for (std::size_t row = 0; row < R::grid.rows; ++row) {
    const auto spots = R::spots_in(row);
    for (std::size_t c = 0; c < R::count; ++c)
      if (spots[0][c].bit != spots[0][0].bit + static_cast<std::int32_t>(8 * c) || spots[0][c].bit % 8 != 0)
        return false;
  }
  return true;
}

// Whether every field of a part promises neighbours, in the order of rows.
template <class C, std::size_t K>
constexpr bool stored_in_neighbours() {
  using P = part_units<C, K>;
  bool ok = arranged_by_rows<typename P::stored_in::arrangement> && P::facts.bits <= 8;
  each_field_of<C, K>(sample, [&]<class Order, class F>(std::size_t) {
    ok = ok && (neighbourly_field<F> || word_neighbourly_field<F>) && std::is_same_v<Order, row_major>;
  });
  return ok;
}

inline constexpr std::size_t most_row_tables = 64;

// Reading in the widest pieces, of Width codes or fewer, that fill a run of units; width 0 if there are none.
template <class C, std::size_t K, std::size_t Window, std::size_t Width>
constexpr row_plan plan_in_pieces() {
  using U = unit_fields<C, K>;
  constexpr std::size_t units = std::lcm(U::grid.cols, Width) / U::grid.cols, pieces = units * U::grid.cols / Width;
  constexpr bool one_row = U::grid.rows == 1;
  if constexpr ((units == 1 || units * U::unit_bytes <= 256) &&
                (one_row || U::grid.rows * U::fields * pieces <= most_row_tables)) {
    constexpr bool serve = [] {
      using places = unit_run<C, K, units>;
      for (std::size_t row = 0; row < U::grid.rows; ++row)
        if (!pieces_serve<places>(row == 0 ? places::spots : places::spots_in(row), Width, Window)) return false;
      return true;
    }();
    if constexpr (serve) return {one_row ? reading::pieces : reading::rows, units, Width};
  }
  if constexpr (Width > 4) return plan_in_pieces<C, K, Window, Width / 2>();
  return {};
}

template <class C, std::size_t K, std::size_t Window>
inline constexpr row_plan plan_of = [] {
  using P = part_units<C, K>;
  using A = typename P::stored_in::arrangement;
  if constexpr (P::fixed) {
    constexpr shape grid = P::grid(sample);
    constexpr bool one_row = grid.rows == 1;
    constexpr std::size_t bytes = P::bytes(sample);
    // Few codes, units apart.
    if constexpr (grid.cols == 1 && grid.rows <= 256 && P::facts.region.cols >= 8 && arranged_regularly<A> &&
                  !(one_row && arranged_by_rows<A>))
      return row_plan{reading::columns, 1, 1};
    if constexpr ((one_row && grid.cols <= 1024 && bytes <= 4096) ||
                  (grid.cols <= 64 && grid.rows <= 256 && P::facts.bits <= 8)) {
      if constexpr (one_row)
        if (stored_whole<C, K>()) return row_plan{reading::whole, 1, 1};
      constexpr row_plan found = plan_in_pieces<C, K, Window, 64>();
      if constexpr (found.width != 0) return found;
      if constexpr (!one_row && grid.cols <= 16 && grid.rows <= 256)
        if (stored_in_row_runs<C, K>()) return row_plan{reading::row_runs, 1, 1};
      if (one_row && grid.cols <= 16) return row_plan{reading::each, 1, 1};
    }
  }
  if constexpr (stored_in_neighbours<C, K>()) return row_plan{reading::neighbours, 1, 1};
  return row_plan{};
}();

}  // namespace quern::inline v0
