// OpenMP's executor; compiled with the compiler's flag for OpenMP where there is one.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <initializer_list>
#include <vector>

#if defined(_OPENMP)
#include "quern/interop/openmp.hpp"
#endif

namespace {

TEST_CASE("OpenMP runs every task once") {
#if defined(_OPENMP)
  for (const std::size_t threads : std::initializer_list<std::size_t>{0, 1, 3}) {
    std::vector<int> seen(100);
    const auto mark = [&](std::size_t i) { ++seen[i]; };
    quern::openmp_executor(threads).for_each(seen.size(), mark);
    CHECK(seen == std::vector<int>(100, 1));
  }
  CHECK(quern::openmp_executor(3).concurrency() == 3);
#else
  MESSAGE("compiled without OpenMP");
#endif
}

}  // namespace
