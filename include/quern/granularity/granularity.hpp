// What a granularity is: which weights share a scale, and what number the scale is stored as, level by level. Pure data.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>
#include <cstddef>
#include <utility>

#include "quern/base/exact.hpp"
#include "quern/base/shape.hpp"
#include "quern/number/number.hpp"

namespace quern::inline v0 {

// A level: the region of weights that shares one stored number, and the number's format.
template <class L>
concept scale_level = requires {
  { L::region } -> std::convertible_to<shape>;
} && scalar_format<typename L::number>;

// A level that is added to what the coarser levels give, instead of multiplied with it.
template <class L>
concept adding_level = scale_level<L> && requires { requires L::adds; };

template <class G>
inline constexpr bool all_levels = [] {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (scale_level<typename G::template level<I>> && ...);
  }(std::make_index_sequence<G::size>{});
}();

// A granularity lists levels, finest first; none means that there is no scale.
template <class G>
concept granularity = requires {
  { G::size } -> std::convertible_to<std::size_t>;
} && all_levels<G>;

// The scale (or offset) that a weight sees: computed from the coarsest level, ((coarsest * next) * ...) * finest, each
// step rounded to f32. value_of<I>() gives level I's stored number; without levels the result is `none`.
template <granularity G, class ValueOf>
constexpr float combine_levels(ValueOf value_of, float none) {
  if constexpr (G::size == 0) {
    return none;
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      float total = value_of.template operator()<G::size - 1>();
      ((total = [&] {
         constexpr std::size_t i = G::size - 2 - I;
         const float v = value_of.template operator()<i>();
         if constexpr (adding_level<typename G::template level<i>>) return exact(total + v);
         else return exact(total * v);
       }()),
       ...);
      return total;
    }(std::make_index_sequence<G::size - 1>{});
  }
}

}  // namespace quern::inline v0
