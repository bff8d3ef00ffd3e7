// expect: quern/simd.hpp must precede hwy/highway.h, or follow hwy/foreach_target.h
// SPDX-License-Identifier: Apache-2.0
#include "hwy/highway.h"
#include "quern/simd.hpp"
