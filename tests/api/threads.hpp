// An executor of standard threads, each taking the next task.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <thread>
#include <vector>

#include "quern/base/executor.hpp"

namespace api {

class test_threads {
 public:
  explicit test_threads(std::size_t count) : count_(count) {}
  quern::executor executor() { return {this, run, count_}; }
  std::size_t most_tasks() const { return most_tasks_; }

 private:
  static void run(void* self, std::size_t count, quern::executor::task f, void* job) {
    auto& me = *static_cast<test_threads*>(self);
    if (count > me.most_tasks_) me.most_tasks_ = count;
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i = next++; i < count; i = next++) f(job, i);
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < me.count_; ++i) threads.emplace_back(work);
    work();
    for (std::thread& t : threads) t.join();
  }
  std::size_t count_, most_tasks_ = 0;
};

}  // namespace api
