// A declaration as text: parts, arrays, fields, and what every bit of every byte of a unit holds. Read from the declaration
// alone, so it is true of every codec, a user's too.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "quern/codec/codec.hpp"
#include "quern/codec/name.hpp"

namespace quern::inline v0 {

// Some bits of one code in one byte: the code's bits [low, low + width) at the byte's bits [at, at + width); in base 3,
// digit `digit` of the byte.
struct bits_in_byte {
  part what;
  std::ptrdiff_t row, col;  // of the code in the unit's grid of codes
  unsigned low, width, at;
  int digit;  // -1 if not in base 3

  constexpr bool same_bits(const bits_in_byte& o) const {
    return what == o.what && low == o.low && width == o.width && at == o.at && digit == o.digit;
  }
};
using byte_content = std::vector<bits_in_byte>;

// Bytes [first, first + period * times) in `times` repetitions: in each, rows and columns have moved by the same steps.
struct byte_run {
  std::size_t first, period, times;
};

// Whether bytes a and b hold the same bits of codes that lie `n` times as far apart as those of c and d.
inline bool continues(const byte_content& a, const byte_content& b, const byte_content& c, const byte_content& d,
                      std::ptrdiff_t n) {
  if (a.size() != b.size() || a.size() != c.size() || a.size() != d.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!a[i].same_bits(b[i]) || b[i].row - a[i].row != n * (d[i].row - c[i].row) ||
        b[i].col - a[i].col != n * (d[i].col - c[i].col))
      return false;
  return true;
}

// The run from a byte on that says most in a line: the one with the most repetitions, of these that of the shortest period.
inline byte_run run_from(std::span<const byte_content> bytes, std::size_t first) {
  byte_run best{first, 1, 1};
  for (std::size_t period = 1; period <= 16 && first + 2 * period <= bytes.size(); ++period) {
    std::size_t times = 1;
    const auto repeats = [&] {
      for (std::size_t b = first; b < first + period; ++b)
        if (!continues(bytes[b], bytes[b + times * period], bytes[b], bytes[b + period],
                       static_cast<std::ptrdiff_t>(times)) ||
            !continues(bytes[b], bytes[b + period], bytes[b], bytes[b + period], 1))
          return false;
      return true;
    };
    while (first + (times + 1) * period <= bytes.size() && repeats()) ++times;
    if (times > best.times) best = {first, period, times};
  }
  return best;
}

// "3", "n + 3", "4n", "n - 1": start + step * n.
inline std::string linear(std::ptrdiff_t start, std::ptrdiff_t step) {
  if (step == 0) return std::to_string(start);
  std::string s = step == 1 ? "n" : step == -1 ? "-n" : std::to_string(step) + "n";
  if (start > 0) s += " + " + std::to_string(start);
  if (start < 0) s += " - " + std::to_string(-start);
  return s;
}

inline std::string part_name(part p) {
  switch (p.is) {
    case role::codes:
      return "codes";
    case role::scale:
      return "scale<" + std::to_string(p.level) + ">";
    case role::offset:
      return "offset<" + std::to_string(p.level) + ">";
    case role::sums:
      return "sums";
    case role::nothing:
      break;
  }
  return "nothing";
}

// "codes[n + 16] bits 3-0 @4": what a byte holds, from its lowest bit up; `next` is the byte one repetition on.
inline std::string content_text(const byte_content& now, const byte_content& next, bool rows) {
  std::string s;
  for (std::size_t i = 0; i < now.size(); ++i) {
    const bits_in_byte& b = now[i];
    s += (i ? ", " : "") + part_name(b.what);
    if (b.what != nothing::id) {
      const bits_in_byte& after = next[i];
      s += "[" + (rows ? linear(b.row, after.row - b.row) + ", " : std::string()) + linear(b.col, after.col - b.col) +
           "]";
    }
    if (b.digit >= 0) s += " digit " + std::to_string(b.digit);
    else if (b.width == 1) s += " bit " + std::to_string(b.low) + " @" + std::to_string(b.at);
    else
      s += " bits " + std::to_string(b.low + b.width - 1) + "-" + std::to_string(b.low) + " @" + std::to_string(b.at);
  }
  return s;
}

inline std::string bytes_text(std::span<const byte_content> bytes, bool rows) {
  std::string s;
  for (std::size_t b = 0; b < bytes.size();) {
    const byte_run r = run_from(bytes, b);
    const std::size_t end = b + r.period * r.times;
    const std::string first = std::to_string(b);
    if (r.times == 1) {
      s += "    byte " + first + ": " + content_text(bytes[b], bytes[b], rows) + "\n";
    } else {
      const std::string from = b == 0 ? "byte" : "byte - " + first;
      s += "    bytes " + first + "-" + std::to_string(end - 1) + ", n = ";
      if (r.period == 1) s += from + ": " + content_text(bytes[b], bytes[b + 1], rows) + "\n";
      else {
        s += (b == 0 ? from : "(" + from + ")") + " / " + std::to_string(r.period) + ":\n";
        for (std::size_t i = 0; i < r.period; ++i)
          s += "      +" + std::to_string(i) + ": " + content_text(bytes[b + i], bytes[b + r.period + i], rows) + "\n";
      }
    }
    b = end;
  }
  return s;
}

inline std::string extent_text(std::size_t n) { return n == all ? "all" : std::to_string(n); }
inline std::string extents_text(shape s) { return extent_text(s.rows) + " x " + extent_text(s.cols); }
inline std::string number_text(double x) {  // the shortest decimals, in no locale
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return {text.data(), end};
}
inline std::string padded(std::string s, std::size_t width) {
  s.resize(std::max(s.size(), width), ' ');
  return s;
}

// What every byte of a unit of an array holds. Where the unit's extent is the matrix's, the matrix is `sample`.
template <class C, std::size_t Array>
std::vector<byte_content> unit_content() {
  using A = array_of<C, Array>;
  std::vector<byte_content> bytes(unit_bytes<C, Array>(sample));
  each_field<C, Array>(sample, [&]<class Order, class F>(std::size_t byte) {
    const std::size_t k = index_of<C>(F::what);
    const run r = run_in<C>(A::unit, sample)(F::what);
    const slice held = F::holds(r);
    for (std::size_t i = held.first; i < held.first + held.count; ++i) {
      const place p = F::at(i, r);
      const coord c = k == parts<C>.size() ? coord{0, F::what == sums::id ? i : 0}
                                           : Order::at(i, grid_of(parts<C>[k], A::unit, sample));
      const auto put = [&](std::size_t bit, unsigned low, unsigned width, int digit) {
        const auto row = static_cast<std::ptrdiff_t>(c.row), col = static_cast<std::ptrdiff_t>(c.col);
        bytes[byte + bit / 8].push_back({F::what, row, col, low, width, static_cast<unsigned>(bit % 8), digit});
      };
      if (held.digits) {
        put(p.bit, 0, 8, static_cast<int>(p.digit));
        continue;
      }
      for (unsigned done = 0; done < held.width;) {  // the rest of a byte at a time
        const std::size_t bit = p.bit + done;
        const unsigned width = std::min(held.width - done, 8 - static_cast<unsigned>(bit % 8));
        put(bit, F::what == nothing::id ? 0 : held.shift + done, width, -1);
        done += width;
      }
    }
  });
  for (byte_content& b : bytes) {
    unsigned covered = 0;  // what no code covers is padding
    for (const bits_in_byte& item : b) covered |= low_bits(item.width) << item.at;
    for (unsigned at = 0, width = 1; at < 8; at += width, width = 1) {
      if (covered >> at & 1) continue;
      while (at + width < 8 && !(covered >> (at + width) & 1)) ++width;
      b.push_back({nothing::id, 0, 0, 0, width, at, -1});
    }
    std::sort(b.begin(), b.end(), [](const bits_in_byte& x, const bits_in_byte& y) {
      return x.at != y.at ? x.at < y.at : x.digit < y.digit;
    });
  }
  return bytes;
}

template <class Order, class F>
std::string field_text() {
  if constexpr (is_repeated<F>) {
    return field_text<Order, typename F::inner>() + " of every " + std::to_string(F::positions) + " positions, each " +
           std::to_string(F::pitch) + " bytes";
  } else if constexpr (std::is_same_v<Order, row_major>) {
    return std::string(name<F>);
  } else {
    return std::string(name<ordered<Order, F>>);
  }
}

template <class C, std::size_t Array>
std::string array_text() {
  using A = array_of<C, Array>;
  constexpr shape u = within(A::unit, sample);
  const bool fixed = A::unit.rows != all && A::unit.cols != all;
  const std::size_t size = unit_bytes<C, Array>(sample);
  std::string s = "array " + std::to_string(Array) + ", " + std::string(name<typename A::arrangement>) + ": ";
  s += fixed ? std::to_string(size) + " bytes for each " + extents_text(A::unit) + " weights, " +
                   number_text(8.0 * static_cast<double>(size) / static_cast<double>(u.count())) + " bits a weight\n"
             : "a unit is " + extents_text(A::unit) + " weights; of a matrix of " + extents_text(sample) + ", " +
                   std::to_string(size) + " bytes\n";
  each_field<C, Array>(sample, [&]<class Order, class F>(std::size_t byte) {
    std::size_t from = byte;
    if constexpr (is_repeated<F>) from += F::offset;
    s += "  from byte " + padded(std::to_string(from), 5) + field_text<Order, F>() + "\n";
  });
  return s + "  bits of codes @ the lowest bit of the byte that holds them\n" +
         bytes_text(unit_content<C, Array>(), u.rows > 1);
}

// Several lines of text: the policies of C; a table of its parts; of every array, the fields of a unit and what every bit
// of every byte holds. A code is named by its column in the unit's grid of codes of the part, and by its row if it has
// several. Bytes that differ by a step only are one line; nothing is left out.
template <any_codec C>
std::string describe() {
  const auto line = [](const char* what, std::string_view text) { return padded(what, 13) + std::string(text) + "\n"; };
  std::string s;
  if constexpr (says_its_name<C>) s += std::string(name<C>) + "\n";
  s += line("number", name<typename C::number>) + line("granularity", name<typename C::granularity>) +
       line("symmetry", name<typename C::symmetry>) + line("layout", name<typename C::layout>);
  s += "\npart         bits  for each       number\n";
  each_part<C>([&]<std::size_t K>() {
    constexpr part_facts p = parts<C>[K];
    const std::string bits = std::to_string(p.bits);
    s += padded(part_name(p.what), 13) + std::string(4 - std::min<std::size_t>(4, bits.size()), ' ') + bits + "  " +
         padded(extents_text(p.region), 15) + std::string(name<part_number<C, K>>) + "\n";
  });
  each_array<C>([&]<std::size_t I>() { s += "\n" + array_text<typename C::described, I>(); });
  return s;
}

}  // namespace quern::inline v0
