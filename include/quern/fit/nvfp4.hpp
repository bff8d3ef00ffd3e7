// NVFP4's two levels: the tensor's scale lets the blocks' scales use all of their range.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/half_range.hpp"

namespace quern::inline v0 {

// A number that stores 1 / value in 32 bits.
template <scalar_format N>
inline constexpr bool stores_inverse = N::bits == 32 && N::value(float_to_bits(4.0f)) == 0.25f;

// The tensor's scale is a / (448 * 6), a its greatest magnitude, or 448 * 6 / a where the inverse is stored; a block's
// is its a / 6 / the tensor's, at least 2^-6, E4M3's least normal number. torchao, prototype/mx_formats/nvfp4_tensor.py
// (nvfp4_quantize), which multiplies by a reciprocal where this divides: a code can differ where a quotient lies within
// two units in the last place of a tie.
struct nvfp4_scales {
  static constexpr statistic reads = statistic::magnitude;
  static constexpr code_rule codes{.how = by::division};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    return {s.magnitude / reach<typename C::number>};
  }
  template <class C>
  static constexpr std::uint32_t coarsest_code(const statistics& s) {
    using G = typename C::granularity;
    using N = typename G::template level<G::size - 1>::number;
    constexpr float codes = reach<typename G::template level<0>::number> * reach<typename C::number>;
    if constexpr (stores_inverse<N>) {
      const float inverse = 1 / (s.magnitude < 0x1p-126f ? 0x1p-126f : s.magnitude) * codes;  // torch's n / tensor
      return float_to_bits(is_finite(inverse) ? inverse : 1);
    } else {
      return nearest_finite<N>(s.magnitude / codes);
    }
  }
  template <class C>
  static constexpr float finest_number(const statistics& s, float coarser) {
    const float wanted = quotient<C>(s, coarser);
    return wanted < 0x1p-6f ? 0x1p-6f : wanted;
  }
  template <class C>
  static constexpr std::uint32_t finest_code(const statistics& s, float coarser) {
    return nearest_finite<finest_scale<C>>(finest_number<C>(s, coarser));
  }

 protected:
  template <class C>
  static constexpr float quotient(const statistics& s, float coarser) {
    return over_or_zero(ideal<C>(s).scale, coarser);
  }
};

// The same, but it is a block's scale of 0 that is replaced, by E4M3's epsilon. compressed-tensors,
// quantization/utils/helpers.py (generate_gparam, calculate_qparams), which multiplies by the stored inverse.
struct nvfp4_scales_or_epsilon : nvfp4_scales {
  template <class C>
  static constexpr float finest_number(const statistics& s, float coarser) {
    return or_epsilon<finest_scale<C>>(quotient<C>(s, coarser));
  }
  template <class C>
  static constexpr std::uint32_t finest_code(const statistics& s, float coarser) {
    return nearest_finite<finest_scale<C>>(finest_number<C>(s, coarser));
  }
};

}  // namespace quern::inline v0
