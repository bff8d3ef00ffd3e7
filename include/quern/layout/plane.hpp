// Bit planes: neighbouring codes lie in neighbouring bytes. The field that one SIMD load, shift and mask unpacks.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/layout/field.hpp"

namespace quern::inline v0 {

// Bits [Shift, Shift + Width) of every code. Position i lies in byte (i / P) * Stride + i % Stride at bit
// Width * (i % P / Stride), where P = 8 * Stride / Width codes share a run of Stride bytes. Stride `all`: one run.
template <class What, unsigned Width, std::size_t Stride, unsigned Shift = 0>
struct plane {
  static_assert(Width == 1 || Width == 2 || Width == 4 || Width == 8,
                "layout: the width of a plane must divide a byte; three bits are a plane of 2 and one of 1");
  static constexpr part what = What::id;
  static constexpr bool compact = true;
  static constexpr std::size_t stride(run r) { return Stride == all ? ceil_div(r.count * Width, 8) : Stride; }
  static constexpr std::size_t per_run(run r) { return stride(r) * 8 / Width; }
  static constexpr std::size_t neighbours(std::size_t i, run r) { return stride(r) - i % stride(r); }
  static constexpr slice holds(run r) { return {0, r.count, Shift, Width}; }
  static constexpr place at(std::size_t i, run r) {
    return {(i / per_run(r) * stride(r) + i % stride(r)) * 8 + i % per_run(r) / stride(r) * Width};
  }
  static constexpr std::size_t bytes(run r) { return ceil_div(r.count, per_run(r)) * stride(r); }
};

}  // namespace quern::inline v0
