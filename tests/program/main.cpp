// Includes the light header only, and calls all the other files' kernels on every target of this machine: they agree.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "hwy/targets.h"
#include "program/shared.hpp"

namespace {

int failures = 0;

void expect(bool ok, const char* what) {
  if (!ok) std::printf("  %s\n", what), ++failures;
}

bool equal(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin());
}

bool near(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) { return std::fabs(x - y) < 1e-4f; });
}

}  // namespace

int main() {
  using namespace quern;
  constexpr std::size_t rows = 37, cols = 256, m = 6;
  std::vector<float> weights(rows * cols), values(m * cols);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(0.37f * static_cast<float>(i));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::cos(0.11f * static_cast<float>(i));
  const matrix_view<const float> x(values.data(), m, cols);
  const auto w = quantize<program::log4_32>(matrix_view<const float>(weights.data(), rows, cols));

  const auto product = [&](auto f) {
    std::vector<float> y(m * rows);
    f(matrix_view<float>(y.data(), m, rows));
    return y;
  };
  const auto by = [&](auto f) { return product([&](matrix_view<float> y) { f(w.view(), x, y); }); };

  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    std::printf("%s\n", hwy::TargetName(target));
    const std::vector<float> want = by(program::plain);
    std::vector<float> relu = want;
    for (float& y : relu) y = std::max(y, 0.0f);
    expect(program::plain_target() == target && program::again_target() == target, "another target is in use");
    expect(equal(by(program::again), want), "the same kernels of a second file differ");
    expect(equal(by(program::engine), relu), "the engine's kernels differ");
    expect(equal(product([&](matrix_view<float> y) { matmul<f32>(w, x, y); }), want), "quern::matmul differs");
    const auto tiles = transcode<tiled<program::log4_32>>(w);
    expect(near(product([&](matrix_view<float> y) { matmul(tiles, x, y); }), want), "quern::matmul of tiles differs");
  }
  hwy::SetSupportedTargetsForTest(0);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
    std::printf("other flags\n");
    expect(near(by(program::haswell), by(program::plain)), "kernels compiled with other flags differ");
  }
#endif
  expect(program::bare_works(), "the file without exceptions fails");
  std::printf(failures ? "%d failures\n" : "ok\n", failures);
  return failures != 0;
}
