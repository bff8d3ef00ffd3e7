// expect: layout: two codes lie in the same bit; check strides, origins and the order of fields
// The second half lies two bits from the first, but codes have four.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/layout/strided.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<4>, levels<group<32, f16>>, symmetric,
                      blocked<32, stream<scale<>>, shared<16, strided<codes, 4, 0, 0, axis<16, 8>, axis<2, 2>>>>>;
const bool checked = mistake::checked();
