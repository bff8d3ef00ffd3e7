// The plan by which a run of units is unpacked, and the tables of its byte shuffles. Constants only, the same for every
// instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <bit>
#include <cstdint>

#include "quern/storage/row_codes.hpp"

namespace quern::inline v0 {

template <class C, std::size_t K>
struct unpack_plan {
  static constexpr std::size_t units = plan_of<C, K>.units, width = plan_of<C, K>.width;
  using run_type = unit_run<C, K, units>;
  static constexpr std::size_t pieces = run_type::count / width;

  template <std::size_t Field, std::size_t Piece>
  static constexpr piece piece_of = [] {
    piece p;
    run_type::find_piece(Field, Piece * width, width, p);
    return p;
  }();

  // Bytes, from the first unit's first, that unpacking reads.
  static constexpr std::size_t reach = [] {
    std::size_t n = run_type::bytes;
    for (std::size_t f = 0; f < run_type::fields; ++f)
      for (std::size_t b = 0; b < pieces; ++b) {
        piece p;
        run_type::find_piece(f, b * width, width, p);
        const std::size_t read = p.kind == piece_kind::none     ? 0
                                 : p.kind == piece_kind::words  ? width * run_type::held[f].width / 8
                                 : p.kind == piece_kind::window ? 16
                                                                : (width < 16 ? 16 : width);
        n = p.byte + read > n ? p.byte + read : n;
      }
    return n;
  }();
};

enum class window_shifts {
  none,   // every code begins at bit 0 of its byte
  words,  // in the 8 bytes that byte i of the shuffle lies in, code i begins at bit at[i]
  pairs   // only as pairs of bytes
};

struct window_tables {
  window_shifts shifts = window_shifts::pairs;
  alignas(16) std::array<std::uint8_t, 16> index{}, at{}, mask{};
  alignas(16) std::array<std::uint8_t, 32> pairs{};    // code i from bytes 2 i and 2 i + 1 of the shuffle, in the host's order
  alignas(16) std::array<std::uint16_t, 16> factor{};  // 2^(16 - width - bit)
};

// Of the codes of one piece, which may be fewer than 16.
template <class Plan, std::size_t Field, std::size_t Piece>
struct window {
  static constexpr window_tables tables = [] {
    using R = typename Plan::run_type;
    constexpr unsigned width = R::held[Field].width;
    constexpr piece p = Plan::template piece_of<Field, Piece>;
    window_tables t;
    bool aligned = true, within_byte = true, within_words = true;
    std::array<std::int32_t, 16> bit{};  // from the window's first byte; -1: none
    for (std::size_t i = 0; i < 16; ++i) {
      const std::int32_t b = i < Plan::width ? R::spots[Field][Piece * Plan::width + i].bit : -1;
      bit[i] = b < 0 ? -1 : b - static_cast<std::int32_t>(p.byte) * 8;
      if (b < 0) continue;
      aligned = aligned && b % 8 == 0;
      within_byte = within_byte && b % 8 + width <= 8;
    }
    for (std::size_t h = 0; h < 16; h += 8) {  // the byte that 8 codes begin with
      std::int32_t least = 8, most = 0;
      for (std::size_t i = h; i < h + 8; ++i) {
        if (bit[i] < 0) continue;
        least = bit[i] / 8 < least ? bit[i] / 8 : least;
        const std::int32_t last = (bit[i] + static_cast<std::int32_t>(width) - 1) / 8;
        most = last > most ? last : most;
      }
      within_words = within_words && most - least < 8;
      for (std::size_t i = h; i < h + 8; ++i) {
        const std::int32_t b = bit[i] < 0 ? 0 : bit[i];
        const auto lane = static_cast<std::int32_t>(i % 8);
        t.index[i] = static_cast<std::uint8_t>(within_byte ? b / 8 : least + lane);
        t.at[i] = static_cast<std::uint8_t>(within_byte ? lane * 8 + b % 8 : b - least * 8);
        t.mask[i] = static_cast<std::uint8_t>(bit[i] < 0 ? 0 : low_bits(width));
        const auto first = static_cast<std::uint8_t>(b / 8);
        const auto second = static_cast<std::uint8_t>((b + static_cast<std::int32_t>(width) - 1) / 8);
        const bool little = std::endian::native == std::endian::little;
        t.pairs[2 * i] = little ? first : second;
        t.pairs[2 * i + 1] = little ? second : first;
        t.factor[i] = static_cast<std::uint16_t>(1u << (16 - width - static_cast<unsigned>(b % 8)));
      }
    }
    t.shifts = aligned ? window_shifts::none : within_byte || within_words ? window_shifts::words : window_shifts::pairs;
    if (aligned)
      for (std::size_t i = 0; i < 16; ++i) t.index[i] = static_cast<std::uint8_t>(bit[i] < 0 ? 0 : bit[i] / 8);
    return t;
  }();
};

}  // namespace quern::inline v0
