// ggml's fits of activations against ggml's own bytes, sums included: 16 rows x 1536 weights.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/ggml/sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fit/encoding.hpp"
#include "quern/catalog/gguf.hpp"

namespace {

using namespace encoding;

TEST_CASE("blocks of activations are ggml's, sums and all") {
  const std::vector<float> x = floats("gguf/input.f32");
  CHECK(differing(encoded<gguf::q8_1>(x, 16, 1536).array(0), golden("gguf/q8_1.bin")) == 0);
  CHECK(differing(encoded<gguf::q8_k>(x, 16, 1536).array(0), golden("gguf/q8_K.bin")) == 0);
}
TEST_CASE("sums are those of the codes, whatever the weights, and no scale is infinite") {
  for (const float most : {0.0f, std::numeric_limits<float>::denorm_min(), 1e-37f, 1.0f, 1e30f, 3e38f}) {
    std::vector<float> x = bell(512, 1, 20);
    float extreme = 0;
    for (const float v : x) extreme = std::max(extreme, std::abs(v));
    for (float& v : x) v = v / extreme * most;
    const packed<gguf::q8_k> p = encoded<gguf::q8_k>(x, 2, 256);
    const packed<gguf::q8_1> q = encoded<gguf::q8_1>(x, 2, 256);
    for (const float y : decoded(p)) CHECK(is_finite(y));
    for (const float y : decoded(q)) CHECK(is_finite(y));
    for (std::size_t r = 0; r < 2; ++r)
      for (std::size_t g = 0; g < 16; ++g) {
        int sum = 0;
        for (std::size_t c = 0; c < 16; ++c)
          sum += static_cast<int>(code_at<codes>(p.view(), {r, g * 16 + c}) << 24) >> 24;
        CHECK(support::element<std::int16_t>(p.array(0).subspan(r * 292 + 260), g) == sum);
      }
    for (std::size_t b = 0; b < 16; ++b)
      CHECK(is_finite(f16::value(support::element<std::uint16_t>(q.array(0).subspan(b * 36 + 2), 0))));
  }
}
TEST_CASE("a fit that knows nothing of sums leaves them 0") {
  const packed<gguf::q8_k> p = encoded<gguf::q8_k, absmax>(bell(256, 1, 21), 1, 256);
  for (std::size_t i = 260; i < 292; ++i) CHECK(p.array(0)[i] == std::byte{0});
}

}  // namespace
