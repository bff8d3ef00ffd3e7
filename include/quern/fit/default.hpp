// The fit of a codec that names none.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <type_traits>

#include "quern/fit/absmax.hpp"
#include "quern/fit/absmean.hpp"
#include "quern/fit/min_max.hpp"
#include "quern/fit/mx.hpp"

namespace quern::inline v0 {

// Whether the only level of scales stores powers of two.
template <class C>
inline constexpr bool has_power_of_two_scale = [] {
  if constexpr (C::granularity::size == 1) return powers_of_two<typename C::granularity::template level<0>::number>;
  else return false;
}();
// Whether the number has the values -v and v and no other.
template <class N>
inline constexpr bool is_sign = [] {
  if constexpr (scalar_format<N> && N::bits <= 8) return sorted<N>.size == 2 && lowest<N> == -highest<N>;
  else return false;
}();

// min_max for a scalar codec with an offset worth the name; for others the rule of MX where a scale is a power of two, sign
// and mean where there is nothing but a sign, else absmax.
template <class C>
using default_fit = std::conditional_t<
    has_offset<C> && !has_slight_offset<C> && scalar_format<typename C::number>, min_max,
    std::conditional_t<is_sign<typename C::number>, sign_and_mean,
                       std::conditional_t<has_power_of_two_scale<C>, mx_scale<mx_rule::floor>, absmax>>>;

template <class C>
consteval auto chosen_fit() {
  if constexpr (requires { typename C::fit; }) return std::type_identity<typename C::fit>{};
  else return std::type_identity<default_fit<C>>{};
}

// The preset's own fit, else the default.
template <class C>
using fit_of = typename decltype(chosen_fit<C>())::type;

}  // namespace quern::inline v0
