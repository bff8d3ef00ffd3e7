// A number format of one's own: a struct of constants and one function. No SIMD code, no registration.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

namespace {

// A sign and a power of two: 0, then 2^-6, 2^-5, ..., 1.
struct log4 {
  static constexpr unsigned bits = 4;
  static constexpr float value(std::uint32_t code) {
    const float magnitude = code % 8 == 0 ? 0 : quern::exp2i(static_cast<int>(code % 8) - 7);
    return code < 8 ? magnitude : -magnitude;
  }
};

// What kernels do with it follows from its values. These are integers times 2^-6, so products with int8 activations are
// sums of integers; what rounds to a code is found by search.
static_assert(quern::as_small_integers<log4>.unit == quern::exp2i(-6));
static_assert(quern::as_small_integers<log4>.most == 64);
static_assert(quern::nearest<log4>(0.4f) == 6 && quern::nearest<log4>(-9.0f) == 15);

using format = quern::codec<log4, quern::levels<quern::group<32, quern::bf16>>>;

}  // namespace

int main() {
  const std::size_t rows = 20, cols = 96;
  std::vector<float> weights(rows * cols), x(cols), y(rows);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = log4::value(static_cast<std::uint32_t>(i * 7 % 16)) * 3;
  for (std::size_t k = 0; k < cols; ++k) x[k] = static_cast<float>(k % 5) - 2;

  const auto w = quern::quantize<format>(quern::matrix_view(weights.data(), rows, cols));
  const auto tiles = quern::transcode<quern::tiled<format>>(w);
  quern::matmul(tiles, quern::matrix_view(x.data(), 1, cols), quern::matrix_view(y.data(), 1, rows));

  // These weights are values of the format times a scale that bf16 holds, so they come back as they were.
  std::vector<float> back(rows * cols);
  quern::dequantize(tiles, quern::matrix_view(back.data(), rows, cols));
  float want = 0;
  for (std::size_t k = 0; k < cols; ++k) want += x[k] * weights[k];
  std::printf("%g bits a weight; y[0] = %g, in float %g\n", quern::bits_per_weight<format>, y[0], want);
  return back == weights && std::abs(y[0] - want) < 0.5f ? 0 : 1;
}
