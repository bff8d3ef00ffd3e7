// The meaning of a packed matrix: one decode for every codec, written to be read.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/matrix_view.hpp"
#include "quern/storage/locate.hpp"

namespace quern::inline v0::reference {

// The scale, and the offset, that the weight at w of the matrix sees.
template <class C, class Byte>
constexpr float scale_at(const basic_packed_view<C, Byte>& v, coord w) {
  using G = typename C::granularity;
  return combine_levels<G>(
      [&]<std::size_t L>() { return value<typename G::template level<L>::number>(code_at<scale<L>>(v, w)); }, 1.0f);
}
template <class C, class Byte>
constexpr float offset_at(const basic_packed_view<C, Byte>& v, coord w) {
  using O = typename C::symmetry::offsets;
  return combine_levels<O>(
      [&]<std::size_t L>() { return value<typename O::template level<L>::number>(code_at<offset<L>>(v, w)); }, 0.0f);
}

// The weight at w of the matrix: the definition of decoding.
template <class C, class Byte>
constexpr float decode_one(const basic_packed_view<C, Byte>& v, coord w) {
  using N = typename C::number;
  return C::symmetry::weight(scale_at(v, w), value<N>(code_at<codes>(v, w), w.col % elements<N>), offset_at(v, w));
}

// out[r, c] = the weights of the view's rows. out has the view's shape.
template <class C, class Byte>
constexpr void decode(const basic_packed_view<C, Byte>& v, matrix_view<float> out) {
  for (std::size_t r = 0; r < v.rows(); ++r)
    for (std::size_t c = 0; c < v.cols(); ++c) out(r, c) = decode_one(v, {v.first_row() + r, c});
}

}  // namespace quern::inline v0::reference
