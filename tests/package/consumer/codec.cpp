// A codec nobody wrote before: a codebook of 32 values, groups of 80 weights with a scale in E5M2, which counts in units of
// one scale of the whole matrix. Declared here, outside of Quern, and used with the installed package.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

namespace {

// The cubes of -1, -15/16 ... 15/16: dense near zero.
constexpr auto cubes = [] {
  std::array<float, 32> t{};
  for (int i = 0; i < 32; ++i) {
    const float x = static_cast<float>(i - 16) / 16;
    t[static_cast<std::size_t>(i)] = x * x * x;
  }
  return t;
}();

struct mine
    : quern::codec<quern::codebook<cubes>, quern::levels<quern::group<80, quern::e5m2>, quern::tensor<quern::f32>>> {
  static constexpr auto name = "consumer.cubes";
};

struct sums {
  double error = 0, total = 0;
  void add(double want, double got) { error += (want - got) * (want - got), total += want * want; }
  double relative() const { return std::sqrt(error / total); }
};

// In [-1, 1), the same in every run.
float noise(std::size_t i) {
  const auto u = static_cast<std::uint32_t>(i) * 2654435761u;
  return static_cast<float>(static_cast<std::int32_t>(u ^ u >> 15)) * 0x1p-31f;
}

}  // namespace

// Whether all went well.
bool own_codec_works() {
  constexpr std::size_t m = 3, n = 50, k = 400;
  std::vector<float> weights(n * k), decoded(n * k), tiled_decoded(n * k), x(m * k), y(m * n), z(m * n);
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = noise(i) * noise(i + 7919) * static_cast<float>(i / k + 1);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = noise(i + 104729);
  const quern::matrix_view<const float> all_x(x.data(), m, k);

  const auto w = quern::quantize<mine>(quern::matrix_view(weights.data(), n, k));
  const auto t = quern::transcode<quern::tiled<mine>>(w);
  quern::dequantize(w, quern::matrix_view(decoded.data(), n, k));
  quern::dequantize(t, quern::matrix_view(tiled_decoded.data(), n, k));
  quern::matmul(w, all_x, quern::matrix_view(y.data(), m, n));
  quern::matmul(t, all_x, quern::matrix_view(z.data(), m, n));

  sums quantization, product, tiled_product;
  for (std::size_t i = 0; i < weights.size(); ++i)
    quantization.add(static_cast<double>(weights[i]), static_cast<double>(decoded[i]));
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t r = 0; r < n; ++r) {
      double want = 0;
      for (std::size_t c = 0; c < k; ++c)
        want += static_cast<double>(x[i * k + c]) * static_cast<double>(decoded[r * k + c]);
      product.add(want, static_cast<double>(y[i * n + r]));
      tiled_product.add(want, static_cast<double>(z[i * n + r]));
    }
  std::printf("%s on %s: %.3f bits a weight, relative error %.4f, products %.1e and %.1e\n", mine::name,
              quern::target_name(), quern::bits_per_weight<mine>, quantization.relative(), product.relative(),
              tiled_product.relative());
  return decoded == tiled_decoded && quantization.relative() < 0.1 && product.relative() < 1e-5 &&
         tiled_product.relative() < 1e-5 && !quern::try_dequantize(w, quern::matrix_view(decoded.data(), n, k - 1));
}
