// What the programs that measure share: clocks, medians, threads, and the rates of roofs.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ctime>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "common/roofs.hpp"
#include "quern/base/executor.hpp"
#if defined(_OPENMP)
#include "quern/interop/openmp.hpp"
#endif

namespace bench {

inline double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v.empty() ? 0 : v[v.size() / 2];
}

// Seconds that f takes: of this thread's processor time where all of it runs here, so that others who use the machine
// count less; otherwise by the wall.
template <class F>
double seconds_of(std::size_t threads, F&& f) {
  const auto now = [&] {
    if (threads > 1) return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  const double start = now();
  std::forward<F>(f)();
  return now() - start;
}

// An executor of so many threads. Without OpenMP there is one.
inline quern::executor threads(std::size_t n) {
#if defined(_OPENMP)
  if (n > 1) return quern::openmp_executor(n);
#endif
  static_cast<void>(n);
  return {};
}
inline std::size_t most_threads() {
#if defined(_OPENMP)
  return static_cast<std::size_t>(std::max(omp_get_num_procs(), 1));
#else
  return 1;
#endif
}

// One, and all of them.
inline std::vector<std::size_t> thread_counts() {
  std::vector<std::size_t> counts{1};
  if (most_threads() > 1) counts.push_back(most_threads());
  return counts;
}

// Runs f(thread) once for each of so many threads, at once.
template <class F>
void on_each(std::size_t count, const F& f) {
  threads(count).for_each(count, [&](std::size_t i) { f(i); });
}

// Bytes a second at which so many threads read these bytes, each a part of them: the better of two ways.
inline double read_rate(std::span<const std::byte> bytes, std::size_t count) {
  double best = 0;
  const std::size_t runs = std::max<std::size_t>(1, (std::size_t{32} << 20) / std::max<std::size_t>(bytes.size(), 1));
  for (const bool ahead : {false, true}) {
    const double s = seconds_of(count, [&] {
      for (std::size_t r = 0; r < runs; ++r)
        on_each(count, [&](std::size_t i) {
          const std::size_t from = bytes.size() * i / count, to = bytes.size() * (i + 1) / count;
          static_cast<void>(read_all(bytes.subspan(from, to - from), ahead));
        });
    });
    best = std::max(best, static_cast<double>(runs * bytes.size()) / s);
  }
  return best;
}

// Multiply-adds a second of so many threads.
inline double arithmetic_rate(arithmetic kind, std::size_t count) {
  constexpr std::size_t turns = 500000;  // about a millisecond
  const double each = multiply_adds(kind, turns);
  const double s = seconds_of(count, [&] { on_each(count, [&](std::size_t) { multiply_adds(kind, turns); }); });
  return each * static_cast<double>(count) / s;
}

}  // namespace bench
