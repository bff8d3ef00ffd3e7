// A field of some of a unit's codes only.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/layout/field.hpp"

namespace quern::inline v0 {

// Positions [First, First + Count) of a part, in field F.
template <std::size_t First, std::size_t Count, field F>
struct section {
  static constexpr part what = F::what;
  static constexpr bool compact = compact_field<F>;
  static constexpr slice holds(run r) {
    const slice s = F::holds(run{Count, r.bits});
    return {First, Count, s.shift, s.width, s.digits};
  }
  static constexpr place at(std::size_t i, run r) { return F::at(i - First, run{Count, r.bits}); }
  static constexpr std::size_t bytes(run r) { return F::bytes(run{Count, r.bits}); }
};

}  // namespace quern::inline v0
