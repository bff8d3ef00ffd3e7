// The example of README.md, word for word from the first line below on.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

// A format is a type. This one: 4 bits a weight and a half for every 48 weights, a group size that no format has.
using mine = quern::codec<quern::offset_integer<4>, quern::levels<quern::group<48, quern::f16>>>;

int main() {
  const std::size_t rows = 100, cols = 960;
  std::vector<float> weights(rows * cols), x(cols), y(rows);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i));
  for (std::size_t k = 0; k < cols; ++k) x[k] = weights[k];  // so y[0] is a sum of squares, about cols / 2

  const auto w = quern::quantize<mine>(quern::matrix_view(weights.data(), rows, cols));
  const auto tiles = quern::transcode<quern::tiled<mine>>(w);  // the same numbers in the kernels' own layout
  quern::matmul(tiles, quern::matrix_view(x.data(), 1, cols), quern::matrix_view(y.data(), 1, rows));

  std::printf("%g bits a weight, y[0] = %g on %s\n", quern::bits_per_weight<mine>, y[0], quern::target_name());
  return std::abs(y[0] - cols / 2) < 10 ? 0 : 1;
}
