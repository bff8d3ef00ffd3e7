// expect: layout: an order does not map the positions of a unit one to one onto its grid of codes
// Two positions have one column.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
struct halving {
  static constexpr coord at(std::size_t p, shape) { return {0, p / 2}; }
  static constexpr std::size_t position(coord c, shape) { return c.col; }
};
using mistake = codec<unsigned_integer<4>, levels<>, symmetric, blocked<32, ordered<halving, plane<codes, 4, 16>>>>;
const bool checked = mistake::checked();
