// Executors run every task once; exact(x) is x.
// SPDX-License-Identifier: Apache-2.0
#include "quern/base/executor.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "quern/base/exact.hpp"

namespace {
using namespace quern;

// Runs tasks on threads, as many at once as there are; counts calls.
struct pool {
  std::size_t calls = 0;
  static void run(void* self, std::size_t count, executor::task f, void* job) {
    ++static_cast<pool*>(self)->calls;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(f, job, i);
    for (std::thread& t : threads) t.join();
  }
};

TEST_CASE("the default executor runs tasks in order") {
  std::vector<std::size_t> seen;
  executor{}.for_each(4, [&](std::size_t i) { seen.push_back(i); });
  CHECK(seen == std::vector<std::size_t>{0, 1, 2, 3});
  CHECK(executor{}.concurrency() == 1);
}

TEST_CASE("an executor runs every task once") {
  pool p;
  const executor ex(&p, pool::run, 3);
  std::vector<int> seen(50);
  const auto mark = [&](std::size_t i) { ++seen[i]; };
  ex.for_each(seen.size(), mark);
  CHECK(seen == std::vector<int>(50, 1));
  CHECK(p.calls == 1);
  CHECK(ex.concurrency() == 3);
  CHECK(executor(&p, pool::run, 0).concurrency() == 1);
}

TEST_CASE("one task or none needs no other thread") {
  pool p;
  const executor ex(&p, pool::run, 8);
  int n = 0;
  ex.for_each(0, [&](std::size_t) { ++n; });
  CHECK(n == 0);
  ex.for_each(1, [&](std::size_t) { ++n; });
  CHECK(n == 1);
  CHECK(p.calls == 0);
}

// ---- exact ----

static_assert(exact(0.1f) == 0.1f);

TEST_CASE("nothing is fused through exact") {
  // (1 + 2^-12)^2 - 1 is 2^-11 + 2^-24; the product rounded to float loses the last bit.
  volatile float a = 1 + 0x1p-12f, one = 1;
  CHECK(exact(a * a) - one == 0x1p-11f);
  CHECK(exact(a * a) + -one == 0x1p-11f);
}

}  // namespace
