// MLX: affine widths against its own dequantize, and its micro-scaled modes.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/mlx.hpp"

#include <cmath>
#include <string>

#include "catalog/decoding.hpp"
#include "quern/number/f32.hpp"

using namespace quern;
using support::element;
using support::golden;

namespace {

static_assert(bits_per_weight<mlx::affine<4>> == 4.5 && bits_per_weight<mlx::affine<3, 32>> == 4);
static_assert(bits_per_weight<mlx::mxfp4> == 4.25 && bits_per_weight<mlx::mxfp8> == 8.25 &&
              bits_per_weight<mlx::nvfp4> == 4.5);

template <unsigned Bits>
void check_golden() {
  CAPTURE(Bits);
  const std::string name = "mlx/affine" + std::to_string(Bits);
  const auto w = support::decoded<mlx::affine<Bits, 64, f32>>(
      support::arrays_of(golden(name + ".packed.u32"), golden(name + ".scales.f32"), golden(name + ".biases.f32")), 8,
      256);
  CHECK(support::differences(w, support::elements<float>(golden(name + ".decoded.f32"))) == 0);
}

template <unsigned Bits>
void check_formula() {
  CAPTURE(Bits);
  CHECK(support::differences_from<mlx::affine<Bits>>(16, 256, [](const auto& p, std::size_t r, std::size_t c) {
          std::uint32_t q = 0;
          for (std::size_t j = 0; j < Bits; ++j) {
            const std::size_t bit = (r * 256 + c) * Bits + j;
            q |= (element<std::uint32_t>(p, 0, bit / 32) >> bit % 32 & 1) << j;
          }
          const std::size_t g = r * 4 + c / 64;
          return exact(bf16::value(element<std::uint16_t>(p, 1, g)) * static_cast<float>(q)) +
                 bf16::value(element<std::uint16_t>(p, 2, g));
        }) == 0);
}

}  // namespace

TEST_CASE("every width decodes to MLX's numbers") {
  check_golden<2>();
  check_golden<3>();
  check_golden<4>();
  check_golden<5>();
  check_golden<6>();
  check_golden<8>();
}

TEST_CASE("scales and biases in half precision decode to MLX's numbers, which it rounds to halves") {
  const auto w = support::decoded<mlx::affine<4, 64, f16>>(
      support::arrays_of(golden("mlx/affine4_half.packed.u32"), golden("mlx/affine4_half.scales.f16"),
                         golden("mlx/affine4_half.biases.f16")),
      8, 256);
  const auto want = golden("mlx/affine4_half.decoded.f16");
  std::size_t far = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const float x = f16::value(element<std::uint16_t>(want, i));
    far += !(std::abs(w[i] - x) <= 0x1p-10f * 2.0f);
  }
  CHECK(far == 0);
}

TEST_CASE("widths by formula, on random bytes") {
  check_formula<2>();
  check_formula<3>();
  check_formula<4>();
  check_formula<5>();
  check_formula<6>();
  check_formula<8>();
}

TEST_CASE("the micro-scaled modes decode to about what MLX encoded") {
  const auto x = support::elements<float>(golden("mlx/input.f32"));
  const auto check = [&]<class C>(std::type_identity<C>, const std::string& name, std::size_t group, float tolerance) {
    CAPTURE(name);
    const auto w = support::decoded<C>(
        support::arrays_of(golden("mlx/" + name + ".packed.u8"), golden("mlx/" + name + ".scales.u8")), 8, 256);
    std::size_t far = 0;
    for (std::size_t b = 0; b < w.size(); b += group) {
      float largest = 0;
      for (std::size_t i = b; i < b + group; ++i) largest = std::max(largest, std::abs(x[i]));
      for (std::size_t i = b; i < b + group; ++i) far += !(std::abs(w[i] - x[i]) <= largest * tolerance);
    }
    CHECK(far == 0);
  };
  check(std::type_identity<mlx::mxfp8>{}, "mxfp8", 32, 0.3f);
  check(std::type_identity<mlx::mxfp4>{}, "mxfp4", 32, 0.4f);
  check(std::type_identity<mlx::nvfp4>{}, "nvfp4", 16, 0.25f);
}
