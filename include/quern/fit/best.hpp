// The fit that searches most: for every codec the one of these headers that suits what it declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/best/block.hpp"
#include "quern/fit/best/region.hpp"
#include "quern/fit/least_squares.hpp"

namespace quern::inline v0 {

template <class C>
consteval auto best_for() {
  if constexpr (best_fit::in_blocks<C>) return std::type_identity<best_fit::best_block>{};
  else if constexpr (best_fit::in_regions<C>)
    return std::type_identity<best_fit::best_region<best_fit::in_digits<C>>>{};
  else return std::type_identity<least_squares>{};
}

// encode<C, best<C>>: of the scales, offsets and codes that C can store, those with the least sum of importance *
// (weight - decoded weight)^2 that a search of bounded time finds; the importance is taken as it is given. Decoders
// are the same, and a block, or a region of one level, is not worse than by the codec's own fit, if that fits blocks
// or regions by themselves. Two levels in blocks of up to 256 weights are chosen together; of one level, regions of
// up to 256 weights. Other codecs get least_squares.
template <class C>
using best = typename decltype(best_for<C>())::type;

}  // namespace quern::inline v0
