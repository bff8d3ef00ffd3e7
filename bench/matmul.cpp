// Products over tiles: bytes of weights read each second beside the rate at which this machine reads memory, and
// multiply-adds each second. One thread.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "quern/quern.hpp"

namespace {

using namespace quern;

// What the weights take: in the second-level cache, the third, and in memory.
constexpr std::size_t sizes[] = {std::size_t{512} << 10, std::size_t{8} << 20, std::size_t{256} << 20};

std::vector<float> wave(std::size_t n) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = std::sin(static_cast<float>(i % 8191) * 0.37f);
  return x;
}

// The roof: the sum of all words, a few vectors of sums at a time.
void read_memory(benchmark::State& state) {
  const std::size_t n = static_cast<std::size_t>(state.range(0)) / 8;
  std::vector<std::uint64_t> words(n, 1);
  for (auto _ : state) {
    std::uint64_t sums[64] = {};
    for (std::size_t i = 0; i + 64 <= n; i += 64)
      for (std::size_t j = 0; j < 64; ++j) sums[j] += words[i + j];
    benchmark::DoNotOptimize(sums);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

// A tile whose codes and scales are those of one small matrix, again and again.
template <class C>
packed<tiled<C>> weights(std::size_t rows, std::size_t cols) {
  const std::vector<float> x = wave(tile_rows * cols);
  packed<tiled<C>> w(rows, cols);
  packed<C> small(tile_rows, cols);
  if constexpr (scalar_format<typename C::number>) {
    quantize_into(small.span(), matrix_view<const float>(x.data(), tile_rows, cols));
  } else {
    for (std::size_t i = 0; i < small.array(0).size(); ++i) small.array(0)[i] = static_cast<std::byte>(i % 61);
  }
  const packed<tiled<C>> panel = transcode<tiled<C>>(small);
  for (std::size_t a = 0; a < tiled<C>::layout::arrays; ++a) {
    const auto from = panel.array(a);
    const auto to = w.array(a);
    for (std::size_t at = 0; at < to.size(); at += from.size())
      std::memcpy(to.data() + at, from.data(), std::min(from.size(), to.size() - at));
  }
  return w;
}

template <class C, class Activation>
void product(benchmark::State& state) {
  constexpr std::size_t cols = 4096;
  const auto bytes = static_cast<std::size_t>(state.range(0)), m = static_cast<std::size_t>(state.range(1));
  const auto rows = static_cast<std::size_t>(static_cast<double>(bytes) * 8 / bits_per_weight<tiled<C>> / cols) / 32 * 32;
  const packed<tiled<C>> w = weights<C>(rows, cols);
  const std::vector<float> x = wave(m * cols);
  std::vector<float> y(m * rows);
  const auto a = prepare<Activation>(matrix_view<const float>(x.data(), m, cols), w);
  for (auto _ : state) {
    matmul(w, a, matrix_view<float>(y.data(), m, rows));
    benchmark::DoNotOptimize(y.data());
  }
  std::size_t read = 0;
  for (std::size_t i = 0; i < tiled<C>::layout::arrays; ++i) read += w.array(i).size();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(read));
  state.counters["G multiply-adds/s"] = benchmark::Counter(
      static_cast<double>(rows * cols * m) * static_cast<double>(state.iterations()) * 1e-9, benchmark::Counter::kIsRate);
}

template <class C, class Activation>
void add(const std::string& name) {
  const std::string activation = std::is_same_v<activation_for<tiled<C>, Activation>, f32> ? "/f32" : "/int8";
  auto* const b = benchmark::RegisterBenchmark((name + activation).c_str(), product<C, Activation>);
  for (const std::size_t size : sizes) b->Args({static_cast<std::int64_t>(size), 1});
  b->Args({sizes[1], 8})->Args({sizes[1], 96})->ArgNames({"bytes", "m"});
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("target", target_name());
  for (const std::size_t size : sizes)
    benchmark::RegisterBenchmark("read", read_memory)->Arg(static_cast<std::int64_t>(size))->ArgName("bytes");
  add<gguf::q4_0, automatic>("gguf.q4_0");
  add<gguf::q8_0, automatic>("gguf.q8_0");
  add<gguf::q4_k, automatic>("gguf.q4_k");
  add<gguf::q6_k, automatic>("gguf.q6_k");
  add<gguf::iq4_nl, automatic>("gguf.iq4_nl");
  add<gguf::mxfp4, automatic>("gguf.mxfp4");
  add<gguf::nvfp4, automatic>("gguf.nvfp4");
  add<gguf::iq2_xxs, automatic>("gguf.iq2_xxs");
  add<gguf::q4_0, f32>("gguf.q4_0");
  add<bnb::nf4, f32>("bnb.nf4");
  benchmark::RunSpecifiedBenchmarks();
}
