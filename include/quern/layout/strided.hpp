// The general regular field: a code's bits lie at a linear function of its mixed-radix position.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/layout/field.hpp"

namespace quern::inline v0 {

// Count positions, Stride bits apart.
template <std::size_t Count, std::size_t Stride>
struct axis {
  static constexpr std::size_t count = Count, stride = Stride;
};

// Bits [Shift, Shift + Width) of the code at position (i0, i1, ...), i0 fastest, lie at bit
// Origin + i0 * stride0 + i1 * stride1 + ... of the bytes that the field shares with others.
template <class What, unsigned Width, unsigned Shift, std::size_t Origin, class... Axes>
struct strided {
  static constexpr part what = What::id;
  static constexpr slice holds(run) { return {0, (Axes::count * ... * std::size_t{1}), Shift, Width}; }
  static constexpr place at([[maybe_unused]] std::size_t i, run) {
    std::size_t bit = Origin;
    ((bit += i % Axes::count * Axes::stride, i /= Axes::count), ...);
    return {bit};
  }
  static constexpr std::size_t bytes(run) { return 0; }
};

}  // namespace quern::inline v0
