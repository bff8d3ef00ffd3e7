// What a layout is: arrays of equal units, and in a unit a list of fields. Nothing here knows numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once
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

// ---- walking a unit: visit.operator()<Order, Field>(byte) for every field; returns the byte after the last ----

template <class Node>
struct walker {
  static_assert(field<Node>,
                "layout: a unit holds fields, like stream<codes> or plane<codes, 4, 16>, and groups of fields: "
                "sequence, shared, ordered, repeat");
  template <class>
  static constexpr std::size_t go(std::size_t byte, const auto&, auto&) {
    return byte;
  }
};

template <class Node, class Order, class RunOf, class Visit>
constexpr std::size_t walk(std::size_t byte, const RunOf& run_of, Visit& visit) {
  if constexpr (field<Node>) {
    visit.template operator()<Order, Node>(byte);
    return byte + Node::bytes(run_of(Node::what));
  } else {
    return walker<Node>::template go<Order>(byte, run_of, visit);
  }
}

template <class... Fields>
struct walker<sequence<Fields...>> {
  template <class Order>
  static constexpr std::size_t go(std::size_t byte, const auto& run_of, auto& visit) {
    ((byte = walk<Fields, Order>(byte, run_of, visit)), ...);
    return byte;
  }
};
template <std::size_t Bytes, class... Fields>
struct walker<shared<Bytes, Fields...>> {
  template <class Order>
  static constexpr std::size_t go(std::size_t byte, const auto& run_of, auto& visit) {
    (walk<Fields, Order>(byte, run_of, visit), ...);
    return byte + Bytes;
  }
};
template <class O, class... Fields>
struct walker<ordered<O, Fields...>> {
  static_assert(order<O>,
                "layout: the first parameter of ordered must be an order: row_major, interleaved<...>, permuted<...> "
                "or a struct with `at(position, grid)` and `position(coord, grid)`");
  template <class>
  static constexpr std::size_t go(std::size_t byte, const auto& run_of, auto& visit) {
    return walker<sequence<Fields...>>::template go<O>(byte, run_of, visit);
  }
};

// The offsets of a repeat's fields depend on the width of the codes alone, which is known from the first field's part.
template <std::size_t Positions, class First, class... Rest>
struct walker<repeat<Positions, First, Rest...>> {
  template <class Order>
  static constexpr std::size_t go(std::size_t byte, const auto& run_of, auto& visit) {
    using bytes = fixed_bytes<First, Rest...>;
    []<std::size_t... I>(std::index_sequence<I...>, std::size_t at, auto& v) {
      (v.template operator()<Order, repeated<Positions, bytes::before(I), bytes::before(sizeof...(I)),
                                             typename nth<I, First, Rest...>::type>>(at),
       ...);
    }(std::index_sequence_for<First, Rest...>{}, byte, visit);
    return byte + ceil_div(run_of(First::what).count, Positions) * bytes::before(1 + sizeof...(Rest));
  }

 private:
  template <class... F>
  struct fixed_bytes {
    // Fields of a repeat must say their width themselves: with `whole` it would be that of a code of 0 bits.
    static constexpr std::size_t before(std::size_t n) {
      const std::size_t sizes[] = {F::bytes(run{Positions, 0})...};
      std::size_t sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += sizes[i];
      return sum;
    }
    static_assert(((F::bytes(run{Positions, 0}) > 0) && ...), "layout: a field in a repeat must state its width, like stream<codes, 3>");
  };
};

}  // namespace quern::inline v0
