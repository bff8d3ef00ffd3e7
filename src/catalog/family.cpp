// What callers with the light header need for the presets of a family, with the activations that are chosen by default.
// QUERN_FAMILY is its namespace; this is part QUERN_PART, from 1 on, of QUERN_PARTS.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <tuple>

#include "quern/catalog/catalog.hpp"

namespace {
using namespace quern;

// The addresses of C's symbols. Whose address is taken is emitted.
template <class C>
struct symbols {
  const any_operations& (*any)() noexcept = any_operations_of<C>;
  const operations<C>& (*matrices)() noexcept = operations_of<C>;
  const product_operations<C, automatic>& (*products)() noexcept = product_operations_of<C, automatic>;
};

template <class... Cs>
constexpr auto symbols_of(type_list<Cs...>) {
  constexpr std::size_t n = sizeof...(Cs), first = n * (QUERN_PART - 1) / QUERN_PARTS,
                        end = n * QUERN_PART / QUERN_PARTS;
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple<symbols<typename nth<first + I, Cs...>::type>...,
                      symbols<tiled<typename nth<first + I, Cs...>::type>>...>{};
  }
  (std::make_index_sequence<end - first>{});
}

[[gnu::used]] constinit const auto emitted = symbols_of(quern::QUERN_FAMILY::presets::types{});

}  // namespace
