// Products of composed codecs: every number, granularity and symmetry, in tiles and in other layouts. Include after
// quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "combinations/policies.hpp"
#include "simd/matmul_check.hpp"

namespace combinations {

// Two of three codecs are put in tiles, the third stays as it is; three of four activations are int8 where they can be.
template <std::size_t I>
[[gnu::noinline]] void check_product_of() {
  using C = codec_at<I>;
  using plain = codec<typename C::number, typename C::granularity, typename C::symmetry>;
  using where = typename decltype([] {
    if constexpr (I % 3 != 2 && has_tiles<plain>) return tiled<plain>{};
    else return C{};
  }())::base;
  using A = decltype([] {
    if constexpr (I % 4 != 3 && as_bytes<typename C::number>.rule != byte_rule::none)
      return int8<automatic_group<where>>{};
    else return f32{};
  }());
  CAPTURE(I);
  support::check_product<plain, where, A>({35, 301}, 5);
}

// Part `Part` of two: every second codec, or every fifth and fewer where that is much to compile.
template <std::size_t Part>
void check_products() {
#ifdef SOME_CODECS
  constexpr std::size_t step = 5, count = 4;
#else
  constexpr std::size_t step = 2, count = 19;
#endif
  [&]<std::size_t... J>(std::index_sequence<J...>) { (check_product_of<Part + J * step>(), ...); }
  (std::make_index_sequence<count>{});
}

}  // namespace combinations
