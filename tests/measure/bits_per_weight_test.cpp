// Bits per weight of bytes that exist.
// SPDX-License-Identifier: Apache-2.0
#include "quern/measure/bits_per_weight.hpp"

#include <doctest/doctest.h>

namespace {

using namespace quern;

TEST_CASE("bits per weight are 8 bytes by weights, without overflow") {
  static_assert(measured_bits_per_weight(18, 32) == 4.5);
  static_assert(measured_bits_per_weight(0, 7) == 0);
  CHECK(measured_bits_per_weight(~std::uint64_t{0}, ~std::uint64_t{0}) == 8);
  CHECK(measured_bits_per_weight(~std::uint64_t{0}, 1) == 0x1p67);
}

TEST_CASE("of no weights they are infinite, or 0 where there is nothing at all") {
  static_assert(measured_bits_per_weight(0, 0) == 0);
  CHECK(measured_bits_per_weight(1, 0) == std::numeric_limits<double>::infinity());
}

}  // namespace
