// Encoding, in bytes of f32 weights read per second, of matrices that fit the second-level cache and of larger ones.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "quern/catalog/catalog.hpp"
#include "quern/storage/packed.hpp"

namespace {

using namespace quern;

template <class P>
void encode(benchmark::State& state) {
  using C = typename P::base;
  const auto rows = static_cast<std::size_t>(state.range(0)), cols = static_cast<std::size_t>(state.range(1));
  std::vector<float> x(rows * cols);
  std::uint32_t seed = 1;
  for (float& v : x) {  // a sum of four: nearly normal
    v = 0;
    for (int i = 0; i < 4; ++i)
      seed = seed * 1664525 + 1013904223, v += static_cast<float>(static_cast<std::int32_t>(seed)) * 0x1p-31f;
  }
  packed<C> out(rows, cols);
  const matrix_view<const float> view(x.data(), rows, cols);
  for (auto _ : state) {
    encoding_kernels<encoding<C, fit_of<P>>>::encode(view, out.span());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(rows * cols * sizeof(float)));
}

void first_nonfinite(benchmark::State& state) {
  const std::vector<float> x(1 << 16, 1.0f);
  const matrix_view<const float> view(x.data(), 32, 2048);
  for (auto _ : state)
    benchmark::DoNotOptimize(encoding_kernels<encoding<gguf::q8_0::base, fit_of<gguf::q8_0>>>::first_nonfinite(view));
  state.SetBytesProcessed(state.iterations() * (1 << 18));
}
BENCHMARK(first_nonfinite);

template <class... P>
void add(type_list<P...>) {
  (benchmark::RegisterBenchmark(P::name, encode<P>)->Args({128, 1024}), ...);  // 512 KiB
}

using measured = type_list<gguf::f16, gguf::bf16, gguf::q8_0, gguf::q4_0, gguf::q4_1, gguf::q5_0, gguf::q5_1,
                           gguf::tq2_0, gguf::tq1_0, gguf::q1_0, gguf::q2_0, gguf::mxfp4, gguf::nvfp4, bnb::nf4,
                           bnb::fp4, bnb::nf4_double, bnb::int8_blockwise, bnb::llm_int8, integers::int_channel<8>,
                           integers::int_group<8>, integers::uint_group<4>, mx::mxfp8_e4m3, mx::mxfp8_e5m2,
                           mx::mxfp6_e3m2, mx::mxfp6_e2m3, mx::mxfp4, mx::mxint8, fp8::e4m3_tensor, fp8::e4m3_channel,
                           fp8::e4m3_block, nv::nvfp4, gptq::v1<4>, mlx::affine<4>, mlx::affine<3>, hqq::axis1<4>>;
const bool added = (add(measured{}), true);

}  // namespace

BENCHMARK_MAIN();
