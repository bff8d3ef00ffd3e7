// Decoding of composed codecs, part 7 of 8.
// SPDX-License-Identifier: Apache-2.0
#define PART 6
#include "combinations/some_targets.hpp"
#include "quern/simd.hpp"

#include "combinations/decode_check.hpp"

TEST_CASE("codecs of all combinations of policies decode to the reference's bits, part 7") {
  combinations::check_part<PART>();
}
