// Products of composed codecs, part 2 of 2.
// SPDX-License-Identifier: Apache-2.0
#define PART 1
#include "combinations/some_targets.hpp"
#include "quern/simd.hpp"

#include "combinations/product_check.hpp"

TEST_CASE("products with composed codecs are within the bound, part 2") {
  combinations::check_products<PART>();
}
