// What a layout is: arrays of equal units, and in a unit a list of fields. Nothing here knows numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <utility>

#include "quern/base/type_list.hpp"
#include "quern/layout/arrangement.hpp"
#include "quern/layout/group.hpp"
#include "quern/layout/order.hpp"

namespace quern::inline v0 {

// The weights of one unit; `all` is the matrix's extent.
template <std::size_t Rows, std::size_t Cols>
struct unit {
  static constexpr shape size{Rows, Cols};
};

// A grid of equal units, arranged, each with these fields.
template <class Unit, class Arrangement, class... Fields>
struct array {
  static_assert(quern::arrangement<Arrangement>,
                "layout: the second parameter of array must be an arrangement: by_rows, by_columns, "
                "word_rows<...> or a struct with `byte(unit, units, byte, size)`");
  static constexpr shape unit = Unit::size;
  using arrangement = Arrangement;
  using fields = sequence<Fields...>;
};

// Several arrays: codes here, scales there (GPTQ, AWQ, bitsandbytes, MLX).
template <class... Arrays>
struct separate {
  static constexpr std::size_t arrays = sizeof...(Arrays);
  template <std::size_t I>
  using array = typename nth<I, Arrays...>::type;
};

// One array of blocks of Cols weights of a row (GGUF).
template <std::size_t Cols, class... Fields>
using blocked = separate<array<unit<1, Cols>, by_rows, Fields...>>;

template <class A>
concept unit_array = requires {
  { A::unit } -> std::convertible_to<shape>;
  typename A::fields;
} && arrangement<typename A::arrangement>;

template <class L>
inline constexpr bool all_arrays = [] {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (unit_array<typename L::template array<I>> && ...);
  }(std::make_index_sequence<L::arrays>{});
}();

template <class L>
concept layout = requires {
  { L::arrays } -> std::convertible_to<std::size_t>;
  requires L::arrays >= 1;
} && all_arrays<L>;

// ---- the fields of a unit ----

// A field, and the order of its positions.
template <class Order, class F>
struct ordered_field {};

// Fields below a node, one after the other as they are declared: `list` of ordered_fields. put writes the byte where each
// begins to `begin`, if the first of them begins at `byte`, and returns the byte after the last; run_of(part) is a run.
template <class Node, class Order>
struct fields_below {
  static_assert(field<Node>,
                "layout: a unit holds fields, like stream<codes> or plane<codes, 4, 16>, and groups of fields: "
                "sequence, shared, ordered, repeat");
  using list = type_list<ordered_field<Order, Node>>;
  static constexpr std::size_t put(std::size_t byte, const auto& run_of, std::size_t*& begin) {
    *begin++ = byte;
    if constexpr (field<Node>) return byte + Node::bytes(run_of(Node::what));
    else return byte;
  }
};

template <class... Fields, class Order>
struct fields_below<sequence<Fields...>, Order> {
  using list = typename concat<type_list<>, typename fields_below<Fields, Order>::list...>::type;
  static constexpr std::size_t put(std::size_t byte, const auto& run_of, std::size_t*& begin) {
    ((byte = fields_below<Fields, Order>::put(byte, run_of, begin)), ...);
    return byte;
  }
};
template <std::size_t Bytes, class... Fields, class Order>
struct fields_below<shared<Bytes, Fields...>, Order> : fields_below<sequence<Fields...>, Order> {
  static constexpr std::size_t put(std::size_t byte, const auto& run_of, std::size_t*& begin) {
    (fields_below<Fields, Order>::put(byte, run_of, begin), ...);
    return byte + Bytes;
  }
};
template <class O, class... Fields, class Order>
struct fields_below<ordered<O, Fields...>, Order> : fields_below<sequence<Fields...>, O> {
  static_assert(order<O>,
                "layout: the first parameter of ordered must be an order: row_major, interleaved<...>, permuted<...> "
                "or a struct with `at(position, grid)` and `position(coord, grid)`");
};

// The offsets of a repeat's fields depend on the width of the codes alone, which is known from the first field's part.
template <std::size_t Positions, class First, class... Rest, class Order>
struct fields_below<repeat<Positions, First, Rest...>, Order> {
  // Fields of a repeat must say their width themselves: with `whole` it would be that of a code of 0 bits.
  static constexpr std::array<std::size_t, 1 + sizeof...(Rest)> sizes{First::bytes(run{Positions, 0}),
                                                                      Rest::bytes(run{Positions, 0})...};
  static_assert(First::bytes(run{Positions, 0}) > 0 && ((Rest::bytes(run{Positions, 0}) > 0) && ...),
                "layout: a field in a repeat must state its width, like stream<codes, 3>");
  static constexpr std::size_t before(std::size_t n) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += sizes[i];
    return sum;
  }
  static constexpr std::size_t pitch = before(1 + sizeof...(Rest));
  template <std::size_t... I>
  static auto make(std::index_sequence<I...>)
      -> type_list<ordered_field<Order, repeated<Positions, before(I), pitch, typename nth<I, First, Rest...>::type>>...>;
  using list = decltype(make(std::index_sequence_for<First, Rest...>{}));

  static constexpr std::size_t put(std::size_t byte, const auto& run_of, std::size_t*& begin) {
    for (std::size_t i = 0; i < 1 + sizeof...(Rest); ++i) *begin++ = byte;
    return byte + ceil_div(run_of(First::what).count, Positions) * pitch;
  }
};

}  // namespace quern::inline v0
