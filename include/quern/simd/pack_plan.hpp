// The plan by which a run of units is packed: which bytes of the codes of a row make which bytes of storage. Constants
// only, the same for every instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>

#include "quern/storage/codes.hpp"
#include "quern/storage/row_codes.hpp"

namespace quern::inline v0 {

// How a field's bits of all codes of a run are written.
enum class pack_kind {
  runs,    // pieces of `run_width` codes lie at one bit of as many bytes
  bits,    // one bit of each code, one after the other
  eights,  // every eight codes fill `width` bytes
  words,   // whole codes of 16 or 32 bits, one after the other
  spots    // anything else: code by code
};

// A piece of the codes that lies in a stretch of bytes.
struct pack_member {
  std::size_t field = 0, first = 0;
  unsigned bit = 0, digit = 0;
};
// A stretch of bytes, and which of their bits its members fill.
struct pack_stretch {
  std::size_t byte = 0, members = 0;
  std::uint32_t filled = 0;
  bool digits = false;
};

// For the codes of C, if their unit has one row of them, of a size that is known when compiling.
template <class C>
struct pack_plan {
  using P = part_units<C, 0>;
  static constexpr std::size_t per_unit = P::grid(sample).cols;
  static constexpr std::size_t units = per_unit >= 32 ? 1 : std::lcm(per_unit, std::size_t{64}) / per_unit;
  using run_type = unit_run<C, 0, units>;
  static constexpr std::size_t count = run_type::count, fields = run_type::fields;
  static constexpr unsigned bits = P::facts.bits;

  // Whether codes [first, first + width) lie in as many bytes, one after the other, at the same bit; or none of them anywhere.
  static constexpr bool is_run(std::size_t field, std::size_t first, std::size_t width) {
    const auto& spots = run_type::spots[field];
    const spot head = spots[first];
    if (head.bit >= 0 && static_cast<unsigned>(head.bit) % 8 + run_type::held[field].width > 8) return false;
    for (std::size_t i = 0; i < width; ++i) {
      const spot s = spots[first + i];
      if (head.bit < 0 ? s.bit >= 0 : s.bit != head.bit + 8 * static_cast<std::int32_t>(i) || s.digit != head.digit)
        return false;
    }
    return true;
  }

  // The widest pieces that all fields could be written in as runs, field by field; 0: none.
  static constexpr std::size_t runs_of(std::size_t field) {
    for (std::size_t width = 64; width >= 4; width /= 2) {
      bool ok = count % width == 0;
      for (std::size_t c = 0; ok && c < count; c += width) ok = is_run(field, c, width);
      if (ok) return width;
    }
    return 0;
  }
  // Pieces of so many codes whose bits lie one after the other; 0: none.
  static constexpr std::size_t bits_of(std::size_t field) {
    if (run_type::held[field].width != 1) return 0;
    for (std::size_t width = 64; width >= 16; width /= 2) {
      bool ok = count % width == 0;
      for (std::size_t c = 0; ok && c < count; ++c) {
        const std::int32_t head = run_type::spots[field][c / width * width].bit;
        ok = head >= 0 && head % 8 == 0 && run_type::spots[field][c].bit == head + static_cast<std::int32_t>(c % width);
      }
      if (ok) return width;
    }
    return 0;
  }
  // Whether every eight codes fill `width` bytes, in the same order, and every sixteen twice as many.
  static constexpr bool eights_of(std::size_t field) {
    const auto width = static_cast<std::int32_t>(run_type::held[field].width);
    if (count % 16 != 0 || width > 7 || run_type::held[field].digits != 0) return false;
    for (std::size_t c = 0; c < count; c += 16) {
      const std::int32_t head = least_bit(field, c) / 8 * 8;
      for (std::size_t i = 0; i < 16; ++i) {
        const std::int32_t b = run_type::spots[field][c + i].bit - head - (i < 8 ? 0 : 8 * width);
        if (b < 0 || b >= 8 * width || b % width != 0) return false;
        if (b != run_type::spots[field][i % 8].bit - least_bit(field, 0) / 8 * 8) return false;
      }
    }
    return true;
  }
  static constexpr std::int32_t least_bit(std::size_t field, std::size_t first) {
    std::int32_t least = run_type::spots[field][first].bit;
    for (std::size_t i = 1; i < 8; ++i)
      least = run_type::spots[field][first + i].bit < least ? run_type::spots[field][first + i].bit : least;
    return least;
  }
  static constexpr bool words_of(std::size_t field) {
    const held_bits h = run_type::held[field];
    if ((h.width != 16 && h.width != 32) || h.shift != 0) return false;
    const std::int32_t head = run_type::spots[field][0].bit;
    if (head < 0 || head % 8 != 0) return false;
    for (std::size_t c = 0; c < count; ++c)
      if (run_type::spots[field][c].bit != head + static_cast<std::int32_t>(c * h.width)) return false;
    return true;
  }

