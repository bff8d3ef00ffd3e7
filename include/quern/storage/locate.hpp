// The locator: where the bits of one code lie in the arrays of a matrix. Every scalar reader and writer stands on it.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/bits.hpp"
#include "quern/layout/trits.hpp"
#include "quern/storage/view.hpp"

namespace quern::inline v0 {

// Calls visit(array, held, place, address) for each field's slice of the code of part `Part` that the weight at w uses:
// the place's bit is counted from its first byte, and address(b) is where byte b from there lies in the array.
template <class C, std::size_t Part>
constexpr void locate(shape matrix, coord w, auto visit) {
  constexpr std::size_t I = array_with<C, Part>;
  using A = array_of<C, I>;
  constexpr part_facts facts = parts<C>[Part];
  const shape unit = unit_extent<C, I>(matrix), region = within(facts.region, matrix);
  const shape grid = grid_of(facts, A::unit, matrix), units = units_of<C, I>(matrix);
  const coord u{w.row / unit.rows, w.col / unit.cols};
  const coord c{w.row % unit.rows / region.rows, w.col % unit.cols / region.cols};
  const std::size_t size = unit_bytes<C, I>(matrix);
  each_field_of<C, Part>(matrix, [&]<class Order, class F>(std::size_t byte) {
    const run r{grid.count(), facts.bits};
    const std::size_t position = Order::position(c, grid);
    const slice held = F::holds(r);
    if (position - held.first >= held.count) return;
    const place at = F::at(position, r);
    visit(I, held, place{at.bit % 8, at.digit},
          [=](std::size_t b) { return A::arrangement::byte(u, units, byte + at.bit / 8 + b, size); });
  });
}

// The code of part `Part` that the weight at w of the whole matrix (not of a window of rows) uses.
template <std::size_t Part, class C, class Byte>
constexpr std::uint32_t code_at(const basic_packed_view<C, Byte>& v, coord w) {
  std::uint32_t code = 0;
  locate<C, Part>(v.matrix(), w, [&](std::size_t array, slice held, place at, auto address) {
    std::uint64_t bits = 0;
    for (std::size_t b = 0; b * 8 < at.bit + held.width; ++b)
      bits |= std::to_integer<std::uint64_t>(v.array(array)[address(b)]) << 8 * b;
    const std::uint32_t field = static_cast<std::uint32_t>(bits >> at.bit) & low_bits(held.width);
    code |= held.digits ? trit_of(field, at.digit) : field << held.shift;
  });
  return code;
}

template <std::size_t Part, class C>
constexpr void set_code(const packed_span<C>& v, coord w, std::uint32_t code) {
  locate<C, Part>(v.matrix(), w, [&](std::size_t array, slice held, place at, auto address) {
    if (held.digits) {
      std::byte& byte = v.array(array)[address(0)];
      byte = static_cast<std::byte>(with_trit(std::to_integer<std::uint32_t>(byte), at.digit, code));
      return;
    }
    const std::uint64_t mask = std::uint64_t{low_bits(held.width)} << at.bit;
    const std::uint64_t bits = std::uint64_t{code >> held.shift} << at.bit & mask;
    for (std::size_t b = 0; b * 8 < at.bit + held.width; ++b) {
      std::byte& byte = v.array(array)[address(b)];
      byte = (byte & static_cast<std::byte>(~mask >> 8 * b)) | static_cast<std::byte>(bits >> 8 * b);
    }
  });
}

// By name: code_at<scale<1>>(view, w).
template <class Part, class C, class Byte>
constexpr std::uint32_t code_at(const basic_packed_view<C, Byte>& v, coord w) {
  return code_at<index_of<C>(Part::id)>(v, w);
}
template <class Part, class C>
constexpr void set_code(const packed_span<C>& v, coord w, std::uint32_t code) {
  set_code<index_of<C>(Part::id)>(v, w, code);
}

}  // namespace quern::inline v0
