// Values listed in a table: NF4, IQ4_NL, a user's own.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>

#include "quern/number/number.hpp"

namespace quern::inline v0 {

// codebook<table>: table is a std::array at namespace scope, of 2^bits numbers that convert to float exactly.
template <const auto& Table>
struct codebook {
  static constexpr unsigned bits = static_cast<unsigned>(std::bit_width(Table.size() - 1));
  static_assert(Table.size() >= 2 && Table.size() == std::size_t{1} << bits,
                "codebook: the table must have 2^bits entries; repeat an entry to fill it");
  static constexpr float value(std::uint32_t code) { return static_cast<float>(Table[code]); }
};

}  // namespace quern::inline v0
