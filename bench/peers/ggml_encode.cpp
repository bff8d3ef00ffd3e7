// Encoding of GGUF's types beside ggml's, turn by turn in one run: speed of one thread by its processor time, and whether
// the bytes are equal. ggml is the libggml-base.so of the Python package llama-cpp-python, by its public C interface.
//
//   bench_ggml_encode LIBRARY [ROWS [COLS]]
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "peers/ggml.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/simd.hpp"
#include "quern/storage/packed.hpp"

namespace {

using namespace quern;
using peers::matrix;

// Three cells: MB/s of ggml and of Quern, in f32 read; the median of the ratios of pairs.
template <class P>
void compare(const peers::ggml_library& ggml, const matrix& m, bool weighted) {
  using C = typename P::base;
  if (!weighted && ggml.requires_importance(P::gguf_id)) {
    std::printf(" needs importance | | |");
    return;
  }
  packed<C> ours(m.rows, m.cols);
  std::vector<std::byte> theirs(ours.view().array(0).size());
  std::vector<double> their_times, our_times, ratios;
  for (int i = 0; i < 7; ++i) {
    their_times.push_back(peers::seconds_of([&] { m.quantize(ggml, P::gguf_id, weighted, theirs.data()); }));
    our_times.push_back(peers::seconds_of([&] {
      const auto ok = operations_of<P>().encode(m.view(), ours.span(), m.importances(weighted), nonfinite::refuse);
      if (!ok) std::printf(" %s", ok.error().what);
    }));
    ratios.push_back(their_times.back() / our_times.back());
  }
  const double megabytes = static_cast<double>(m.x.size()) * sizeof(float) * 1e-6;
  const bool equal = std::ranges::equal(ours.view().array(0), theirs);
  std::printf(" %.0f | %.0f | %.1f%s |", megabytes / peers::median(their_times),
              megabytes / peers::median(our_times), peers::median(ratios), equal ? "" : ", other bytes");
  std::fflush(stdout);
}

template <class P>
void line(const peers::ggml_library& ggml, const matrix& m) {
  if constexpr (!std::is_same_v<P, gguf::f32> && !std::is_same_v<P, gguf::q8_1> && !std::is_same_v<P, gguf::q8_k>) {
    std::printf("| `%s` |", P::name);
    compare<P>(ggml, m, false);
    compare<P>(ggml, m, true);
    std::printf("\n");
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2 || count > 4) {
    std::fprintf(stderr, "usage: %s LIBRARY [ROWS [COLS]]\n", arguments[0]);
    return 2;
  }
  const peers::ggml_library ggml(arguments[1]);
  const matrix m = matrix::drawn(count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 64,
                                 count > 3 ? std::strtoul(arguments[3], nullptr, 10) : 4096,
                                 std::normal_distribution<float>(0, 0.02f));
  std::printf("ggml %s, %zu x %zu normal weights, one thread, MB/s of f32\n\n", ggml.version(), m.rows, m.cols);
  std::printf("| type | ggml | Quern | ratio | ggml, importance | Quern, importance | ratio |\n");
  std::printf("|---|--:|--:|--:|--:|--:|--:|\n");
  for_each_type(gguf::presets{}, [&]<class P>() { line<P>(ggml, m); });
}
