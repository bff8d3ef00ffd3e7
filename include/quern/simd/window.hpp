// The plan by which a run of units is unpacked, and the tables of its byte shuffles. Constants only, the same for every
// instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "quern/storage/row_codes.hpp"

namespace quern::inline v0 {

enum class window_shifts {
  none,  // every code begins at bit 0 of its byte
  words,  // code i begins at bit at[i] of the 8 bytes that byte i of the shuffle lies in; in base 3, at[i] is a power of three
  pairs  // only as pairs of bytes
};

constexpr std::uint8_t power_of_three(std::uint32_t exponent) {
  std::uint8_t p = 1;
  while (exponent-- > 0) p = static_cast<std::uint8_t>(3 * p);
  return p;
}

template <std::size_t Window>
struct window_tables {
  static constexpr std::size_t pair_lanes = Window == narrow ? Window : 0;  // a wide shuffle has no need of pairs
  window_shifts shifts = window_shifts::pairs;
  alignas(Window) std::array<std::uint8_t, Window> index{}, at{}, mask{};
  alignas(
      16) std::array<std::uint8_t, 2 * pair_lanes> pairs{};    // code i from bytes 2 i and 2 i + 1, in the host's order
  alignas(16) std::array<std::uint16_t, pair_lanes> factor{};  // 2^(16 - width - bit)
  bool operator==(const window_tables&) const = default;
};

// For codes [first, first + count) of a row, which may be fewer than a vector, in one field; `from` is the byte that the
// vector is loaded from.
template <std::size_t Window, std::size_t Count>
constexpr window_tables<Window> make_window_tables(const std::array<spot, Count>& spots, held_bits held,
                                                   std::size_t first, std::size_t count, std::uint32_t from) {
  const auto width = static_cast<std::int32_t>(held.width), origin = static_cast<std::int32_t>(from);
  window_tables<Window> t;
  bool aligned = true, within_byte = true;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t b = spots[first + i].bit;
    if (b < 0) continue;
    aligned = aligned && b % 8 == 0;
    within_byte = within_byte && b % 8 + width <= 8;
  }
  t.shifts = window_shifts::words;
  for (std::size_t h = 0; h < count; h += 8) {
    const std::size_t end = std::min(count, h + 8);
    const byte_list eight = bytes_of_eight(spots, held, first + h, first + end);
    if (!within_byte && eight.count > 8) t.shifts = window_shifts::pairs;
    if (!within_byte)
      for (std::size_t i = 0; i < 8 && i < eight.count; ++i)
        t.index[h + i] = static_cast<std::uint8_t>(eight.bytes[i] - origin);
    for (std::size_t i = h; i < end; ++i) {
      const spot s = spots[first + i];
      if (s.bit < 0) continue;
      std::size_t slot = i - h;  // of its byte among the eight
      if (within_byte) t.index[i] = static_cast<std::uint8_t>(s.bit / 8 - origin);
      else
        for (slot = 0; slot < 7 && eight.bytes[slot] != s.bit / 8;) ++slot;
      t.at[i] = held.digits ? power_of_three(s.digit)
                            : static_cast<std::uint8_t>(slot * 8 + static_cast<std::size_t>(s.bit % 8));
      t.mask[i] = static_cast<std::uint8_t>(low_bits(held.width));
      if constexpr (Window == narrow) {
        const auto one = static_cast<std::uint8_t>(s.bit / 8 - origin),
                   other = static_cast<std::uint8_t>((s.bit + width - 1) / 8 - origin);
        constexpr bool little = std::endian::native == std::endian::little;
        t.pairs[2 * i] = little ? one : other;
        t.pairs[2 * i + 1] = little ? other : one;
        t.factor[i] = static_cast<std::uint16_t>(1u << (16 - width - s.bit % 8));
      }
    }
  }
  if (aligned) t.shifts = window_shifts::none;
  return t;
}

// The tables of `width` codes for a vector full of them: those of every other window lie in the second of two vectors.
template <std::size_t Window>
constexpr void fill_vector(window_tables<Window>& t, std::size_t width) {
  for (std::size_t i = width; i < Window; ++i) {
    t.index[i] = static_cast<std::uint8_t>(t.index[i % width] + i / width % 2 * Window);
    t.at[i] = t.at[i % width];
    t.mask[i] = t.mask[i % width];
  }
}

