// expect: layout: a field reaches outside its unit; enlarge the unit or the shared bytes
// 32 codes of four bits need 16 bytes.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/layout/strided.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<4>, levels<group<32, f16>>, symmetric,
                      blocked<32, stream<scale<>>, shared<15, strided<codes, 4, 0, 0, axis<32, 4>>>>>;
const bool checked = mistake::checked();
