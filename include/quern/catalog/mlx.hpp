// MLX: groups along a row, codes as a stream of bits in 32-bit words. Source: mlx, mlx/backend/common/quantized.h and
// python/mlx/nn/layers/quantized.py. Arrays: weight, scales, biases.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/spelling.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/mlx.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::mlx {

// s * q + b, Bits 2, 3, 4, 5, 6 or 8; Bits + 32 / Group bits. Scale is the type of the model, bf16 or f16. s is negative
// where the upper end of a group is the one that is exact.
template <unsigned Bits, std::size_t Group = 64, scalar_format Scale = bf16>
struct affine : codec<unsigned_integer<Bits>, levels<group<Group, Scale>>, bias<group<Group, Scale>>> {
  static constexpr spelling text =
      spelled("mlx.affine_", Bits, "bit", group_suffix{Group}, scale_suffix<Scale, bf16>{});
  static constexpr const char* name = text.data();
  using fit = mlx_affine;
};

// Modes "mxfp4", "mxfp8" and "nvfp4", which has no scale of the tensor; 4.25, 8.25 and 4.5 bits.
struct mxfp4 : codec<e2m1, levels<group<32, e8m0>>> {
  static constexpr const char* name = "mlx.mxfp4";
  using fit = mlx_mxfp4;
};
struct mxfp8 : codec<e4m3, levels<group<32, e8m0>>> {
  static constexpr const char* name = "mlx.mxfp8";
  using fit = mlx_mxfp8;
};
struct nvfp4 : codec<e2m1, levels<group<16, e4m3>>> {
  static constexpr const char* name = "mlx.nvfp4";
  using fit = mlx_nvfp4;
};

using presets = type_list<affine<2>, affine<3>, affine<4>, affine<5>, affine<6>, affine<8>, affine<4, 32>,
                          affine<4, 128>, affine<4, 64, f16>, affine<8, 64, f16>, mxfp4, mxfp8, nvfp4>;

}  // namespace quern::inline v0::mlx