// ---- units with one row of a part's codes ----

template <class C, std::size_t K, std::size_t Window>
struct unpack_plan {
  static constexpr std::size_t units = plan_of<C, K, Window>.units, width = plan_of<C, K, Window>.width,
                               window = Window;
  using places = unit_run<C, K, units>;
  static constexpr std::size_t pieces = places::count / width;

  // [field][piece]
  static constexpr auto piece_at = [] {
    std::array<std::array<piece, pieces>, places::fields> all_pieces{};
    for (std::size_t f = 0; f < places::fields; ++f)
      for (std::size_t b = 0; b < pieces; ++b)
        find_piece(places::spots[f], places::held[f], b * width, width, Window, all_pieces[f][b]);
    return all_pieces;
  }();

  // Bytes of a vector of codes, and how far from the first byte of the first unit unpacking reads.
  static constexpr std::size_t vector = [] {
    for (const auto& field : piece_at)
      for (const piece& p : field)
        if (p.kind == piece_kind::window) return Window;
    return width < 16 ? std::size_t{16} : width;
  }();
  static constexpr std::size_t reach = [] {
    std::size_t n = places::bytes;
    for (std::size_t f = 0; f < places::fields; ++f)
      for (const piece& p : piece_at[f]) {
        const std::size_t read = p.kind == piece_kind::none     ? 0
                                 : p.kind == piece_kind::words  ? width * places::held[f].width / 8
                                 : p.kind == piece_kind::window ? p.span
                                                                : std::max(vector, width);
        n = std::max(n, p.byte + read);
      }
    return n;
  }();
};

template <class Plan, std::size_t Field, std::size_t Piece>
inline constexpr auto own_tables = make_window_tables<Plan::window>(Plan::places::spots[Field],
                                                                    Plan::places::held[Field], Piece* Plan::width,
                                                                    Plan::width, Plan::piece_at[Field][Piece].byte);

// Pieces whose tables are equal share those of the first.
template <class Plan, std::size_t Field, std::size_t Piece>
constexpr const auto& tables_of() {
  if constexpr (Piece > 0 && Plan::piece_at[Field][0].kind == piece_kind::window) {
    if constexpr (own_tables<Plan, Field, Piece> == own_tables<Plan, Field, 0>) return own_tables<Plan, Field, 0>;
    else return own_tables<Plan, Field, Piece>;
  } else {
    return own_tables<Plan, Field, Piece>;
  }
}

// ---- units with several rows: every piece of every row is a window ----

template <std::size_t Window>
struct row_window {
  std::size_t byte = 0;
  window_tables<Window> tables{};
};

template <class C, std::size_t K, std::size_t Window>
struct row_unpack_plan {
  static constexpr std::size_t units = plan_of<C, K, Window>.units, width = plan_of<C, K, Window>.width;
  using places = unit_run<C, K, units>;
  static constexpr std::size_t rows = places::grid.rows, pieces = places::count / width;
  static constexpr std::size_t reach = places::bytes + Window;
  // Runs whose codes fill a vector, in a row of a unit whose codes are one piece; loaded as two vectors or two pairs.
  static constexpr std::size_t together =
      Window == wide && pieces == 1 && (width == 16 || width == 32) ? Window / width : 1;
  // [row][field][piece]
  static constexpr auto windows = [] {
    std::array<std::array<std::array<row_window<Window>, pieces>, places::fields>, rows> t{};
    for (std::size_t r = 0; r < rows; ++r) {
      const auto spots = places::spots_in(r);
      for (std::size_t f = 0; f < places::fields; ++f)
        for (std::size_t b = 0; b < pieces; ++b) {
          piece p;
          find_piece(spots[f], places::held[f], b * width, width, Window, p);
          if (places::bytes <= Window) p.byte = 0;  // the same bytes for every row, and aligned where units are
          t[r][f][b] = {p.byte, make_window_tables<Window>(spots[f], places::held[f], b * width, width, p.byte)};
          if (together > 1) fill_vector(t[r][f][b].tables, width);
        }
    }
    return t;
  }();
};

}  // namespace quern::inline v0
