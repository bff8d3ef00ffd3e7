// Tensors whose format is known when they are loaded: by a name, or by the number of a GGUF tensor type.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace {
using namespace quern;

struct mine : codec<ternary, levels<channel<f32>>> {
  static constexpr const char* name = "acme.ternary";
};

// What may be loaded. A program compiles the kernels of its list; `catalog` is the list of all presets.
struct formats : type_list<gguf::q4_0, gguf::q8_0, mine> {};

// A tensor as a file gives it.
struct tensor_in_file {
  std::vector<std::vector<std::byte>> arrays;
  std::size_t rows, cols;
};

template <any_codec C>
tensor_in_file make(std::size_t rows, std::size_t cols) {
  std::vector<float> weights(rows * cols);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 3) - 1;
  const auto w = quantize<C>(matrix_view(weights.data(), rows, cols));
  tensor_in_file file{{}, rows, cols};
  for (std::size_t a = 0; a < C::layout::arrays; ++a) file.arrays.emplace_back(w.array(a).begin(), w.array(a).end());
  return file;
}

// The first element of a product; the codec is named nowhere.
float first_of_product(const any_view& w) {
  const any_packed tiles = w.tiled();
  std::vector<float> x(w.cols(), 0.0f), y(w.rows());
  x[0] = 2, x[2] = 1;
  tiles->matmul(matrix_view<const float>(x.data(), 1, w.cols()), matrix_view(y.data(), 1, w.rows()));
  std::printf("%-14s %zu x %zu in %zu bytes, y[0] = %g\n", w.name().data(), w.rows(), w.cols(), w.bytes(), y[0]);
  return y[0];
}

}  // namespace

int main() {
  // -1, 0, 1, -1, ... in two formats: y[0] = 2 * -1 + 1 * 1.
  const tensor_in_file a = make<gguf::q8_0>(4, 64), b = make<mine>(4, 64);
  const any_view by_id = any_view::make<formats>(8, a.arrays[0], a.rows, a.cols);
  const std::array<std::span<const std::byte>, 2> arrays{b.arrays[0], b.arrays[1]};
  const any_view by_name = any_view::make<formats>("acme.ternary", arrays, b.rows, b.cols);
  const float ya = first_of_product(by_id), yb = first_of_product(by_name);

  // What does not fit is refused, and says why.
  const result<any_view> wrong = any_view::try_make<formats>(8, a.arrays[0], a.rows, a.cols + 32);
  if (!wrong) std::printf("%s\n", wrong.error().text().c_str());

  return std::abs(ya + 1) < 0.02f && std::abs(yb + 1) < 0.02f && !wrong ? 0 : 1;
}
