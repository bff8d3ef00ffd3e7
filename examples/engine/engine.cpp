// An engine with the light header alone: compiled in a second, with no flags for SIMD. Its kernels are in kernels.cpp;
// were a format not instantiated there, the linker would name it.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>
#include <vector>

#include "formats.hpp"

namespace engine {

// A linear layer. Weights are kept in tiles; the bytes of a file would be transcoded when it is loaded.
class linear {
 public:
  linear(const std::vector<float>& weights, std::size_t outputs, std::size_t inputs)
      : w_(quern::transcode<quern::tiled<small>>(
            quern::quantize<small>(quern::matrix_view(weights.data(), outputs, inputs)))) {}

  std::vector<float> operator()(const std::vector<float>& x) const {
    std::vector<float> y(w_.rows());
    quern::matmul(w_, quern::matrix_view(x.data(), 1, w_.cols()), quern::matrix_view(y.data(), 1, w_.rows()));
    return y;
  }

 private:
  quern::packed<quern::tiled<small>> w_;
};

}  // namespace engine

int main() {
  const std::size_t inputs = 256, outputs = 48;
  std::vector<float> weights(outputs * inputs), x(inputs);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i));
  for (std::size_t i = 0; i < inputs; ++i) x[i] = weights[i];

  const std::vector<float> y = engine::linear(weights, outputs, inputs)(x);
  float want = 0;
  for (const float w : x) want += w * w;
  std::printf("y[0] = %g, in float %g\n", y[0], want);
  return y.size() == outputs && std::abs(y[0] - want) < 0.05f * want ? 0 : 1;
}
