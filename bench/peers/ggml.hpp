// What the programs that compare with ggml share: its library, opened at run time, and a clock.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <vector>

namespace peers {

// Some of ggml's public C interface. The path is that of libggml-base.so.
struct ggml_library {
  std::size_t (*quantize_chunk)(int type, const float* x, void* out, std::int64_t first, std::int64_t rows,
                                std::int64_t cols, const float* importance);
  bool (*requires_importance)(int type);
  const char* (*version)();

  explicit ggml_library(const char* path) {
    void* const handle = dlopen(path, RTLD_NOW);
    if (handle == nullptr) fail(dlerror());
    const auto find = [&](auto& function, const char* name) {
      void* const symbol = dlsym(handle, name);
      if (symbol == nullptr) fail(dlerror());
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
    };
    find(quantize_chunk, "ggml_quantize_chunk");
    find(requires_importance, "ggml_quantize_requires_imatrix");
    find(version, "ggml_version");
  }

 private:
  [[noreturn]] static void fail(const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::exit(1);
  }
};

inline double seconds_of(auto f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
inline double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

}  // namespace peers
