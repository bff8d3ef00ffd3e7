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
  none,   // every code begins at bit 0 of its byte
  words,  // code i begins at bit at[i] of the 8 bytes that byte i of the shuffle lies in
  pairs   // only as pairs of bytes
};

template <std::size_t Window>
struct window_tables {
  static constexpr std::size_t pair_lanes = Window == narrow ? Window : 0;  // a wide shuffle has no need of pairs
  window_shifts shifts = window_shifts::pairs;
  alignas(Window) std::array<std::uint8_t, Window> index{}, at{}, mask{};
  alignas(16) std::array<std::uint8_t, 2 * pair_lanes> pairs{};  // code i from bytes 2 i and 2 i + 1, in the host's order
  alignas(16) std::array<std::uint16_t, pair_lanes> factor{};    // 2^(16 - width - bit)
  bool operator==(const window_tables&) const = default;
};

// For codes [first, first + count) of a row, which may be fewer than a vector, in one field; `from` is the byte that the
// vector is loaded from.
template <std::size_t Window, std::size_t Count>
constexpr window_tables<Window> make_window_tables(const std::array<spot, Count>& spots, unsigned field_width, std::size_t first,
                                                   std::size_t count, std::uint32_t from) {
  const auto width = static_cast<std::int32_t>(field_width);
  window_tables<Window> t;
  bool aligned = true, within_byte = true, within_words = true;
  std::array<std::int32_t, Window> bit{};  // from the vector's first byte; -1: none
  for (std::size_t i = 0; i < Window; ++i) {
    const std::int32_t b = i < count ? spots[first + i].bit : -1;
    bit[i] = b < 0 ? -1 : b - static_cast<std::int32_t>(from) * 8;
    if (b < 0) continue;
    aligned = aligned && b % 8 == 0;
    within_byte = within_byte && b % 8 + width <= 8;
  }
  for (std::size_t h = 0; h < Window; h += 8) {
    std::int32_t least = Window - 8, most = 0;  // the bytes that 8 codes begin and end with
    for (std::size_t i = h; i < h + 8; ++i) {
      if (bit[i] < 0) continue;
      least = std::min(least, bit[i] / 8);
      most = std::max(most, (bit[i] + width - 1) / 8);
    }
    within_words = within_words && most - least < 8;
    for (std::size_t i = h; i < h + 8; ++i) {
      const std::int32_t b = bit[i] < 0 ? (within_byte ? 0 : least * 8) : bit[i], lane = static_cast<std::int32_t>(i % 8);
      t.index[i] = static_cast<std::uint8_t>(within_byte ? b / 8 : least + lane);
      t.at[i] = static_cast<std::uint8_t>(within_byte ? lane * 8 + b % 8 : b - least * 8);
      t.mask[i] = static_cast<std::uint8_t>(bit[i] < 0 ? 0 : low_bits(field_width));
      if constexpr (Window == narrow) {
        const auto one = static_cast<std::uint8_t>(b / 8), other = static_cast<std::uint8_t>((b + width - 1) / 8);
        constexpr bool little = std::endian::native == std::endian::little;
        t.pairs[2 * i] = little ? one : other;
        t.pairs[2 * i + 1] = little ? other : one;
        t.factor[i] = static_cast<std::uint16_t>(1u << (16 - width - b % 8));
      }
    }
  }
  t.shifts = aligned ? window_shifts::none : within_byte || within_words ? window_shifts::words : window_shifts::pairs;
  return t;
}

// ---- units with one row of a part's codes ----

template <class C, std::size_t K, std::size_t Window>
struct unpack_plan {
  static constexpr std::size_t units = plan_of<C, K, Window>.units, width = plan_of<C, K, Window>.width, window = Window;
  using places = unit_run<C, K, units>;
  static constexpr std::size_t pieces = places::count / width;

  // [field][piece]
  static constexpr auto piece_at = [] {
    std::array<std::array<piece, pieces>, places::fields> all_pieces{};
    for (std::size_t f = 0; f < places::fields; ++f)
      for (std::size_t b = 0; b < pieces; ++b) find_piece(places::spots[f], places::held[f], b * width, width, Window, all_pieces[f][b]);
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
inline constexpr auto own_tables = make_window_tables<Plan::window>(Plan::places::spots[Field], Plan::places::held[Field].width,
                                                                    Piece * Plan::width, Plan::width, Plan::piece_at[Field][Piece].byte);

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
  // [row][field][piece]
  static constexpr auto windows = [] {
    std::array<std::array<std::array<row_window<Window>, pieces>, places::fields>, rows> t{};
    for (std::size_t r = 0; r < rows; ++r) {
      const auto spots = places::spots_in(r);
      for (std::size_t f = 0; f < places::fields; ++f)
        for (std::size_t b = 0; b < pieces; ++b) {
          piece p;
          find_piece(spots[f], places::held[f], b * width, width, Window, p);
          t[r][f][b] = {p.byte, make_window_tables<Window>(spots[f], places::held[f].width, b * width, width, p.byte)};
        }
    }
    return t;
  }();
};

}  // namespace quern::inline v0
