// The error of GGUF's types as ggml writes them, and as `best` does: relative root mean square, weighted by importance where
// there is one; and the time that `best` takes, as a multiple of ggml's. One thread. ggml as in ggml_encode.cpp.
//
//   bench_ggml_errors LIBRARY normal | student | WEIGHTS.safetensors
//
// Of a file: up to 256 rows of every F32 matrix whose rows are multiples of 256.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <random>
#include <string_view>

#include "peers/ggml.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/fit/best.hpp"
#include "quern/io/safetensors_reader.hpp"
#include "quern/simd.hpp"
#include "quern/storage/packed.hpp"

namespace {

using namespace quern;
using peers::matrix;

std::vector<matrix> read(const char* path) {
  std::vector<matrix> all;
  const auto file = io::safetensors_file::open(path);
  for (const io::safetensors_tensor& t : file.tensors()) {
    if (t.dtype != io::safetensors_dtype::f32 || t.shape.size() != 2 || t.shape[1] % 256 != 0 || t.shape[0] == 0) continue;
    matrix m(std::min<std::size_t>(t.shape[0], 256), t.shape[1]);
    aligned_bytes room;
    std::memcpy(m.x.data(), file.view(t, 0, m.x.size() * sizeof(float), room).data(), m.x.size() * sizeof(float));
    all.push_back(std::move(m));
  }
  return all;
}

// Weighted squares of errors and of weights.
struct squares {
  double errors = 0, weights = 0;

  void add(const matrix& m, const std::vector<float>& decoded, bool weighted) {
    for (std::size_t i = 0; i < m.x.size(); ++i) {
      const double e = weighted ? static_cast<double>(m.importance[i % m.cols]) : 1, x = static_cast<double>(m.x[i]),
                   d = x - static_cast<double>(decoded[i]);
      errors += e * d * d, weights += e * x * x;
    }
  }
  double relative() const { return std::sqrt(errors / weights); }
};

// Three cells: the error as ggml writes the type, that of `best`, and its time.
template <class P>
void compare(const peers::ggml_library& ggml, const std::vector<matrix>& all, bool weighted) {
  using C = typename P::base;
  if (!weighted && ggml.requires_importance(P::gguf_id)) {
    std::printf(" needs importance | | |");
    return;
  }
  squares theirs, ours;
  double their_time = 0, our_time = 0;
  for (const matrix& m : all) {
    packed<C> w(m.rows, m.cols);
    std::vector<float> decoded(m.x.size());
    const matrix_view<float> out(decoded.data(), m.rows, m.cols);
    their_time += peers::seconds_of([&] { m.quantize(ggml, P::gguf_id, weighted, w.span().array(0).data()); });
    operations_of<P>().decode(w.view(), out);
    theirs.add(m, decoded, weighted);
    our_time += peers::seconds_of([&] {
      encoding_kernels<encoding<C, best<P>>>::encode(m.view(), w.span(), m.importances(weighted));
    });
    operations_of<P>().decode(w.view(), out);
    ours.add(m, decoded, weighted);
  }
  std::printf(" %.5f | %.5f | %.1f |", theirs.relative(), ours.relative(), our_time / their_time);
  std::fflush(stdout);
}

template <class P>
void line(const peers::ggml_library& ggml, const std::vector<matrix>& all) {
  if constexpr (P::granularity::size != 0 && !std::is_same_v<P, gguf::q8_1> && !std::is_same_v<P, gguf::q8_k>) {
    std::printf("| `%s` |", P::name);
    compare<P>(ggml, all, false);
    compare<P>(ggml, all, true);
    std::printf("\n");
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: %s LIBRARY normal | student | WEIGHTS.safetensors\n", arguments[0]);
    return 2;
  }
  const peers::ggml_library ggml(arguments[1]);
  const std::string_view what = arguments[2];
  std::vector<matrix> all;
  if (what == "normal") all.push_back(matrix::drawn(64, 4096, std::normal_distribution<double>()));
  else if (what == "student") all.push_back(matrix::drawn(64, 4096, std::student_t_distribution<double>(4)));
  else all = read(arguments[2]);
  std::size_t n = 0;
  for (const matrix& m : all) n += m.x.size();
  std::printf("ggml %s, %s, %zu weights\n\n", ggml.version(), arguments[2], n);
  std::printf("| type | ggml | best | time | ggml, importance | best, importance | time |\n");
  std::printf("|---|--:|--:|--:|--:|--:|--:|\n");
  for_each_type(gguf::presets{}, [&]<class P>() { line<P>(ggml, all); });
}
