// A fit of one's own: how the scale of a group follows from its weights. Two kinds, from a statistic and by search.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <cstdio>
#include <random>
#include <vector>

namespace {
using namespace quern;

// From a statistic: the ends of the number stand for `Times` the mean magnitude, and what lies beyond is clipped.
template <int Times>
struct clipped {
  static constexpr statistic reads = statistic::mean;
  static constexpr code_rule codes{};  // the nearest value, with the scale as it is stored
  template <class C>
  static constexpr affine ideal(const statistics& s) {
    return {s.mean * Times / reach<typename C::number>};
  }
};

// By search: of sixteen scales up to the greatest magnitude's, the one with the least squared error.
struct least_error {
  static constexpr code_rule codes{};
  template <class C>
  static constexpr mapped ideal(const weight_region& w) {
    using N = typename C::number;
    float most = 0;
    w.each([&](float x) { most = magnitude(x) > most ? magnitude(x) : most; });
    mapped best;
    float least = 0;
    for (int i = 16; i > 0; --i) {
      const float s = most / reach<N> * static_cast<float>(i) / 16;
      float error = 0;
      for (std::size_t k = 0; s > 0 && k < w.size(); ++k) {
        const float d = exact(w[k] - s * N::value(nearest<N>(w[k] / s)));
        error += exact(w.importance(k) * exact(d * d));  // exact: the same scale with any compiler flags
      }
      if (i == 16 || error < least) least = error, best.scale = s;
    }
    return best;
  }
};

using three_bits = codec<offset_integer<3>, levels<group<64, f16>>>;

// A preset of one's own: a name, and the fit that quantize uses. The kernels are those of the codec beneath.
struct by_absmax : three_bits {
  static constexpr const char* name = "by_absmax";
  using fit = absmax;
};
struct by_clipping : three_bits {
  static constexpr const char* name = "by_clipping";
  using fit = clipped<2>;
};
struct by_search : three_bits {
  static constexpr const char* name = "by_search";
  using fit = least_error;
};

template <any_codec C>
double squared_error(const std::vector<float>& weights, std::size_t rows, std::size_t cols) {
  const auto w = quantize<C>(matrix_view(weights.data(), rows, cols));
  std::vector<float> back(weights.size());
  dequantize(w, matrix_view(back.data(), rows, cols));
  double sum = 0;
  for (std::size_t i = 0; i < back.size(); ++i) {
    const double d = static_cast<double>(back[i]) - static_cast<double>(weights[i]);
    sum += d * d;
  }
  std::printf("%-12s mean squared error %.5f\n", C::name, sum / static_cast<double>(back.size()));
  return sum;
}

}  // namespace

int main() {
  const std::size_t rows = 64, cols = 256;
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> weights(rows * cols);
  for (float& w : weights) w = normal(random);

  const double a = squared_error<by_absmax>(weights, rows, cols), c = squared_error<by_clipping>(weights, rows, cols),
               s = squared_error<by_search>(weights, rows, cols);
  return c < a && s < c ? 0 : 1;
}
