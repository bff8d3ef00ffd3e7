// The granularities: groups, channels, tensors, blocks, and levels of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/type_list.hpp"
#include "quern/granularity/granularity.hpp"

namespace quern::inline v0 {

// One number for each Rows x Cols weights; `all` is the matrix's whole extent.
template <std::size_t Rows, std::size_t Cols, class N>
struct block {
  static_assert(scalar_format<N>,
                "granularity: the last parameter of block, group, channel and tensor must be a number format "
                "with one value a code, like f16 or e8m0");
  static constexpr shape region{Rows, Cols};
  using number = N;
};
template <std::size_t Cols, class N>
using group = block<1, Cols, N>;  // Cols weights of a row (GPTQ's group size, MX's block size)
template <class N>
using channel = block<1, all, N>;  // a row: one output channel
template <class N>
using tensor = block<all, all, N>;

// L, added to the coarser levels instead of multiplied with them (bitsandbytes' nested offset).
template <class L>
struct plus : L {
  static_assert(scale_level<L>, "granularity: plus<...> takes a level, like plus<tensor<f32>>");
  static constexpr bool adds = true;
};

// Finest level first: levels<group<16, e4m3>, tensor<f32>> is NVFP4's, levels<> means no scale.
template <class... Ls>
struct levels {
  static_assert((scale_level<Ls> && ...),
                "granularity: a level must be group<...>, channel<...>, tensor<...>, block<...>, plus<...> "
                "or a struct with `region` and a scalar `number`");
  static constexpr std::size_t size = sizeof...(Ls);
  template <std::size_t I>
  using level = typename nth<I, Ls...>::type;
};

}  // namespace quern::inline v0