  // Whether the codes of a unit lie one after the other, each with all of its up to 7 bits.
  static constexpr bool in_order(std::size_t field) {
    const held_bits h = run_type::held[field];
    if (h.shift != 0 || h.width != bits || bits > 7) return false;
    for (std::size_t i = 0; i < per_unit; ++i)
      if (run_type::spots[field][i].bit != static_cast<std::int32_t>(i * bits)) return false;
    return true;
  }

  static constexpr auto kinds = [] {
    std::array<pack_kind, fields> k{};
    for (std::size_t f = 0; f < fields; ++f) {
      if (bits > 8) k[f] = words_of(f) ? pack_kind::words : pack_kind::spots;
      else if (runs_of(f) != 0 && (run_type::held[f].digits == 0 || bits == 2)) k[f] = pack_kind::runs;
      else if (bits_of(f) != 0) k[f] = pack_kind::bits;
      else if (eights_of(f)) k[f] = pack_kind::eights;
      else k[f] = pack_kind::spots;
    }
    return k;
  }();
  // Codes of a piece of every field that is written in runs.
  static constexpr std::size_t run_width = [] {
    std::size_t width = 64;
    for (std::size_t f = 0; f < fields; ++f)
      if (kinds[f] == pack_kind::runs && runs_of(f) < width) width = runs_of(f);
    return width;
  }();

  static constexpr std::size_t most_members = fields * (count / run_width + 1);
  struct run_list {
    std::size_t count = 0;
    std::array<pack_stretch, most_members> stretches{};
    std::array<pack_member, most_members> members{};  // of the first stretch, then of the next
  };
  static constexpr run_list runs = [] {
    run_list l;
    std::array<pack_member, most_members> found{};
    std::array<std::size_t, most_members> byte{};
    std::size_t n = 0, m = 0;
    for (std::size_t f = 0; f < fields; ++f) {
      if (kinds[f] != pack_kind::runs) continue;
      for (std::size_t c = 0; c < count; c += run_width) {
        const spot head = run_type::spots[f][c];
        if (head.bit < 0) continue;
        const auto bit = static_cast<unsigned>(head.bit);
        found[n] = {f, c, bit % 8, head.digit}, byte[n] = bit / 8, ++n;
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      bool first = true;
      for (std::size_t j = 0; j < i; ++j) first = first && byte[j] != byte[i];
      if (!first) continue;
      pack_stretch& s = l.stretches[l.count];
      ++l.count;
      s.byte = byte[i];
      for (std::size_t j = i; j < n; ++j) {
        if (byte[j] != byte[i]) continue;
        const held_bits h = run_type::held[found[j].field];
        s.digits = h.digits != 0;
        s.filled |= s.digits ? 1u << found[j].digit : low_bits(h.width) << found[j].bit;
        l.members[m] = found[j], ++m, ++s.members;
      }
    }
    return l;
  }();

  // In place of code j of eight, the one that lies there.
  template <std::size_t Field>
  static constexpr auto order_of_eight = [] {
    std::array<std::uint8_t, 8> order{};
    const auto width = static_cast<std::int32_t>(run_type::held[Field].width);
    const std::int32_t head = least_bit(Field, 0) / 8 * 8;
    for (std::size_t i = 0; i < 8; ++i)
      order[static_cast<std::size_t>((run_type::spots[Field][i].bit - head) / width)] = static_cast<std::uint8_t>(i);
    return order;
  }();

  // Whether bytes are read before they are written, since something else may lie in them.
  static constexpr bool merges = [] {
    bool m = false;
    for (const pack_kind k : kinds) m = m || k == pack_kind::spots;
    for (std::size_t i = 0; i < runs.count; ++i)
      m = m || runs.stretches[i].filled != (runs.stretches[i].digits ? 31u : 255u);
    return m;
  }();
  // Whether all bytes of a run are written.
  static constexpr bool complete = [] {
    std::size_t written = 0;
    for (std::size_t f = 0; f < fields; ++f)
      if (run_type::held[f].digits == 0)
        for (const spot& s : run_type::spots[f]) written += s.bit >= 0 ? run_type::held[f].width : 0;
    return written == run_type::bytes * 8;
  }();
};

template <class C>
inline constexpr bool packs_by_plan = [] {
  using P = part_units<C, 0>;
  if constexpr (P::fixed) {
    constexpr shape grid = P::grid(sample);
    return grid.rows == 1 && grid.cols <= 1024 && P::bytes(sample) <= 4096;
  }
  return false;
}();

// For the codes of C where a unit has several rows of them: every 64 bytes of a run of units are shuffled from at most eight
// pieces of 16 codes. For codes of 4 and 8 bits that fill the bytes of their unit.
template <class C>
struct rows_plan {
  using P = part_units<C, 0>;
  static constexpr shape grid = P::grid(sample);
  static constexpr std::size_t unit_bytes = P::bytes(sample);
  static constexpr std::size_t units =
      std::lcm(std::lcm(unit_bytes, std::size_t{64}) / unit_bytes, std::lcm(grid.cols, std::size_t{16}) / grid.cols);
  static constexpr std::size_t cols = units * grid.cols, chunks = units * unit_bytes / 64;
  static constexpr unsigned bits = P::facts.bits, per_byte = 8 / bits;
  using run_type = unit_run<C, 0, units>;

