// OpenMP's threads as an executor.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#if !defined(_OPENMP)
#error "quern/interop/openmp.hpp needs a compiler flag for OpenMP, such as -fopenmp"
#endif
#include <omp.h>

#include <cstddef>

#include "quern/base/executor.hpp"

namespace quern::inline v0 {

// Runs tasks in a parallel region of at most `threads` threads; 0: as many as OpenMP would take. It refers to nothing, so
// nothing needs to outlive it. Inside a parallel region OpenMP may give it one thread.
inline executor openmp_executor(std::size_t threads = 0) noexcept {
  static constexpr auto run = [](void* context, std::size_t count, executor::task task, void* job) {
    const int team = static_cast<int>(reinterpret_cast<std::size_t>(context));  // the number itself, no address
#pragma omp parallel for schedule(dynamic) num_threads(team)
    for (std::size_t i = 0; i < count; ++i) task(job, i);
  };
  const std::size_t most = static_cast<std::size_t>(omp_get_max_threads());
  const std::size_t team = threads == 0 ? most : threads;
  return {reinterpret_cast<void*>(team), run, team};
}

}  // namespace quern::inline v0
