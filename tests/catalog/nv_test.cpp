// NVFP4: decoded against torchao and compressed-tensors.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/nv.hpp"

#include <cmath>

#include "catalog/decoding.hpp"

using namespace quern;
using support::element;
using support::golden;

namespace {

static_assert(bits_per_weight<nv::nvfp4> == 4.5 && bits_per_weight<nv::nvfp4_inverse_swizzled> == 4.5);
static_assert(reciprocal<f32>::value(float_to_bits(4.0f)) == 0.25f &&
              reciprocal<f32>::nearest(4.0f) == float_to_bits(0.25f));
static_assert(reciprocal<f32>::value(0) == std::numeric_limits<float>::infinity());
static_assert(reciprocal<f32>::value(0x80000000) == -std::numeric_limits<float>::infinity());

}  // namespace

TEST_CASE("the scale of the tensor multiplies: torchao's bits") {
  const auto w = support::decoded<nv::nvfp4>(
      support::arrays_of(golden("nvfp4/torchao.codes.u8"), golden("nvfp4/torchao.scales.u8"),
                         golden("nvfp4/torchao.global.f32")),
      8, 128);
  CHECK(support::differences(w, support::elements<float>(golden("nvfp4/torchao.decoded.f32"))) == 0);
}

TEST_CASE(
    "the scale of the tensor is stored as its inverse: compressed-tensors' numbers, to a unit in the last place") {
  const auto w = support::decoded<nv::nvfp4_inverse>(
      support::arrays_of(golden("nvfp4/ct.codes.u8"), golden("nvfp4/ct.scales.u8"), golden("nvfp4/ct.global.f32")), 8,
      128);
  const auto want = support::elements<float>(golden("nvfp4/ct.decoded.f32"));
  std::size_t far = 0;
  for (std::size_t i = 0; i < w.size(); ++i) far += !(std::abs(w[i] - want[i]) <= 0x1p-23f * std::abs(want[i]));
  CHECK(far == 0);
}

TEST_CASE("q * (s * g)") {
  CHECK(support::differences_from<nv::nvfp4>(33, 256, [](const auto& p, std::size_t r, std::size_t c) {
          const std::uint32_t q = element<std::uint8_t>(p, 0, (r * 256 + c) / 2) >> c % 2 * 4 & 15u;
          const float s = element<float>(p, 2, 0) * e4m3::value(element<std::uint8_t>(p, 1, (r * 256 + c) / 16));
          return s * e2m1::value(q);
        }) == 0);
}

TEST_CASE("swizzled scales: tiles of 128 x 4, each for 64 weights of a row") {
  CHECK(support::differences_from<nv::nvfp4_swizzled>(200, 144, [](const auto& p, std::size_t r, std::size_t c) {
          const std::uint32_t q = element<std::uint8_t>(p, 0, (r * 144 + c) / 2) >> c % 2 * 4 & 15u;
          const std::size_t at = (r / 128 * 3 + c / 64) * 512 + r % 32 * 16 + r % 128 / 32 * 4 + c / 16 % 4;
          return element<float>(p, 2, 0) * e4m3::value(element<std::uint8_t>(p, 1, at)) * e2m1::value(q);
        }) == 0);
}
