// Fits for zero points: s * (v - z), as the owners of such formats have them.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/fit.hpp"

namespace quern::inline v0 {

// x within [low, high].
constexpr float clamped(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

// GPTQ, asymmetric: the range of the weights and 0; -1 to 1 for zeros. AutoGPTQ, quantization/quantizer.py.
struct gptq_range {
  static constexpr statistic reads = statistic::range;
  static constexpr code_rule codes{from::ideal, by::division, rounding::nearest, offset_rule::add_rounded};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    using N = typename C::number;
    float least = s.least < 0 ? s.least : 0, greatest = s.greatest > 0 ? s.greatest : 0;
    if (least == 0 && greatest == 0) least = -1, greatest = 1;
    const float scale = (greatest - least) / (highest<N> - lowest<N>);
    return {scale, lowest<N> + round_even(-least / scale)};
  }
};

// GPTQ, symmetric: the range is made symmetric unless there is no negative weight, and the zero point is the middle
// code: weights of one sign lose their upper half.
struct gptq_symmetric : gptq_range {
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    using N = typename C::number;
    constexpr float steps = highest<N> - lowest<N>;
    float least = s.least < 0 ? s.least : 0, greatest = s.greatest > -least ? s.greatest : -least;
    if (least < 0) least = -greatest;
    if (least == 0 && greatest == 0) least = -1, greatest = 1;
    return {(greatest - least) / steps, lowest<N> + (steps + 1) / 2};
  }
};

// AWQ: the range of the weights, not below 1e-5; it need not hold 0, but the zero point is a code all the same.
// AutoAWQ, awq/quantize/quantizer.py (pseudo_quantize_tensor).
struct awq_range : gptq_range {
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    using N = typename C::number;
    const float range = s.greatest - s.least, scale = (range < 1e-5f ? 1e-5f : range) / (highest<N> - lowest<N>);
    return {scale, clamped(lowest<N> - round_even(s.least / scale), lowest<N>, highest<N>)};
  }
};

// HQQ before its optimization: works with the inverse of the scale, which is 1 where the range is at most 1e-4 and
// never above 2e4; the zero point is a real number, and an integer where codes have 4 bits. hqq/core/quantize.py.
struct hqq_range {
  static constexpr statistic reads = statistic::range;
  static constexpr code_rule codes{from::ideal, by::reciprocal, rounding::nearest, offset_rule::add};
  template <class C>
  static constexpr mapped ideal(const statistics& s) {
    using N = typename C::number;
    const float range = s.greatest - s.least;
    float inverse = range <= 1e-4f ? 1 : (1 / range) * (highest<N> - lowest<N>);  // torch's n / tensor
    if (inverse > 2e4f) inverse = 2e4f;
    float zero = exact(-s.least * inverse);
    if constexpr (N::bits == 4) zero = round_even(zero);
    return {{1 / inverse, lowest<N> + zero}, inverse, 0};
  }
};

// compressed-tensors, asymmetric: the range of the weights and 0; scale and zero point as stored, added before
// rounding. quantization/utils/helpers.py (calculate_qparams), quantization/lifecycle/forward_helpers.py (_quantize).
struct stored_range {
  static constexpr statistic reads = statistic::range;
  static constexpr code_rule codes{from::stored, by::division, rounding::nearest, offset_rule::add};
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    using N = typename C::number;
    const float least = s.least < 0 ? s.least : 0, greatest = s.greatest > 0 ? s.greatest : 0;
    const float scale = (greatest - least) / (highest<N> - lowest<N>);
    if (scale == 0) return {0, lowest<N>};
    return {scale, clamped(lowest<N> - least / scale, lowest<N>, highest<N>)};
  }
};

}  // namespace quern::inline v0
