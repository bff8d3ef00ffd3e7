// Prints the version of the installed headers and the SIMD target that the installed Highway chooses.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>

#include <cstdio>
#include <hwy/highway.h>
#include <hwy/targets.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

bool light_header_compiles();

int main() {
  const auto targets = hwy::SupportedTargets() & HWY_TARGETS;
  std::printf("quern %s, %s\n", TEXT(QUERN_VERSION), hwy::TargetName(targets & -targets));
  return light_header_compiles() ? 0 : 1;
}
