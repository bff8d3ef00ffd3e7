// expect: codebook: the table must have 2^bits entries; repeat an entry to fill it
// One value is missing.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include "quern/number/codebook.hpp"
using namespace quern;
constexpr std::array<float, 15> values{-1, -2, -3};
const float bad = codebook<values>::value(0);
