// expect: layout: a field in a repeat must state its width, like stream<codes, 3>
// `whole` is not known before the codec is.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"
#include "quern/layout/plane.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
using namespace quern;
using mistake = codec<unsigned_integer<4>, levels<>, symmetric, blocked<64, repeat<32, stream<codes>>>>;
const bool checked = mistake::checked();
