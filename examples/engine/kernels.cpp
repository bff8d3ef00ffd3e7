// The one file of the engine that compiles kernels, for every SIMD target of the build.
// SPDX-License-Identifier: Apache-2.0
#include <quern/simd.hpp>

#include "formats.hpp"

QUERN_INSTANTIATE(engine::small);
