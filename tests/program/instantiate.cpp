// The one file that defines what the public functions call for a codec.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "program/shared.hpp"

QUERN_INSTANTIATE(program::log4_32);
