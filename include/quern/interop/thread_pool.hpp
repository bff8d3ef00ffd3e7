// Highway's thread pool as an executor. It includes headers of Highway that belong to no SIMD target, so it may stand
// before or after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "hwy/contrib/thread_pool/thread_pool.h"
#include "quern/base/executor.hpp"

namespace quern::inline v0 {

// Runs tasks on the pool's workers and on the calling thread. A reference: the pool must outlive every call that the
// executor is passed to. As hwy::ThreadPool::Run says, one thread at a time may use a pool, and no task may use the pool
// that runs it.
inline executor thread_pool_executor(hwy::ThreadPool& pool) noexcept {
  const auto run = [](void* context, std::size_t count, executor::task task, void* job) {
    static_cast<hwy::ThreadPool*>(context)->Run(
        0, count, [=](std::uint64_t i, std::size_t /*worker*/) { task(job, static_cast<std::size_t>(i)); });
  };
  return {&pool, run, pool.NumWorkers()};
}

}  // namespace quern::inline v0
