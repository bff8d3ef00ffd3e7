// The granularities: groups, channels, tensors, blocks, and levels of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/type_list.hpp"
#include "quern/granularity/granularity.hpp"

namespace quern::inline v0 {

// One number for each Rows x Cols weights; `all` is the matrix's whole extent.
template <std::size_t Rows, std::size_t Cols, scalar_format N>
struct block {
  static constexpr shape region{Rows, Cols};
  using number = N;
};
template <std::size_t Cols, scalar_format N>
using group = block<1, Cols, N>;  // Cols weights of a row (GPTQ's group size, MX's block size)
template <scalar_format N>
using channel = block<1, all, N>;  // a row: one output channel
template <scalar_format N>
using tensor = block<all, all, N>;

// L, added to the coarser levels instead of multiplied with them (bitsandbytes' nested offset).
template <scale_level L>
struct plus : L {
  static constexpr bool adds = true;
};

// Finest level first: levels<group<16, e4m3>, tensor<f32>> is NVFP4's, levels<> means no scale.
template <scale_level... Ls>
struct levels {
  static constexpr std::size_t size = sizeof...(Ls);
  template <std::size_t I>
  using level = typename nth<I, Ls...>::type;
};

}  // namespace quern::inline v0
