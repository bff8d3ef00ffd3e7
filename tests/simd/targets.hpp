// Running a check on every SIMD target that is compiled in and that this machine has. Include after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "hwy/targets.h"

namespace support {

// f() for each of `targets` that this machine has; what `target` tells of really runs on it meanwhile.
inline void on_every_target(std::int64_t targets, std::int64_t (*target)() noexcept, const std::function<void()>& f) {
  int ran = 0;
  for (std::int64_t left = hwy::SupportedTargets() & targets; left != 0; left &= left - 1) {
    const std::int64_t here = left & -left;
    hwy::SetSupportedTargetsForTest(here);
    const std::string name = hwy::TargetName(here);
    CAPTURE(name);
    CHECK(target() == here);
    f();
    ++ran;
  }
  hwy::SetSupportedTargetsForTest(0);
  CHECK(ran > 0);
}

}  // namespace support