  static constexpr std::size_t most_pieces = 8;
  // 64 bytes: code number k of byte b is that at index[k][b] of its pieces.
  struct chunk {
    std::array<coord, most_pieces> pieces{};
    std::size_t count = 0;
    alignas(64) std::array<std::array<std::uint8_t, 64>, per_byte> index{};
  };
  struct chunk_list {
    bool ok = run_type::fields == 1 && run_type::held[0].width == bits && run_type::held[0].digits == 0 &&
              unit_bytes * 8 == grid.count() * bits;
    std::array<chunk, chunks> list{};
  };
  static constexpr chunk_list all_chunks = [] {
    chunk_list l;
    for (std::size_t row = 0; l.ok && row < grid.rows; ++row) {
      const auto spots = run_type::spots_in(row);
      for (std::size_t col = 0; l.ok && col < cols; ++col) {
        const auto bit = static_cast<std::size_t>(spots[0][col].bit);
        chunk& c = l.list[bit / 512];
        const coord from{row, col / 16 * 16};
        std::size_t p = 0;
        while (p < c.count && !(c.pieces[p] == from)) ++p;
        l.ok = bit % bits == 0 && p < most_pieces;
        if (!l.ok) break;
        if (p == c.count) c.pieces[p] = from, ++c.count;
        c.index[bit % 8 / bits][bit / 8 % 64] = static_cast<std::uint8_t>(p * 16 + col % 16);
      }
    }
    return l;
  }();
};

template <class C>
inline constexpr bool packs_by_rows = [] {
  using P = part_units<C, 0>;
  if constexpr (P::fixed && (P::facts.bits == 4 || P::facts.bits == 8)) {
    constexpr shape grid = P::grid(sample);
    if constexpr (grid.rows > 1 && grid.count() <= 1024 && units_of_part<C, 0>::contiguous)
      return rows_plan<C>::all_chunks.ok;
  }
  return false;
}();

// Where in its unit each code of part K begins, if it is whole bytes in a unit of one row; -1: not so.
template <class C, std::size_t K>
struct whole_bytes {
  using P = part_units<C, K>;
  static constexpr bool plausible =
      P::fixed && P::facts.bits % 8 == 0 && P::grid(sample).rows == 1 && P::grid(sample).cols <= 1024;
  static constexpr auto byte = [] {
    if constexpr (plausible) {
      using run_type = unit_run<C, K, 1>;
      std::array<std::int32_t, run_type::count> at{};
      for (std::size_t c = 0; c < run_type::count; ++c) {
        const bool whole =
            run_type::fields == 1 && run_type::held[0].width == P::facts.bits && run_type::spots[0][c].bit % 8 == 0;
        at[c] = whole ? run_type::spots[0][c].bit / 8 : -1;
      }
      return at;
    } else {
      return std::array<std::int32_t, 1>{-1};
    }
  }();
  static constexpr bool ok = [] {
    for (const std::int32_t b : byte)
      if (b < 0) return false;
    return true;
  }();
};

}  // namespace quern::inline v0
