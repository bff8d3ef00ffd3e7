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

// 512 KiB of weights, in a shape that the format's owner has files for.
template <class P>
constexpr shape shape_of() {
  if constexpr (requires { P::refusal(shape{}); })
    for (const shape s : {shape{128, 1024}, shape{256, 512}, shape{1, 131072}})
      if (P::refusal(s) == nullptr) return s;
  return {128, 1024};
}

template <class... P>
void add(type_list<P...>) {
  (benchmark::RegisterBenchmark(P::name, encode<P>)
       ->Args({static_cast<std::int64_t>(shape_of<P>().rows), static_cast<std::int64_t>(shape_of<P>().cols)}),
   ...);
}

// One of each kind of number, scale, offset, fit and layout.
using ggml = type_list<gguf::f16, gguf::bf16, gguf::q8_0, gguf::q4_0, gguf::q4_1, gguf::q5_0, gguf::q5_1, gguf::tq2_0,
                       gguf::tq1_0, gguf::q1_0, gguf::q2_0, gguf::mxfp4, gguf::nvfp4>;
using floats = type_list<mx::mxfp8_e4m3, mx::mxfp8_e5m2, mx::mxfp6_e3m2, mx::mxfp6_e2m3, mx::mxfp4, mx::mxfp4_swizzled,
                         mx::mxint8, fp8::e4m3_tensor, fp8::e4m3_channel, fp8::e4m3_block, fp8::e5m2_channel,
                         nv::nvfp4, nv::nvfp4_swizzled, nv::nvfp4_inverse, mlx::mxfp4, mlx::mxfp8, mlx::nvfp4,
                         compressed_tensors::nvfp4, compressed_tensors::mxfp4, compressed_tensors::mxfp8>;
using codebooks =
    type_list<bnb::nf4, bnb::fp4, bnb::nf4_double, bnb::fp4_double, bnb::int8_blockwise, bnb::llm_int8>;
using symmetric_integers =
    type_list<integers::int_tensor<8>, integers::int_channel<8>, integers::int_group<8>, integers::int_group<4>,
              integers::int_group<2>, integers::offset_channel<4>, integers::offset_group<4>,
              compressed_tensors::pack_quantized<4>, compressed_tensors::pack_quantized<8>,
              compressed_tensors::pack_quantized<3>, compressed_tensors::padded_int3<>,
              compressed_tensors::pack_quantized<4, all>, compressed_tensors::int8_channel, marlin::w4<128>,
              marlin::w4<all>, bitnet::hf, bitnet::i2_s>;
using asymmetric_integers =
    type_list<integers::uint_tensor<8>, integers::uint_channel<8>, integers::uint_group<8>, integers::uint_group<4>,
              integers::uint_group<2>, gptq::v1<2>, gptq::v1<3>, gptq::v1<4>, gptq::v1<8>, gptq::v2<4, all>,
              awq::gemm<128>, awq::gemv<128>, awq::gemv_fast<128>, mlx::affine<2>, mlx::affine<3>, mlx::affine<4>,
              mlx::affine<6>, mlx::affine<8>, compressed_tensors::pack_quantized_asymmetric<4>,
              compressed_tensors::pack_quantized_asymmetric<3>, hqq::axis1<8>, hqq::axis1<4>, hqq::axis1<3>,
              hqq::axis1<1>, torchao::tinygemm<128>, torchao::tinygemm<32>>;
using measured = concat<ggml, floats, codebooks, symmetric_integers, asymmetric_integers>::type;
const bool added = (add(measured{}), true);

}  // namespace

BENCHMARK_MAIN();
