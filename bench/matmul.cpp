// Products: tiles, and layouts as they lie in files; activations as the codec takes them by itself, and as f32. See
// common/product.hpp for what is measured beside what.
// SPDX-License-Identifier: Apache-2.0
#include "common/product.hpp"

namespace {

using namespace quern;

// 4 bits and scales of 8 bits for 32 weights each, of nobody's.
using composed = codec<offset_integer<4>, levels<group<32, e4m3>, tensor<quern::f32>>>;

void reading(benchmark::State& state) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{1});
  const auto count = static_cast<std::size_t>(state.range(1));
  for (auto _ : state) {
    std::vector<double> rates;
    for (int i = 0; i < 9; ++i) rates.push_back(bench::read_rate(bytes, count));
    state.SetIterationTime(static_cast<double>(bytes.size()) / bench::median(rates));
    state.counters["GB/s"] = bench::median(rates) * 1e-9;
  }
}

template <bench::arithmetic Kind>
void peak(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<double> rates;
    for (int i = 0; i < 25; ++i)
      rates.push_back(bench::arithmetic_rate(Kind, static_cast<std::size_t>(state.range(0))));
    state.SetIterationTime(1 / bench::median(rates));
    state.counters["G multiply-adds/s"] = bench::median(rates) * 1e-9;
  }
}

void add_roofs() {
  for (const std::size_t count : bench::thread_counts()) {
    const auto n = static_cast<std::int64_t>(count);
    const auto add = [&](const char* name, auto f) {
      return benchmark::RegisterBenchmark(name, f)->Iterations(1)->UseManualTime();
    };
    for (const std::int64_t bytes : {bench::small, bench::medium, bench::large})
      add("reading", reading)->Args({bytes, n})->ArgNames({"bytes", "threads"});
    add("peak/u8 x i8", peak<bench::arithmetic::int8>)->Arg(n)->ArgName("threads");
    add("peak/bf16", peak<bench::arithmetic::bf16>)->Arg(n)->ArgName("threads");
    add("peak/f32", peak<bench::arithmetic::f32>)->Arg(n)->ArgName("threads");
  }
}

template <class... C>
void add_all(type_list<C...>) {
  (bench::add_products<C>(), ...);
}

}  // namespace

int main(int argc, char** argv) {
  add_roofs();
  add_all(type_list<gguf::q4_0, gguf::q8_0, gguf::q2_k, gguf::q4_k, gguf::q6_k, gguf::iq4_nl, gguf::mxfp4, gguf::nvfp4,
                    gguf::iq2_xxs, gguf::iq3_s, gguf::tq2_0, integers::int_channel<8>, integers::uint_group<4>,
                    torchao::tinygemm<128>, bnb::nf4, fp8::e4m3_channel, mx::mxfp6_e2m3>{});
  bench::add_products<composed>("composed.int4_g32");
  bench::add_products<gguf::q4_0, quern::f32>();
  bench::add_products<gguf::q4_0, automatic, gguf::q4_0>();
  bench::add_products<gguf::q4_k, automatic, gguf::q4_k>();
  return bench::run(argc, argv);
}
