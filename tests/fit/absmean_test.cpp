// Fits by the mean magnitude.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/absmean.hpp"

#include <cmath>

#include "fit/encoding.hpp"
#include "quern/catalog/bitnet.hpp"
#include "quern/catalog/gguf.hpp"

namespace {

using namespace encoding;

TEST_CASE("BitNet: the mean magnitude is one, what lies beyond is cut off") {
  const std::vector<float> x = bell(16 * 64, 0.02f, 8);
  double sum = 0;
  for (const float v : x) sum += std::fabs(static_cast<double>(v));
  const auto mean = static_cast<float>(sum / static_cast<double>(x.size()));
  const auto p = encoded<bitnet::hf>(x, 16, 64);
  CHECK(support::element<float>(p.array(1), 0) == mean);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float want = std::fmax(-1.0f, std::fmin(1.0f, std::nearbyint(x[i] * (1 / mean))));
    CHECK(decoded(p)[i] == want * mean);
  }
  CHECK(support::element<float>(encoded<bitnet::hf>(std::vector<float>(64), 4, 16).array(1), 0) == 1e-5f);
}

TEST_CASE("the code 2 of a ternary number is never written") {
  std::vector<float> x(256, 0.01f);
  x[7] = 100, x[8] = -100;
  const auto p = encoded<bitnet::hf>(x, 4, 64);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(code_at<codes>(p.view(), {i / 64, i % 64}) < 3);
}

TEST_CASE("one bit is the sign; no scale has a lesser squared error than the mean") {
  const std::vector<float> x = bell(128, 1, 9);
  const auto p = encoded<gguf::q1_0>(x, 1, 128);
  const float d = magnitude(decoded(p)[0]);
  const auto error = [&](float s) {
    std::vector<float> y;
    for (const float v : x) y.push_back(v < 0 ? -s : s);
    return squared_error(x, y);
  };
  CHECK(error(d) < error(d * 1.01f));
  CHECK(error(d) < error(d * 0.99f));
  CHECK(code_at<codes>(encoded<gguf::q1_0>(std::vector<float>(128, -0.0f), 1, 128).view(), {0, 0}) == 1);
}

}  // namespace
