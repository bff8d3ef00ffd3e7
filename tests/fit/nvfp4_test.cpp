// NVFP4's two levels against torchao and compressed-tensors.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/nvfp4.hpp"

#include "fit/encoding.hpp"
#include "quern/catalog/compressed_tensors.hpp"
#include "quern/catalog/mlx.hpp"
#include "quern/catalog/nv.hpp"

namespace {

using namespace encoding;

TEST_CASE("two levels are torchao's, and one level is") {
  const std::vector<float> x = floats("nvfp4/input.f32");
  const auto p = encoded<nv::nvfp4>(x, 8, 128);
  CHECK(differing(p.array(0), golden("nvfp4/torchao.codes.u8")) == 0);
  CHECK(differing(p.array(1), golden("nvfp4/torchao.scales.u8")) == 0);
  CHECK(differing(p.array(2), golden("nvfp4/torchao.global.f32")) == 0);
  const auto q = encoded<mlx::nvfp4, nvfp4_scales>(x, 8, 128);
  CHECK(differing(q.array(0), golden("nvfp4/torchao_one_level.codes.u8")) == 0);
  CHECK(differing(q.array(1), golden("nvfp4/torchao_one_level.scales.u8")) == 0);
}

// Four weights of -0 are +0 there.
TEST_CASE("with the inverse stored they are compressed-tensors' but for the sign of zero") {
  const std::vector<float> x = floats("nvfp4/input.f32");
  const auto p = encoded<compressed_tensors::nvfp4>(x, 8, 128);
  CHECK(differing(p.array(1), golden("nvfp4/ct.scales.u8")) == 0);
  CHECK(differing(p.array(2), golden("nvfp4/ct.global.f32")) == 0);
  const std::vector<std::byte> theirs = golden("nvfp4/ct.codes.u8");
  std::size_t zeros = 0, others = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint32_t ours = code_at<codes>(p.view(), {i / 128, i % 128});
    const std::uint32_t want = std::to_integer<std::uint32_t>(theirs[i / 2]) >> i % 2 * 4 & 15;
    if (ours != want) ++((ours & 7) == 0 && (want & 7) == 0 ? zeros : others);
  }
  CHECK(others == 0);
  CHECK(zeros == 4);
}

TEST_CASE("a tensor of zeros is zeros") {
  const std::vector<float> zeros(64);
  CHECK(decoded(encoded<nv::nvfp4>(zeros, 2, 32)) == zeros);
  CHECK(decoded(encoded<nv::nvfp4_inverse>(zeros, 2, 32)) == zeros);
}

}  // namespace
