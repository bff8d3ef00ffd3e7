// Products of composed codecs, part 1 of 2.
// SPDX-License-Identifier: Apache-2.0
#define PART 0
#include "combinations/some_targets.hpp"
#include "quern/simd.hpp"

#include "combinations/product_check.hpp"

TEST_CASE("products with composed codecs are within the bound, part 1") {
  combinations::check_products<PART>();
}
