// From a name met at run time to a codec known at compile time.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <concepts>
#include <string_view>
#include <utility>

#include "quern/catalog/catalog.hpp"

namespace quern::inline v0 {

// A codec that can be found by name, and one that has a number in GGUF files.
template <class C>
concept named_codec = any_codec<C> && requires {
  { C::name } -> std::convertible_to<std::string_view>;
};
template <class C>
concept numbered_codec = any_codec<C> && requires {
  { C::gguf_id } -> std::convertible_to<int>;
};

// By position in the list; "" and -1 where there is none.
template <class List>
inline constexpr auto names_of = []<class... Cs>(type_list<Cs...>) {
  return std::array<std::string_view, sizeof...(Cs)>{[] {
    if constexpr (named_codec<Cs>) return std::string_view(Cs::name);
    else return std::string_view();
  }()...};
}(List{});
template <class List>
inline constexpr auto gguf_ids_of = []<class... Cs>(type_list<Cs...>) {
  return std::array<int, sizeof...(Cs)>{[] {
    if constexpr (numbered_codec<Cs>) return int{Cs::gguf_id};
    else return -1;
  }()...};
}(List{});

template <class Key, std::size_t N>
consteval bool all_differ(const std::array<Key, N>& keys, Key none) {
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (keys[i] == keys[j] && keys[i] != none) return false;
  return true;
}
template <class List>
inline constexpr bool names_differ = all_differ(names_of<List>, std::string_view());
template <class List>
inline constexpr bool gguf_ids_differ = all_differ(gguf_ids_of<List>, -1);

// Calls f.operator()<C>() for the first codec of a list for which its key is `matches`; false if there is none.
template <class... Cs>
constexpr bool visit_first(type_list<Cs...>, const auto& keys, auto matches, auto& f) {
  std::size_t i = 0;
  return ((matches(keys[i++]) && (static_cast<void>(f.template operator()<Cs>()), true)) || ...);
}

// Calls f.operator()<C>() for the codec with this name; false if the list has none.
template <class List = catalog, class F>
constexpr bool visit(std::string_view name, F&& f) {
  static_assert(names_differ<List>, "visit: two codecs of the list have one name; a name must mean one format");
  return !name.empty() && visit_first(
                              List{}, names_of<List>, [=](std::string_view n) { return n == name; }, f);
}

// Calls f.operator()<C>() for the codec with this number of a GGUF tensor type; false if the list has none.
template <class List = catalog, class F>
constexpr bool visit(std::integral auto gguf_id, F&& f) {
  static_assert(gguf_ids_differ<List>, "visit: two codecs of the list have one gguf_id; an id must mean one format");
  return std::cmp_greater_equal(gguf_id, 0) &&
         visit_first(
             List{}, gguf_ids_of<List>, [=](int id) { return std::cmp_equal(id, gguf_id); }, f);
}

}  // namespace quern::inline v0
