// The fit of a codec that names none.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <type_traits>

#include "quern/fit/absmax.hpp"
#include "quern/fit/min_max.hpp"

namespace quern::inline v0 {

// absmax, and min_max for a codec with an offset.
template <class C>
using default_fit = std::conditional_t<has_offset<C>, min_max, absmax>;

template <class C>
consteval auto chosen_fit() {
  if constexpr (requires { typename C::fit; }) return std::type_identity<typename C::fit>{};
  else return std::type_identity<default_fit<C>>{};
}

// The preset's own fit, else the default.
template <class C>
using fit_of = typename decltype(chosen_fit<C>())::type;

}  // namespace quern::inline v0
