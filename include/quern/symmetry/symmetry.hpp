// What a symmetry is: how scale s, value v and an optional offset o make a weight, and where offsets are shared.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/granularity/granularity.hpp"

namespace quern::inline v0 {

// `offsets` is a granularity of its own. weight(s, v, o) is evaluated in f32 as written, no step fused.
template <class S>
concept symmetry = granularity<typename S::offsets> && requires(float f) {
  { S::weight(f, f, f) } -> std::same_as<float>;
};

}  // namespace quern::inline v0
