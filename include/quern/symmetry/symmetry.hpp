// What a symmetry is: how scale s, value v and an optional offset o make a weight, and where offsets are shared.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/granularity/granularity.hpp"

namespace quern::inline v0 {

// What weight(s, v, o) is, where it is one of these; vector code then computes it as written, no step fused.
enum class weight_form { product, shifted_product, product_minus, product_plus };  // s*v, s*(v-o), s*v-o, s*v+o

// `offsets` is a granularity of its own. weight(s, v, o) is evaluated in f32 as written, no step fused.
// Optional: `static constexpr weight_form form`. Without it kernels call weight once for every weight.
template <class S>
concept symmetry = granularity<typename S::offsets> && requires(float f) {
  { S::weight(f, f, f) } -> std::same_as<float>;
};

}  // namespace quern::inline v0
