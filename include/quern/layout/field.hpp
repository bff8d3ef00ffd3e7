// What a field is: the place, in a unit of storage, of some bits of every code of one part.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>

#include "quern/base/shape.hpp"
#include "quern/layout/part.hpp"

namespace quern::inline v0 {

// What a field holds: bits [shift, shift + width) of the codes at positions [first, first + count). If `digits` is not
// 0, a byte holds that many base-3 digits and a code is one of them.
struct slice {
  std::size_t first, count;
  unsigned shift, width, digits = 0;
};

// Where: a bit, counted from the field's first byte (bytes are little-endian), and the digit in base 3.
struct place {
  std::size_t bit;
  unsigned digit = 0;
};

// A field says of which part it holds what, where the code at a position lies, and how many bytes it takes; 0 bytes if
// it lies in bytes that it shares with others (layout/group.hpp).
template <class F>
concept field = requires(run r) {
  { F::what } -> std::convertible_to<part>;
  { F::holds(r) } -> std::same_as<slice>;
  { F::at(std::size_t{}, r) } -> std::same_as<place>;
  { F::bytes(r) } -> std::convertible_to<std::size_t>;
};

// A promise that places are distinct and lie within the field's own bytes. Without it every place is checked.
template <class F>
concept compact_field = field<F> && requires { requires F::compact; };

// A promise that what no code of the field covers in its own bytes is padding: nothing lies there, and that is meant.
template <class F>
concept padded_field = field<F> && requires { requires F::padded; };

// A promise: the field holds every position, and the codes at positions [i, i + neighbours(i, r)) lie at the same bit of bytes
// that lie one after the other.
template <class F>
concept neighbourly_field = field<F> && requires(std::size_t i, run r) {
  { F::neighbours(i, r) } -> std::same_as<std::size_t>;
};

// The same promise for words: the codes at positions [i, i + word_neighbours(i, r)) lie whole in little-endian words of 32 bits
// that lie one after the other, at the same bit of each. Words are counted from the field's first byte.
template <class F>
concept word_neighbourly_field = field<F> && requires(std::size_t i, run r) {
  { F::word_neighbours(i, r) } -> std::same_as<std::size_t>;
};

inline constexpr unsigned whole = 0;  // a field's width: all bits of the code

}  // namespace quern::inline v0
