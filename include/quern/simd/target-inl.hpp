// Which target a kernel runs on.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_TARGET_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_TARGET_INL_HPP_
#undef QUERN_SIMD_TARGET_INL_HPP_
#else
#define QUERN_SIMD_TARGET_INL_HPP_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

inline std::int64_t Target() { return HWY_TARGET; }

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
