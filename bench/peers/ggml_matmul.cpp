// Products with GGUF's types beside ggml's CPU backend, turn by turn in one run: y = x * w, m rows of x in f32, weights as
// they lie in a file (the same bytes for both), and as each rearranges them: Quern's tiles, ggml's extra buffers.
//
//   bench_ggml_matmul LIBGGML_CPU.so [--types=q4_0,q4_k] [--m=1,512] [--threads=1,2] [--rounds=7]
//
// LIBGGML_CPU is that of the Python package llama-cpp-python, or any other. Weights of one row of x are 8 MiB, then 256 MiB;
// of 8 rows 8 MiB; of more, 1024 x 4096. Times of one thread are of the processor, of more of the wall; turns in which
// others took a processor are repeated, and where that does not help the line says so. Every figure is a median over
// rounds; ratios are medians of those of rounds. All results are held to a bound.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <string>

#include "common/machine.hpp"
#include "common/measure.hpp"
#include "common/repeated.hpp"
#include "peers/ggml_cpu.hpp"
#include "peers/options.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/quern.hpp"
#include "quern/reference/dot.hpp"

namespace {

using namespace quern;

constexpr std::size_t cols = 4096;
struct options {
  std::vector<std::string> types;
  std::vector<std::size_t> m{1, 8, 32, 512}, threads{1, 2};
  std::size_t rounds = 7;
};
struct contender {
  std::string name;
  std::function<void()> run;
  std::vector<double> times;  // seconds, one for each round
};
bool all_within_bounds = true;

// ---- errors ----

// How far ggml's result may be from the exact one: e[k] bounds what x[k] loses as ggml puts x into its own form.
// Quantized types take x in groups of 32 or 256: a unit amax / 127, rounded to a half in groups of 32, and integers. The
// integer is off by half a unit at most, amax / 254; the half by 2^-11 of the unit, of 127 units at most; the half that
// holds a group's sum by 2^-11 of it, and a sum of up to 32 products is rounded by less than the rest of 2^-10.
// Types of 16 bits take x as numbers of their kind, which keep at least 8 bits: off by 2^-8 of x at most.
std::vector<double> ggml_activation_error(std::span<const float> x, bool is_float) {
  std::vector<double> e(x.size());
  for (std::size_t first = 0; first < x.size(); first += 256) {
    double amax = 0;
    for (std::size_t k = first; k < std::min(first + 256, x.size()); ++k)
      amax = std::max(amax, std::abs(static_cast<double>(x[k])));
    for (std::size_t k = first; k < std::min(first + 256, x.size()); ++k)
      e[k] = is_float ? std::abs(static_cast<double>(x[k])) * 0x1p-8 : amax * (1 / 254.0 + 0x1p-10);
  }
  return e;
}

// Some elements of y, m x w.rows(): each is within `e`, carried through the weights, and the rounding of sums of f32. The
// root mean square of errors, relative to that of the exact results.
template <class C>
double error_of(const packed_view<C>& w, std::span<const float> x, std::span<const float> y,
                const std::function<std::vector<double>(std::span<const float>)>& activation_error) {
  const std::size_t m = x.size() / cols;
  double errors = 0, squares = 0;
  for (const std::size_t n : {std::size_t{0}, m - 1}) {
    const auto row = x.subspan(n * cols, cols);
    const std::vector<double> exact(row.begin(), row.end()), e = activation_error(row);
    for (const std::size_t r : {std::size_t{0}, std::size_t{17}, w.rows() - 1}) {
      const reference::sum want = reference::dot(w, r, std::span(exact));
      const reference::sum lost = reference::dot(w, r, std::span(e));
      const double got = static_cast<double>(y[n * w.rows() + r]), off = got - want.value;
      const double bound = lost.size + reference::product_bound({want.value, want.size + lost.size}, cols);
      if (!(std::abs(off) <= bound)) {
        all_within_bounds = false;
        std::fprintf(stderr, "y(%zu, %zu) = %g, exactly %g: not within %g\n", n, r, got, want.value, bound);
      }
      errors += off * off, squares += want.value * want.value;
    }
  }
  return std::sqrt(errors / squares);
}

// ---- one type ----

template <class A>
const char* activation_name() {
  return is_int8<A> ? "int8" : std::same_as<A, bf16> ? "bf16" : "f32";
}

// Quern's product of a layout, with the activations that it takes by itself.
template <class W>
contender ours(const char* name, const W& w, std::span<const float> x, std::span<float> y, std::span<std::byte> scratch,
               std::size_t threads) {
  const std::size_t m = x.size() / cols;
  return {name,
          [&w, x, y, scratch, m, threads] {
            const auto ok = try_matmul(w, matrix_view<const float>(x.data(), m, cols),
                                       matrix_view<float>(y.data(), m, w.rows()), scratch, bench::threads(threads));
            if (!ok) std::fprintf(stderr, "%s\n", ok.error().what), all_within_bounds = false;
          },
          {}};
}

// All contenders in turn, and the reading of the weights; each turn lasts 3 ms at least. Both libraries' threads wait for
// each other by spinning, so that an undisturbed turn takes all of its processors. Returns whether no turn was disturbed.
bool measure(std::vector<contender>& all, std::size_t threads, std::size_t rounds) {
  constexpr int tries = 10;
  bool quiet = true;
  std::vector<std::size_t> runs;
  for (contender& c : all) {
    c.run();
    const double s = bench::seconds_of(threads, c.run);
    runs.push_back(1 + static_cast<std::size_t>(0.003 / std::max(s, 1e-7)));
  }
  for (std::size_t round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < all.size(); ++i) {
      double seconds = 0;
      bool disturbed = true;
      for (int t = 0; disturbed && t < tries; ++t) {
        const std::clock_t start = std::clock();
        seconds = bench::seconds_of(threads, [&] {
          for (std::size_t r = 0; r < runs[i]; ++r) all[i].run();
        });
        const double taken = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
        disturbed = threads > 1 && taken < 0.9 * static_cast<double>(threads) * seconds;
      }
      quiet = quiet && !disturbed;
      all[i].times.push_back(seconds / static_cast<double>(runs[i]));
    }
  return quiet;
}

double median_ratio(const contender& slow, const contender& fast) {
  std::vector<double> r;
  for (std::size_t i = 0; i < slow.times.size(); ++i) r.push_back(slow.times[i] / fast.times[i]);
  return bench::median(r);
}

template <class P>
void lines(const peers::ggml_cpu& ggml, const options& o, std::size_t bytes, std::size_t m, const packed<P>& sample,
           const packed<tiled<P>>& sample_tiles) {
  const std::size_t rows = m > 8 ? 1024 : bench::rows_of<P>(bytes, cols);
  packed<P> w = bench::repeated(sample, rows);
  const packed<tiled<P>> tiles = bench::repeated(sample_tiles, rows);
  const std::vector<float> x = bench::normal(m * cols, 7);
  std::vector<float> blocked_y(m * rows), tiled_y(m * rows), ggml_y(m * rows);
  std::vector<std::byte> scratch(std::max(scratch_bytes(w, m), scratch_bytes(tiles, m)));

  const auto raw = w.array(0);
  const peers::ggml_weights plain(ggml, P::gguf_id, rows, cols, raw, false),
      extra(ggml, P::gguf_id, rows, cols, raw, true);
  const peers::ggml_product product(ggml, plain, x);
  const auto extra_product = extra ? std::make_unique<peers::ggml_product>(ggml, extra, x) : nullptr;

  const bool is_float = P::granularity::size == 0;
  const auto theirs = [&](std::span<const float> row) { return ggml_activation_error(row, is_float); };
  const auto of = [](auto activation) {
    return [](std::span<const float> row) {
      std::vector<double> e(row.size());
      reference::activation_error<decltype(activation)>(row, e);
      return e;
    };
  };
  const auto view = w.view();
  for (const std::size_t threads : o.threads) {
    if (threads > bench::most_threads()) continue;
    ggml.set_threads(ggml.backend, static_cast<int>(threads));
    std::vector<contender> all{{"reading",
                                [&] {
                                  bench::on_each(threads, [&](std::size_t i) {
                                    const std::size_t from = raw.size() * i / threads,
                                                      to = raw.size() * (i + 1) / threads;
                                    bench::read_all(raw.subspan(from, to - from), true);
                                  });
                                },
                                {}}};
    all.push_back({"ggml", [&] { product.run(); }, {}});
    all.push_back(ours("blocked", w, x, blocked_y, scratch, threads));
    all.push_back(ours("tiled", tiles, x, tiled_y, scratch, threads));
    if (extra_product) all.push_back({"ggml, extra", [&] { extra_product->run(); }, {}});
    const bool quiet = measure(all, threads, o.rounds);

    product.result(ggml_y);
    const double error_ggml = error_of(view, x, ggml_y, theirs);
    if (extra_product) extra_product->result(ggml_y), error_of(view, x, ggml_y, theirs);
    const double error_blocked = error_of(view, x, blocked_y, of(activation_for<P, automatic>{}));
    const double error_tiled = error_of(view, x, tiled_y, of(activation_for<tiled<P>, automatic>{}));

    const auto weights = static_cast<double>(rows * cols);
    const auto rate = [&](const contender& c, double amount) { return amount / bench::median(c.times) * 1e-9; };
    const auto speed = [&](const contender& c) {
      return m == 1 ? rate(c, static_cast<double>(raw.size())) : rate(c, weights * static_cast<double>(m));
    };
    const double against_extra = extra_product ? median_ratio(all[4], all[3]) : 0;
    const double against_plain = median_ratio(all[1], all[3]);
    std::printf("| `%s` | %zu x %zu, %.0f MiB | %zu | %zu%s | %.1f | %.1f | ", P::name + 5, rows, cols,
                static_cast<double>(raw.size()) / 0x1p20, m, threads, quiet ? "" : " (disturbed)",
                rate(all[0], static_cast<double>(raw.size())), speed(all[1]));
    if (extra_product) std::printf("%.1f", speed(all[4]));
    std::printf(" | %.1f %s | %.1f %s | %.2f | %.2f | %.4f | %.4f | %.4f |\n", speed(all[2]),
                activation_name<activation_for<P, automatic>>(), speed(all[3]),
                activation_name<activation_for<tiled<P>, automatic>>(), median_ratio(all[1], all[2]),
                extra_product ? std::min(against_extra, against_plain) : against_plain, error_ggml, error_blocked,
                error_tiled);
    std::fflush(stdout);
  }
}

template <class P>
void compare(const peers::ggml_cpu& ggml, const options& o) {
  // Q8_1 and Q8_K are forms of activations; ggml multiplies no weights of theirs.
  if constexpr (!std::is_same_v<P, gguf::q8_1> && !std::is_same_v<P, gguf::q8_k>) {
    if (!o.types.empty() && std::ranges::find(o.types, P::name + 5) == o.types.end()) return;
    const std::vector<float> weights = bench::normal(bench::sample_rows * cols, 1, 0.02f), ones(cols, 1.0f);
    packed<P> sample(bench::sample_rows, cols);
    if constexpr (std::is_same_v<P, gguf::f32>) {
      std::memcpy(sample.array(0).data(), weights.data(), weights.size() * sizeof(float));
    } else {
      ggml.quantize_chunk(P::gguf_id, weights.data(), sample.array(0).data(), 0, bench::sample_rows, cols, ones.data());
    }
    const packed<tiled<P>> tiles = transcode<tiled<P>>(sample);
    for (const std::size_t m : o.m) {
      lines<P>(ggml, o, std::size_t{8} << 20, m, sample, tiles);
      if (m == 1) lines<P>(ggml, o, std::size_t{256} << 20, m, sample, tiles);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  options o;
  const char* library = nullptr;
  bool good = true;
  for (int i = 1; i < count; ++i) {
    const std::string_view a = arguments[i];
    if (!a.starts_with("--") && library == nullptr) library = arguments[i];
    else if (a.starts_with("--types=")) o.types = peers::words(a.substr(8));
    else if (a.starts_with("--m=")) o.m = peers::numbers(a.substr(4));
    else if (a.starts_with("--threads=")) o.threads = peers::numbers(a.substr(10));
    else if (a.starts_with("--rounds=")) o.rounds = peers::numbers(a.substr(9)).at(0);
    else good = false;
  }
  if (!good || library == nullptr || o.rounds == 0) {
    std::fprintf(stderr, "usage: %s LIBGGML_CPU.so [--types=LIST] [--m=LIST] [--threads=LIST] [--rounds=N]\n",
                 arguments[0]);
    return 2;
  }
  const peers::ggml_cpu ggml(library);
  std::printf("%s; Quern's target %s\n\nggml %s (%s): %s\n\n", bench::this_machine().text().c_str(), target_name(),
              ggml.version(), ggml.commit(), ggml.features().c_str());
  std::printf(
      "m = 1: GB/s of ggml's bytes of weights; more: 10^9 multiply-adds a second. Reading: GB/s of the same bytes. "
      "Tiled against the faster of ggml's two.\n\n");
  std::printf(
      "| type | weights | m | threads | reading | ggml | ggml, extra | blocked | tiled | blocked / ggml | "
      "tiled / ggml | error of ggml | of blocked | of tiled |\n");
  std::printf("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
  for_each_type(gguf::presets{}, [&]<class P>() { compare<P>(ggml, o); });
  if (!all_within_bounds) std::fprintf(stderr, "not all results are within their bounds\n");
  return all_within_bounds ? 0 : 1;
}
