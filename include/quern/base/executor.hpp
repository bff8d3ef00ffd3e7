// Who runs the pieces of a large job. The library has no threads of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <type_traits>

namespace quern::inline v0 {

// A reference to something that can run task(0) ... task(n - 1), in any order and at once, and return when all are done.
// The default runs them one after the other. Results never depend on the executor. What it refers to must outlive it.
class executor {
 public:
  using task = void (*)(void* job, std::size_t index);
  using runner = void (*)(void* context, std::size_t count, task, void* job);

  constexpr executor() noexcept = default;
  // context: passed to run. concurrency: how many tasks make progress at once; work is cut into a few times as many.
  constexpr executor(void* context, runner run, std::size_t concurrency) noexcept
      : context_(context), run_(run), concurrency_(concurrency ? concurrency : 1) {}

  constexpr std::size_t concurrency() const noexcept { return concurrency_; }

  // Calls f(i) for every i < count; f is noexcept by contract.
  template <class F>
  void for_each(std::size_t count, F&& f) const {
    if (run_ == nullptr || count <= 1) {
      for (std::size_t i = 0; i < count; ++i) f(i);
      return;
    }
    using callable = std::remove_reference_t<F>;
    run_(context_, count, [](void* job, std::size_t i) { (*static_cast<callable*>(job))(i); },
         const_cast<void*>(static_cast<const void*>(&f)));
  }

 private:
  void* context_ = nullptr;
  runner run_ = nullptr;
  std::size_t concurrency_ = 1;
};

}  // namespace quern::inline v0
