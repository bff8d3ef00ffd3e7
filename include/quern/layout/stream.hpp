// Codes one after the other, low bits first.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/layout/field.hpp"

namespace quern::inline v0 {

// Position i at bit Width * i; bits [Shift, Shift + Width) of each code.
template <class What, unsigned Width = whole, unsigned Shift = 0>
struct stream {
  static constexpr part what = What::id;
  static constexpr bool compact = true;
  static constexpr unsigned width(run r) { return Width == whole ? r.bits : Width; }
  static constexpr slice holds(run r) { return {0, r.count, Shift, width(r)}; }
  static constexpr place at(std::size_t i, run r) { return {i * width(r)}; }
  static constexpr std::size_t bytes(run r) { return ceil_div(r.count * width(r), 8); }
};

}  // namespace quern::inline v0
