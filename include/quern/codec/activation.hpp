// Activations are policies, too: the form that x takes before it meets the weights. f32 and bf16 are the number formats
// of these names; int8 is dynamic quantization, done anew for every product.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>
#include <cstddef>

#include "quern/codec/codec.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/minifloat.hpp"

namespace quern::inline v0 {

// Integers -127 ... 127 with one f32 scale for each Group values of a row of x: amax / 127, or 0 where all are 0. A row
// with a value that is not finite gives NaN in all of its row of y.
template <std::size_t Group = 32>
struct int8 {
  static_assert(Group >= 4 && Group % 4 == 0, "int8: the group of activations must be a multiple of 4");
  static constexpr std::size_t group = Group;
};

template <class A>
inline constexpr bool is_int8 = false;
template <std::size_t G>
inline constexpr bool is_int8<int8<G>> = true;

template <class A>
concept activation_policy = std::same_as<A, f32> || std::same_as<A, bf16> || is_int8<A>;

}  // namespace quern::inline v0
