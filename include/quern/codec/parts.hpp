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

// The run of a part in a unit.
struct runs_in_unit {
  const part_facts* parts;
  std::size_t count;
  shape unit, matrix;
  constexpr run operator()(part p) const {
    for (std::size_t i = 0; i < count; ++i)
      if (parts[i].what == p) return {grid_of(parts[i], unit, matrix).count(), parts[i].bits};
    return {1, 0};
  }
};
template <class C>
constexpr runs_in_unit run_in(shape unit, shape matrix) {
  return {parts<C>.data(), parts<C>.size(), unit, matrix};
}

template <class C, std::size_t Array>
using array_of = typename C::layout::template array<Array>;

// Stands for the matrix where a declaration is checked or described: the extent of `all`.
inline constexpr shape sample{64, 64};

// Whether a unit's extent, and so all in it, does not depend on the matrix.
template <class C, std::size_t Array>
inline constexpr bool unit_is_fixed = array_of<C, Array>::unit.rows != all&& array_of<C, Array>::unit.cols != all;

// ---- the fields of a unit ----

template <class C, std::size_t Array>
using fields_in = fields_below<typename array_of<C, Array>::fields, row_major>;

// The byte where each field of a unit begins; last, the size of the unit.
template <class C, std::size_t Array>
constexpr auto field_bytes(shape matrix) {
  std::array<std::size_t, fields_in<C, Array>::list::size + 1> at{};
  std::size_t* begin = at.data();
  at.back() = fields_in<C, Array>::put(0, run_in<C>(array_of<C, Array>::unit, matrix), begin);
  return at;
}
template <class C, std::size_t Array>
inline constexpr auto fixed_field_bytes = field_bytes<C, Array>(sample);

// The size of a unit in bytes; depends on the matrix only where the unit's extent is `all`.
template <class C, std::size_t Array>
constexpr std::size_t unit_bytes(shape matrix) {
  if constexpr (unit_is_fixed<C, Array>) return fixed_field_bytes<C, Array>.back();
  else return field_bytes<C, Array>(matrix).back();
}

// Those fields of a list that hold bits of a part, and their numbers in the list.
template <part What, class List>
struct fields_with;
template <part What, class... Order, class... F>
struct fields_with<What, type_list<ordered_field<Order, F>...>> {
  using list = typename concat<type_list<>, std::conditional_t<F::what == What, type_list<ordered_field<Order, F>>,
                                                               type_list<>>...>::type;
  static constexpr auto numbers = [] {
    std::array<std::size_t, list::size> n{};
    std::size_t found = 0, i = 0;
    ((F::what == What ? void(n[found++] = i++) : void(++i)), ...);
    return n;
  }();
};
template <class C, std::size_t Array, std::size_t K>
using fields_with_part = fields_with<parts<C>[K].what, typename fields_in<C, Array>::list>;

template <class... Order, class... F>
constexpr void visit_fields(type_list<ordered_field<Order, F>...>, [[maybe_unused]] const auto& begin, auto& visit) {
  [[maybe_unused]] std::size_t i = 0;
  (visit.template operator()<Order, F>(begin(i++)), ...);
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

// Whether an array holds a part.
template <class C, std::size_t Array, std::size_t Part>
inline constexpr bool stores = fields_with_part<C, Array, Part>::list::size != 0;

// The array that holds a part.
template <class C, std::size_t Part>
inline constexpr std::size_t array_with = [] {
  std::size_t found = C::layout::arrays;
  each_array<C>([&]<std::size_t I>() {
    if (stores<C, I, Part>) found = I;
  });
  return found;
}();

// visit.operator()<Order, Field>(byte) for the fields of a unit of an array, or for those that hold bits of part K. The
// matrix matters only where the unit's extent is `all`.
template <class C, std::size_t Array>
constexpr void each_field(shape matrix, auto visit) {
  using list = typename fields_in<C, Array>::list;
  if constexpr (unit_is_fixed<C, Array>) {
    visit_fields(list{}, [](std::size_t i) { return fixed_field_bytes<C, Array>[i]; }, visit);
  } else {
    const auto at = field_bytes<C, Array>(matrix);
    visit_fields(list{}, [&](std::size_t i) { return at[i]; }, visit);
  }
}
template <class C, std::size_t K>
constexpr void each_field_of(shape matrix, auto visit) {
  constexpr std::size_t array = array_with<C, K>;
  using found = fields_with_part<C, array, K>;
  if constexpr (unit_is_fixed<C, array>) {
    visit_fields(typename found::list{}, [](std::size_t i) { return fixed_field_bytes<C, array>[found::numbers[i]]; },
                 visit);
  } else {
    const auto at = field_bytes<C, array>(matrix);
    visit_fields(typename found::list{}, [&](std::size_t i) { return at[found::numbers[i]]; }, visit);
  }
}

}  // namespace quern::inline v0
