// What the programs that compare with ggml share: its library, opened at run time, a clock, and weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "quern/base/matrix_view.hpp"

namespace peers {

// Some of ggml's public C interface. The path is that of libggml-base.so, or of a library that needs it.
struct ggml_library {
  std::size_t (*quantize_chunk)(int type, const float* x, void* out, std::int64_t first, std::int64_t rows,
                                std::int64_t cols, const float* importance);
  bool (*requires_importance)(int type);
  const char* (*version)();

  explicit ggml_library(const char* path) : handle_(dlopen(path, RTLD_NOW)) {
    if (handle_ == nullptr) fail(dlerror());
    find(quantize_chunk, "ggml_quantize_chunk");
    find(requires_importance, "ggml_quantize_requires_imatrix");
    find(version, "ggml_version");
  }

 protected:
  void find(auto& function, const char* name) const {
    void* const symbol = dlsym(handle_, name);
    if (symbol == nullptr) fail(dlerror());
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
  }
  [[noreturn]] static void fail(const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::exit(1);
  }

 private:
  void* handle_;
};

// Processor time of this thread, which other processes on the machine do not lengthen.
inline double seconds_of(auto f) {
  const auto now = [] {
    std::timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  const double start = now();
  f();
  return now() - start;
}
inline double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

// Weights, 0 until they are written, and the importance of each column, log-normal numbers, which may be ignored.
struct matrix {
  std::size_t rows, cols;
  std::vector<float> x, importance;

  matrix(std::size_t r, std::size_t c) : rows(r), cols(c), x(r * c), importance(c) {
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    for (float& e : importance) e = std::exp(normal(random));
  }
  // With weights drawn from a distribution.
  static matrix drawn(std::size_t r, std::size_t c, auto distribution) {
    matrix m(r, c);
    std::mt19937 random(1);
    for (float& v : m.x) v = static_cast<float>(distribution(random));
    return m;
  }

  quern::matrix_view<const float> view() const { return {x.data(), rows, cols}; }
  std::span<const float> importances(bool weighted) const {
    return weighted ? std::span(importance) : std::span<const float>();
  }
  // Into `out`, as ggml writes the type.
  void quantize(const ggml_library& ggml, int type, bool weighted, void* out) const {
    ggml.quantize_chunk(type, x.data(), out, 0, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(cols),
                        weighted ? importance.data() : nullptr);
  }
};

}  // namespace peers
