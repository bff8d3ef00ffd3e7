// A preset of the catalogue: quantize a matrix, look at the error, multiply with it.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

namespace {
using quern::matrix_view;

// The norm of a - b, relative to that of b.
double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    norm += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / norm);
}

// Errors of the weights and of a product with them, against those of float.
struct errors {
  double weights, product;
};

template <quern::any_codec C>
errors try_format(const std::vector<float>& weights, std::size_t rows, std::size_t cols) {
  // Bytes as the format's owner writes them, scales as the owner chooses them.
  const quern::packed<C> w = quern::quantize<C>(matrix_view(weights.data(), rows, cols));

  std::vector<float> back(rows * cols);
  quern::dequantize(w, matrix_view(back.data(), rows, cols));

  // y[m, n] = sum over k of x[m, k] * w[n, k]. Products want tiles: the same numbers in the kernels' own layout.
  const std::size_t m = 3;
  std::vector<float> x(m * cols), y(m * rows), want(m * rows);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
  const quern::packed<quern::tiled<C>> tiles = quern::transcode<quern::tiled<C>>(w);
  quern::matmul(tiles, matrix_view(x.data(), m, cols), matrix_view(y.data(), m, rows));

  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t k = 0; k < cols; ++k) want[i * rows + r] += x[i * cols + k] * weights[r * cols + k];
  const errors e{relative_error(back, weights), relative_error(y, want)};
  std::printf("%-10s %6g bits a weight, error %.4f of the weights, %.4f of the product\n", C::name,
              quern::bits_per_weight<C>, e.weights, e.product);
  return e;
}

}  // namespace

int main() {
  const std::size_t rows = 64, cols = 512;
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> weights(rows * cols);
  for (float& w : weights) w = normal(random);

  const errors four = try_format<quern::gguf::q4_k>(weights, rows, cols);
  const errors eight = try_format<quern::gguf::q8_0>(weights, rows, cols);
  const bool good = four.weights < 0.1 && four.product < 0.15 && eight.weights < 0.01 && eight.product < 0.02;
  return good ? 0 : 1;
}
