// expect: quern: -ffast-math and its parts change decoded values; compile without them
// As if compiled with -ffast-math.
// SPDX-License-Identifier: Apache-2.0
#define __FAST_MATH__ 1
#include "quern/base/bits.hpp"
