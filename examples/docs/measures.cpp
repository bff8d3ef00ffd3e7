// The pieces of code in docs/measures.md.
// SPDX-License-Identifier: Apache-2.0
#include <quern/measure/bits_per_weight.hpp>
#include <quern/measure/difference.hpp>
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <cmath>
#include <cstdio>
#include <span>
#include <vector>

namespace {
using namespace quern;

// ---- How good is a format? ----

template <any_codec C>
difference error_of(matrix_view<const float> weights) {
  const packed<C> w = quantize<C>(weights);
  std::vector<float> back(weights.rows() * weights.cols());
  dequantize(w, matrix_view(back.data(), weights.rows(), weights.cols()));
  const difference d = measure(weights, matrix_view(back.data(), weights.rows(), weights.cols()));

  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < C::layout::arrays; ++i) bytes += w.array(i).size();
  std::printf("%6.3f bits a weight, SQNR %5.2f dB, relative RMSE %.4f, largest error %.4f at element %llu\n",
              measured_bits_per_weight(bytes, d.count()), d.sqnr_db(), d.relative_rmse(), d.largest().value,
              static_cast<unsigned long long>(d.largest().index));
  return d;
}

// ---- In pieces ----

// Halves of a sequence, measured on their own and merged: bit for bit the measure of the whole.
difference in_halves(std::span<const float> x, std::span<const float> y) {
  const std::size_t half = x.size() / 2;
  difference first, second(half);  // the index of the first element of each piece
  const auto a = first.try_add(x.first(half), y.first(half));
  const auto b = second.try_add(x.subspan(half), y.subspan(half));
  if (a && b) first.merge(second);
  return first;
}

}  // namespace

int main() {
  const std::size_t rows = 16, cols = 512;
  std::vector<float> weights(rows * cols);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i * i % 977));
  const matrix_view<const float> w(weights.data(), rows, cols);
  const difference q4 = error_of<gguf::q4_0>(w), q8 = error_of<gguf::q8_0>(w);

  std::vector<float> other(weights.size());
  for (std::size_t i = 0; i < other.size(); ++i) other[i] = weights[i] * (i % 7 == 0 ? 1.5f : 1);
  const difference whole = measure(w, matrix_view(other.data(), rows, cols)), pieces = in_halves(weights, other);
  return q8.sqnr_db() > q4.sqnr_db() + 20 && q4.sqnr_db() > 15 && pieces.mse() == whole.mse() &&
                 pieces.largest().index == whole.largest().index
             ? 0
             : 1;
}
