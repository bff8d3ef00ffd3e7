// Benchmarks of products with a codec, the reader's own or the catalogue's: how fast weights are read beside plain reading
// of the same bytes, and multiply-adds beside what the processor does at most, both measured turn by turn.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/simd.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "common/machine.hpp"
#include "common/measure.hpp"
#include "common/repeated.hpp"
#include "quern/quern.hpp"

namespace bench {

// Bytes that weights take: in the second-level cache, the third, and in memory.
constexpr std::int64_t small = 512 << 10, medium = 8 << 20, large = 256 << 20;
constexpr std::size_t product_cols = 4096;

// Rates a second of one thing beside its roof: medians over rounds.
struct rates {
  double seconds, rate, of_roof;
};

// Turns of `work`, which does `amount` of something, and of `roof`, which returns how much of it a second could be done;
// at least three rounds, more for up to a second. A turn lasts 3 ms at least.
template <class Work, class Roof>
rates beside(std::size_t count, double amount, Work work, Roof roof) {
  work();
  const auto runs = 1 + static_cast<std::size_t>(0.003 / std::max(seconds_of(count, work), 1e-7));
  std::vector<double> times, shares;
  const auto start = std::chrono::steady_clock::now();
  const auto is_late = [&] { return std::chrono::steady_clock::now() - start > std::chrono::seconds(1); };
  while (times.size() < 3 || (times.size() < 15 && !is_late())) {
    const double s = seconds_of(count, [&] {
      for (std::size_t r = 0; r < runs; ++r) work();
    });
    times.push_back(s / static_cast<double>(runs));
    shares.push_back(amount / times.back() / roof());
  }
  const double s = median(times);
  return {s, amount / s, median(shares)};
}

// sample_rows rows of a matrix of codec C. Every byte is 0x30 to 0x3f, which makes ordinary scales in every float format;
// what the numbers are does not matter to the speed of the kernels, and quantizing would double the time of compiling.
template <quern::any_codec C>
quern::packed<C> sample_of(std::size_t cols) {
  quern::packed<C> w(sample_rows, cols);
  std::uint32_t seed = 1;
  for (std::size_t a = 0; a < C::layout::arrays; ++a)
    for (std::byte& b : w.array(a)) seed = seed * 1664525 + 1013904223, b = static_cast<std::byte>(0x30 | seed >> 28);
  return w;
}

// One product: state.range: bytes of weights, rows of x, threads. x is prepared anew for every product.
template <quern::any_codec C, quern::any_codec Layout, class Activation>
void product(benchmark::State& state) {
  const auto m = static_cast<std::size_t>(state.range(1)), count = static_cast<std::size_t>(state.range(2));
  const std::size_t cols = product_cols, rows = rows_of<Layout>(static_cast<std::size_t>(state.range(0)), cols);
  const quern::packed<Layout> w = repeated(quern::transcode<Layout>(sample_of<C>(cols)), rows);
  const std::vector<float> x = normal(m * cols, 7);
  std::vector<float> y(m * rows);
  std::vector<std::byte> scratch(quern::scratch_bytes<Activation>(w, m));
  const auto run = [&] {
    quern::matmul<Activation>(w, quern::matrix_view<const float>(x.data(), m, cols),
                              quern::matrix_view<float>(y.data(), m, rows), scratch, threads(count));
    benchmark::DoNotOptimize(y.data());
  };
  using A = quern::activation_for<Layout, Activation>;
  constexpr arithmetic kind = quern::is_int8<A>              ? arithmetic::int8
                              : std::same_as<A, quern::bf16> ? arithmetic::bf16
                                                             : arithmetic::f32;
  std::size_t largest = 0;  // array: the codes
  for (std::size_t a = 0; a < Layout::layout::arrays; ++a)
    if (w.array(a).size() > w.array(largest).size()) largest = a;
  const auto bytes = static_cast<double>(bytes_of(w)), products = static_cast<double>(rows * cols * m);
  for (auto _ : state) {
    const rates r = m == 1 ? beside(count, bytes, run, [&] { return read_rate(w.array(largest), count); })
                           : beside(count, products, run, [&] { return arithmetic_rate(kind, count); });
    state.SetIterationTime(r.seconds);
    state.counters["rows"] = static_cast<double>(rows), state.counters["cols"] = static_cast<double>(cols);
    state.counters["GB/s"] = bytes / r.seconds * 1e-9;
    state.counters["G multiply-adds/s"] = products / r.seconds * 1e-9;
    state.counters[m == 1 ? "of_reading" : "of_peak"] = r.of_roof;
  }
  state.SetLabel(m == 1 ? "" : std::string("of ") + name_of(kind));
}

// Sizes of products: bytes of weights and rows of x.
struct product_size {
  std::int64_t bytes, m;
};
inline const std::vector<product_size> product_sizes{{small, 1},  {medium, 1},  {large, 1},
                                                     {medium, 8}, {medium, 32}, {medium, 512}};

// Registers product/NAME/LAYOUT/ACTIVATION of all sizes, with one thread and with all. Layout: tiled<C>, or C itself.
template <quern::any_codec C, class Activation = quern::automatic, quern::any_codec Layout = quern::tiled<C>>
void add_products(const std::string& name = std::string(quern::name<C>)) {
  using A = quern::activation_for<Layout, Activation>;
  const char* const x = quern::is_int8<A> ? "/int8" : std::same_as<A, quern::bf16> ? "/bf16" : "/f32";
  const std::string layout = quern::is_tiled<Layout> ? "/tiled" : "/own";
  auto* const b =
      benchmark::RegisterBenchmark(("product/" + name + layout + x).c_str(), product<C, Layout, Activation>);
  b->ArgNames({"bytes", "m", "threads"})->Iterations(1)->UseManualTime();
  for (const product_size& s : product_sizes)
    for (const std::size_t count : thread_counts()) b->Args({s.bytes, s.m, static_cast<std::int64_t>(count)});
}

// The main program: --quern_target=NAME takes an instruction set of Highway's; all other options are google/benchmark's.
inline int run(int argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    constexpr std::string_view option = "--quern_target=";
    if (!std::string_view(argv[i]).starts_with(option)) {
      argv[kept++] = argv[i];
    } else if (const auto ok = quern::try_force_target(std::string_view(argv[i]).substr(option.size())); !ok) {
      std::fprintf(stderr, "%s: %s\n", argv[i], ok.error().what);
      return 2;
    }
  }
  argv[argc = kept] = nullptr;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("machine", this_machine().text());
  benchmark::AddCustomContext("target", quern::target_name());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
