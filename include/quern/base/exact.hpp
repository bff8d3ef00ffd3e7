// The one barrier against fused multiply-add.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <type_traits>

namespace quern::inline v0 {

// x, rounded to its type here and now: a compiler that contracts a * b + c must not reach through it. No instruction is
// emitted. Needed because g++ fuses across statements by default and clang++ within an expression, where the target has
// fused multiply-add; __builtin_assoc_barrier and #pragma GCC optimize do not stop g++ 12.
template <class T>
  requires(std::is_same_v<T, float> || std::is_same_v<T, double>)
constexpr T exact(T x) {
#if defined(__GNUC__) && !defined(__CUDA_ARCH__)
  if (!std::is_constant_evaluated()) {
#if defined(__SSE2__)
    asm("" : "+x"(x));
#elif defined(__aarch64__)
    asm("" : "+w"(x));
#elif defined(__s390x__)
    asm("" : "+f"(x));
#else
    asm("" : "+m"(x));
#endif
  }
#endif
  return x;
}

}  // namespace quern::inline v0
