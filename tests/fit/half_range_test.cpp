// Symmetric fits by half of the number's range, against compressed-tensors.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/half_range.hpp"

#include "fit/encoding.hpp"
#include "quern/catalog/compressed_tensors.hpp"
#include "quern/catalog/fp8.hpp"

namespace {

using namespace encoding;

static_assert(epsilon<f32> == 0x1p-23f && epsilon<bf16> == 0x1p-7f && epsilon<f16> == 0x1p-10f &&
              epsilon<e4m3> == 0.125f);

TEST_CASE("symmetric groups are compressed-tensors'") {
  using C = compressed_tensors::pack_quantized<4, 32, quern::f32>;
  const auto p = encoded<C>(floats("ct/weights.f32"), 32, 128);
  CHECK(differing(p.array(0), golden("ct/symmetric.packed.i32")) == 0);
  CHECK(differing(p.array(1), golden("ct/symmetric.scales.f32")) == 0);
}

TEST_CASE("a group of zeros has the scale's epsilon") {
  const auto p = encoded<compressed_tensors::pack_quantized<4>>(std::vector<float>(128), 1, 128);
  CHECK(code_at<scale<>>(p.view(), {0, 0}) == nearest<bf16>(0x1p-7f));
  CHECK(decoded(p) == std::vector<float>(128));
}

TEST_CASE("the greatest weight of an FP8 tensor, channel or block is the greatest E4M3 number") {
  const std::vector<float> x = bell(256 * 256, 0.1f, 4);
  const auto greatest = [&](std::size_t rows, std::size_t cols) {
    float a = 0;
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < cols; ++c) a = std::max(a, magnitude(x[r * 256 + c]));
    return a;
  };
  CHECK(support::element<float>(encoded<fp8::e4m3_tensor>(x, 256, 256).array(1), 0) == greatest(256, 256) / 448);
  CHECK(support::element<float>(encoded<fp8::e4m3_channel>(x, 256, 256).array(1), 0) == greatest(1, 256) / 448);
  CHECK(support::element<float>(encoded<fp8::e4m3_block>(x, 256, 256).array(1), 0) == greatest(128, 128) / 448);
}

}  // namespace
