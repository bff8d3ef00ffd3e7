// Running a check on every SIMD target that is compiled in and that this machine has. Include after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <doctest/doctest.h>

#include <cstdint>

#include "hwy/targets.h"

namespace support {

// f(target) for each; C's kernels really run on it meanwhile.
template <class Kernels>
void on_every_target(auto f) {
  int ran = 0;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    CAPTURE(hwy::TargetName(target));
    CHECK(Kernels::target() == target);
    f(target);
    ++ran;
  }
  hwy::SetSupportedTargetsForTest(0);
  CHECK(ran > 0);
}

}  // namespace support
