// Decoding, in bytes of f32 weights written per second, of matrices whose weights fit the second-level cache, beside the
// rate at which memset fills it.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "quern/catalog/catalog.hpp"
#include "quern/storage/packed.hpp"

namespace {

using namespace quern;

constexpr std::size_t rows = 64, cols = 2048;  // 512 KiB

// The roof: one byte stored everywhere.
void fill(benchmark::State& state) {
  std::vector<float> out(rows * cols);
  int byte = 0;
  for (auto _ : state) {
    std::memset(out.data(), byte++ & 0x3f, out.size() * sizeof(float));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(rows * cols * sizeof(float)));
}
BENCHMARK(fill);

template <class C>
void decode(benchmark::State& state) {
  packed<C> w(rows, cols);
  for (std::size_t a = 0; a < C::layout::arrays; ++a) {
    std::uint32_t seed = 1;
    for (std::byte& b : w.array(a))  // 0x30 to 0x3f: ordinary scales in every float format
      seed = seed * 1664525 + 1013904223, b = static_cast<std::byte>(0x30 | seed >> 28);
  }
  std::vector<float> out(rows * cols);
  for (auto _ : state) {
    kernels<C>::decode(w.view(), matrix_view<float>(out.data(), rows, cols));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(rows * cols * sizeof(float)));
}

template <class... P>
void add(type_list<P...>) {
  (benchmark::RegisterBenchmark(P::name, decode<typename P::base>), ...);
}
const bool added = (add(catalog{}), true);

}  // namespace

BENCHMARK_MAIN();
