// MLX's fits against MLX's own bytes.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/mlx.hpp"

#include "fit/encoding.hpp"
#include "quern/catalog/mlx.hpp"
#include "quern/number/f32.hpp"

namespace {

using namespace encoding;

template <unsigned Bits>
void check_affine() {
  const std::string name = "mlx/affine" + std::to_string(Bits);
  const auto p = encoded<mlx::affine<Bits, 64, quern::f32>>(floats("mlx/input.f32"), 8, 256);
  CHECK(differing(p.array(0), golden(name + ".packed.u32")) == 0);
  CHECK(differing(p.array(1), golden(name + ".scales.f32")) == 0);
  CHECK(differing(p.array(2), golden(name + ".biases.f32")) == 0);
}

TEST_CASE("affine groups of every width are MLX's") {
  check_affine<2>(), check_affine<3>(), check_affine<4>(), check_affine<5>(), check_affine<6>(), check_affine<8>();
}

TEST_CASE("affine groups with half scales are MLX's") {
  std::vector<float> x = floats("mlx/input.f32");
  for (float& v : x) v = to_float(to_f16(v));
  const auto p = encoded<mlx::affine<4, 64, quern::f16>>(x, 8, 256);
  CHECK(differing(p.array(0), golden("mlx/affine4_half.packed.u32")) == 0);
  CHECK(differing(p.array(1), golden("mlx/affine4_half.scales.f16")) == 0);
  CHECK(differing(p.array(2), golden("mlx/affine4_half.biases.f16")) == 0);
}

TEST_CASE("zero and the end of greater magnitude are exact") {
  std::vector<float> x = bell(64, 0.1f, 1);
  x[5] = 0, x[6] = -2;
  const auto y = decoded(encoded<mlx::affine<4, 64, quern::f32>>(x, 1, 64));
  CHECK(y[5] == 0);
  CHECK(y[6] == -2);
}

template <class C>
void check_mode(const std::string& mode) {
  const auto p = encoded<C>(floats("mlx/input.f32"), 8, 256);
  CHECK(differing(p.array(0), golden("mlx/" + mode + ".packed.u8")) == 0);
  CHECK(differing(p.array(1), golden("mlx/" + mode + ".scales.u8")) == 0);
}

TEST_CASE("the floating-point modes are MLX's") {
  check_mode<mlx::mxfp4>("mxfp4");
  check_mode<mlx::mxfp8>("mxfp8");
  check_mode<mlx::nvfp4>("nvfp4");
}

TEST_CASE("of two values equally near, MLX takes the lesser, and never -0") {
  std::vector<float> x{6, 0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5, -0.25f, -0.75f, -1.25f, -2.5f, -0.0f, -0.1f};
  x.resize(32);
  const auto p = encoded<mlx::mxfp4>(x, 1, 32);
  const std::uint32_t want[] = {7, 0, 1, 2, 3, 4, 5, 6, 0, 9, 10, 12, 0, 0};  // as MLX 0.32.4 has them
  for (std::size_t i = 0; i < std::size(want); ++i) CHECK(code_at<codes>(p.view(), {0, i}) == want[i]);
  CHECK(code_at<scale<>>(p.view(), {0, 0}) == 127);
  CHECK(code_at<scale<>>(encoded<mlx::mxfp4>(std::vector<float>(32), 1, 32).view(), {0, 0}) == 127);
}

}  // namespace
