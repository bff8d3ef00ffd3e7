// What a codec stores: its parts, derived from number, granularity and symmetry; and how a unit holds them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "quern/granularity/granularity.hpp"
#include "quern/layout/layout.hpp"
#include "quern/number/number.hpp"
#include "quern/symmetry/symmetry.hpp"

namespace quern::inline v0 {

// The four policies of a codec, unchecked.
template <class Number, class Granularity, class Symmetry, class Layout>
struct policies {
  using number = Number;
  using granularity = Granularity;
  using symmetry = Symmetry;
  using layout = Layout;
};

struct part_facts {
  part what;
  shape region;   // weights that share one code
  unsigned bits;  // of a code
};

// The parts of C: codes, then scales finest first, then offsets finest first.
template <class C>
inline constexpr auto parts = [] {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  std::array<part_facts, 1 + G::size + O::size> p{{{codes::id, {1, elements<typename C::number>}, C::number::bits}}};
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((p[1 + I] = {scale<I>::id, G::template level<I>::region, G::template level<I>::number::bits}), ...);
  }
  (std::make_index_sequence<G::size>{});
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((p[1 + G::size + I] = {offset<I>::id, O::template level<I>::region, O::template level<I>::number::bits}), ...);
  }
  (std::make_index_sequence<O::size>{});
  return p;
}();

template <class C>
inline constexpr std::size_t part_count = 1 + C::granularity::size + C::symmetry::offsets::size;

// Index of a part in parts<C>; part_count<C> if C has no such part.
template <class C>
constexpr std::size_t index_of(part p) {
  std::size_t i = 0;
  while (i < parts<C>.size() && parts<C>[i].what != p) ++i;
  return i;
}

// The number format of part K.
template <class C, std::size_t K>
consteval auto number_of_part() {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  if constexpr (K == 0) return std::type_identity<typename C::number>{};
  else if constexpr (K <= G::size) return std::type_identity<typename G::template level<K - 1>::number>{};
  else return std::type_identity<typename O::template level<K - 1 - G::size>::number>{};
}
template <class C, std::size_t K>
using part_number = typename decltype(number_of_part<C, K>())::type;

// The codes of one part in a unit, as a grid.
constexpr shape grid_of(const part_facts& p, shape unit, shape matrix) {
  const shape u = within(unit, matrix), r = within(p.region, matrix);
  return {ceil_div(u.rows, r.rows), ceil_div(u.cols, r.cols)};
}

// part -> run, for a unit of C.
template <class C>
constexpr auto run_in(shape unit, shape matrix) {
  return [unit, matrix](part p) -> run {
    const std::size_t i = index_of<C>(p);
    return i == parts<C>.size() ? run{1, 0} : run{grid_of(parts<C>[i], unit, matrix).count(), parts<C>[i].bits};
  };
}

template <class C, std::size_t Array>
using array_of = typename C::layout::template array<Array>;

// Calls visit.operator()<Order, Field>(byte) for the fields of a unit; returns the unit's size in bytes.
template <class C, std::size_t Array>
constexpr std::size_t walk_unit(shape matrix, auto visit) {
  using A = array_of<C, Array>;
  return walk<typename A::fields, row_major>(0, run_in<C>(A::unit, matrix), visit);
}

// The size of a unit in bytes; depends on the matrix only where the unit's extent is `all`.
template <class C, std::size_t Array>
constexpr std::size_t unit_bytes(shape matrix) {
  return walk_unit<C, Array>(matrix, []<class, class>(std::size_t) {});
}

// f.operator()<I>() for every array of the layout.
template <class C>
constexpr void each_array(auto&& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) { (f.template operator()<I>(), ...); }
  (std::make_index_sequence<C::layout::arrays>{});
}

// f.operator()<K>() for every part.
template <class C>
constexpr void each_part(auto&& f) {
  [&]<std::size_t... K>(std::index_sequence<K...>) { (f.template operator()<K>(), ...); }
  (std::make_index_sequence<part_count<C>>{});
}

// Stands for the matrix where a declaration is checked or described: the extent of `all`.
inline constexpr shape sample{64, 64};

// Whether an array holds a part.
template <class C, std::size_t Array, std::size_t Part>
inline constexpr bool stores = [] {
  bool found = false;
  walk_unit<C, Array>(sample, [&]<class, class F>(std::size_t) { found |= F::what == parts<C>[Part].what; });
  return found;
}();

// The array that holds a part.
template <class C, std::size_t Part>
inline constexpr std::size_t array_with = [] {
  std::size_t found = C::layout::arrays;
  each_array<C>([&]<std::size_t I>() {
    if (stores<C, I, Part>) found = I;
  });
  return found;
}();

}  // namespace quern::inline v0
