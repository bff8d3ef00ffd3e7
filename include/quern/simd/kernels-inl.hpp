// All kernels, once for each SIMD target.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd/decode-inl.hpp"
#include "quern/simd/encode-inl.hpp"
#include "quern/simd/matmul-inl.hpp"
#include "quern/simd/target-inl.hpp"
