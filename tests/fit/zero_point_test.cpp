// Fits for zero points: against HQQ, compressed-tensors, and the formulas of GPTQ and AWQ.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/zero_point.hpp"

#include <algorithm>
#include <cmath>

#include "fit/encoding.hpp"
#include "quern/catalog/awq.hpp"
#include "quern/catalog/compressed_tensors.hpp"
#include "quern/catalog/gptq.hpp"
#include "quern/catalog/hqq.hpp"
#include "quern/number/f32.hpp"

namespace {

using namespace encoding;

template <unsigned Bits>
void check_hqq() {
  const std::string name = "hqq/" + std::to_string(Bits);
  const auto p = encoded<hqq::axis1<Bits, 64, quern::f32>>(floats("hqq/input.f32"), 32, 192);
  CHECK(differing(p.array(0), golden(name + ".packed.u8")) == 0);
  CHECK(differing(p.array(1), golden(name + ".scales.f32")) == 0);
  CHECK(differing(p.array(2), golden(name + ".zeros.f32")) == 0);
}

TEST_CASE("groups of 1, 2, 4 and 8 bits are HQQ's") { check_hqq<1>(), check_hqq<2>(), check_hqq<4>(), check_hqq<8>(); }

TEST_CASE("asymmetric groups are compressed-tensors'") {
  using C = compressed_tensors::pack_quantized_asymmetric<4, 32, quern::f32>;
  const auto p = encoded<C>(floats("ct/weights.f32"), 32, 128);
  CHECK(differing(p.array(0), golden("ct/asymmetric.packed.i32")) == 0);
  CHECK(differing(p.array(1), golden("ct/asymmetric.scales.f32")) == 0);
  CHECK(differing(p.array(2), golden("ct/asymmetric.zeros.i32")) == 0);
}

// What GPTQ's and AWQ's Python says, operation by operation; scale and zero of a group of weights, and codes.
struct group_of_codes {
  float scale, zero;
  std::vector<float> codes;
};
group_of_codes with_codes(std::span<const float> x, float scale, float zero, float steps) {
  group_of_codes g{scale, zero, {}};
  for (const float v : x) g.codes.push_back(std::clamp(std::nearbyint(v / scale) + zero, 0.0f, steps));
  return g;
}
group_of_codes gptq_group(std::span<const float> x, float steps, bool symmetric) {
  float least = std::min(*std::ranges::min_element(x), 0.0f), greatest = std::max(*std::ranges::max_element(x), 0.0f);
  if (symmetric) {
    greatest = std::max(std::fabs(least), greatest);
    if (least < 0) least = -greatest;
  }
  if (least == 0 && greatest == 0) least = -1, greatest = 1;
  const float scale = (greatest - least) / steps;
  return with_codes(x, scale, symmetric ? (steps + 1) / 2 : std::nearbyint(-least / scale), steps);
}
group_of_codes awq_group(std::span<const float> x, float steps) {
  const float least = *std::ranges::min_element(x), greatest = *std::ranges::max_element(x);
  const float scale = std::max(greatest - least, 1e-5f) / steps;
  return with_codes(x, scale, std::clamp(-std::nearbyint(least / scale), 0.0f, steps), steps);
}

// Rows of normal weights, of one sign, far from zero, zero, constant, tiny.
std::vector<float> rows_of_groups(std::size_t cols) {
  std::vector<float> x = bell(32 * cols, 0.05f, 5);
  for (std::size_t c = 0; c < cols; ++c) {
    x[cols + c] = magnitude(x[cols + c]), x[2 * cols + c] = -magnitude(x[2 * cols + c]);
    x[3 * cols + c] += 1, x[4 * cols + c] = 0, x[5 * cols + c] = 0.25f, x[6 * cols + c] *= 1e-6f;
    x[7 * cols + c] = static_cast<float>(c % 16) - 7.5f;
  }
  return x;
}

template <class C, class Fit>
void check_formula(auto group_of, float steps) {
  const std::size_t cols = 256, group = 128;
  const std::vector<float> x = rows_of_groups(cols);
  const auto p = encoded<C, Fit>(x, 32, cols);
  std::size_t wrong = 0;
  for (std::size_t r = 0; r < 32; ++r)
    for (std::size_t c = 0; c < cols; c += group) {
      const group_of_codes want = group_of(std::span(x).subspan(r * cols + c, group), steps);
      wrong += reference::scale_at(p.view(), {r, c}) != to_float(to_f16(want.scale));
      wrong += reference::offset_at(p.view(), {r, c}) != want.zero;
      for (std::size_t i = 0; i < group; ++i)
        wrong += static_cast<float>(code_at<codes>(p.view(), {r, c + i})) != want.codes[i];
    }
  CHECK(wrong == 0);
}

TEST_CASE("GPTQ's scales, zero points and codes are its formula's, in both checkpoint versions") {
  const auto asymmetric = [](std::span<const float> x, float steps) { return gptq_group(x, steps, false); };
  const auto symmetric = [](std::span<const float> x, float steps) { return gptq_group(x, steps, true); };
  check_formula<gptq::v2<4>, gptq_range>(asymmetric, 15);
  check_formula<gptq::v1<4>, gptq_range>(asymmetric, 15);
  check_formula<gptq::v2<2>, gptq_range>(asymmetric, 3);
  check_formula<gptq::v2<3>, gptq_range>(asymmetric, 7);
  check_formula<gptq::v2<8>, gptq_range>(asymmetric, 255);
  check_formula<gptq::v1<4>, gptq_symmetric>(symmetric, 15);
  check_formula<gptq::v1<8>, gptq_symmetric>(symmetric, 255);
}

TEST_CASE("AWQ's scales, zero points and codes are its formula's") {
  check_formula<awq::gemm<128>, awq_range>(awq_group, 15);
}

TEST_CASE("a symmetric v1 checkpoint stores the middle less one") {
  const auto p = encoded<gptq::v1<4>, gptq_symmetric>(bell(32 * 128, 0.1f, 6), 32, 128);
  for (std::size_t word = 0; word < 4; ++word) CHECK(support::element<std::uint32_t>(p.array(1), word) == 0x77777777);
}

}  // namespace
