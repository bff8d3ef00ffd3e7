// The floating-point mode that kernels compute in, whatever the host program has set.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace quern::inline v0 {

// For its lifetime: round to nearest even, subnormals neither flushed nor taken for zero, no traps. Then what was before.
class ieee_mode {
 public:
  ieee_mode() noexcept : before_(read()) {
    if (before_ != wanted) write(wanted);
  }
  ~ieee_mode() {
    if (before_ != wanted) write(before_);
  }
  ieee_mode(const ieee_mode&) = delete;
  ieee_mode& operator=(const ieee_mode&) = delete;

 private:
  // The clobber keeps loads and stores, and so what is computed between them, on their side of the change.
#if defined(__x86_64__) || defined(__SSE__)
  using word = std::uint32_t;
  static constexpr word wanted = 0x1f80;
  static constexpr word sticky = 0x3f;  // which exceptions have occurred: no mode
  static word read() noexcept {
    word w;
    asm volatile("stmxcsr %0" : "=m"(w));
    return w & ~sticky;
  }
  static void write(word w) noexcept { asm volatile("ldmxcsr %0" : : "m"(w) : "memory"); }
#elif defined(__aarch64__)
  using word = std::uint64_t;
  static constexpr word wanted = 0;
  static word read() noexcept {
    word w;
    asm volatile("mrs %0, fpcr" : "=r"(w));
    return w;
  }
  static void write(word w) noexcept { asm volatile("msr fpcr, %0" : : "r"(w) : "memory"); }
#else
  using word = int;
  static constexpr word wanted = 0;
  static word read() noexcept { return 0; }
  static void write(word) noexcept {}
#endif
  const word before_;
};

}  // namespace quern::inline v0
