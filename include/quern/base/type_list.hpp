// Lists of types.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

namespace quern::inline v0 {

template <class... Ts>
struct type_list {
  static constexpr std::size_t size = sizeof...(Ts);
  using types = type_list;
};

// The I-th of some types.
template <std::size_t I, class... Ts>
struct nth;
template <std::size_t I, class T, class... Ts>
struct nth<I, T, Ts...> : nth<I - 1, Ts...> {};
template <class T, class... Ts>
struct nth<0, T, Ts...> {
  using type = T;
};

// f.operator()<T>() for every type of the list.
template <class... Ts>
constexpr void for_each_type(type_list<Ts...>, auto&& f) {
  (f.template operator()<Ts>(), ...);
}

// Lists one after the other. A list may be a struct derived from a type_list, which keeps symbols and messages short.
template <class... Ls>
struct concat;
template <class L>
struct concat<L> {
  using type = typename L::types;
};
template <class... Ts, class... Us, class... Ls>
struct concat<type_list<Ts...>, type_list<Us...>, Ls...> : concat<type_list<Ts..., Us...>, Ls...> {};
template <class L, class M, class... Ls>
struct concat<L, M, Ls...> : concat<typename L::types, typename M::types, Ls...> {};

}  // namespace quern::inline v0
