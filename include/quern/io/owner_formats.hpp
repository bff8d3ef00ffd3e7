// The tensors of each format whose owner has a convention for safetensors files. A format of one's own gets one by a
// specialization of owner_tensors.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <numeric>
#include <string_view>

#include "quern/catalog/awq.hpp"
#include "quern/catalog/bnb.hpp"
#include "quern/catalog/compressed_tensors.hpp"
#include "quern/catalog/fp8.hpp"
#include "quern/catalog/gptq.hpp"
#include "quern/catalog/mlx.hpp"
#include "quern/catalog/nv.hpp"
#include "quern/io/owner_quant_state.hpp"
#include "quern/io/owner_tensor.hpp"

namespace quern::inline v0::io {

// Of a preset: derived from owner_declaration, with `static constexpr std::array<owner_tensor, N> tensors`.
template <class P>
struct owner_tensors;

template <class P>
concept has_owner_tensors = any_codec<P> && requires {
  owner_tensors<P>::tensors.size();
  requires std::derived_from<owner_tensors<P>, owner_declaration>;
};

// The floats that scales are, and their dtypes.
template <class Number>
concept owner_scale = std::same_as<Number, f16> || std::same_as<Number, bf16> || std::same_as<Number, f32>;
template <owner_scale Number>
inline constexpr safetensors_dtype owner_dtype_of = std::same_as<Number, f16>    ? safetensors_dtype::f16
                                                    : std::same_as<Number, bf16> ? safetensors_dtype::bf16
                                                                                 : safetensors_dtype::f32;

// ---- bitsandbytes: Params4bit, Linear8bitLt ----

// Absmaxes, where they are coded, are part `scale<1>`, and their mean, array 3, is in the text.
template <class P, std::size_t Block, bool Nested>
struct bnb_tensors : owner_declaration {
  static constexpr bool runs_through_rows = true;
  static constexpr bool is_nf4 = std::same_as<typename P::number, bnb::nf4_number>;
  static constexpr bnb_quant_state state{is_nf4 ? "nf4" : "fp4", Block, Nested ? 256u : 0u};
  static constexpr std::size_t mean_array = 3;
  static constexpr auto tensors = [] {
    using dtype = safetensors_dtype;
    const owner_tensor weight = owner_array("weight", dtype::u8, weights_over(2), fixed_extent(1), 0);
    const owner_tensor map = owner_vector("weight.quant_map", dtype::f32, fixed_extent(16), owner_bytes::values, 0);
    const owner_tensor text =
        owner_vector(is_nf4 ? "weight.quant_state.bitsandbytes__nf4" : "weight.quant_state.bitsandbytes__fp4",
                     dtype::u8, owner_extent{owner_extent::of::text}, owner_bytes::quant_state, 0);
    const auto absmax = [](std::string_view suffix, dtype d, std::size_t block, std::size_t array) {
      return owner_vector(suffix, d, weights_over(block), owner_bytes::array, array);
    };
    if constexpr (!Nested) {
      return std::array{weight, absmax("weight.absmax", dtype::f32, Block, 1), map, text};
    } else {
      return std::array{weight,
                        absmax("weight.absmax", dtype::u8, Block, 1),
                        absmax("weight.nested_absmax", dtype::f32, 256 * Block, 2),
                        map,
                        owner_vector("weight.nested_quant_map", dtype::f32, fixed_extent(256), owner_bytes::values,
                                     index_of<P>(scale<1>::id)),
                        text};
    }
  }();
};
// Those that the owner's decoder takes.
template <std::size_t Block>
concept bnb_block = Block >= 32 && Block <= 4096 && (Block & (Block - 1)) == 0;
template <std::size_t Block>
  requires(bnb_block<Block>)
struct owner_tensors<bnb::nf4_blocks<Block>> : bnb_tensors<bnb::nf4_blocks<Block>, Block, false> {};
template <std::size_t Block>
  requires(bnb_block<Block>)
struct owner_tensors<bnb::fp4_blocks<Block>> : bnb_tensors<bnb::fp4_blocks<Block>, Block, false> {};
template <>
struct owner_tensors<bnb::nf4_double> : bnb_tensors<bnb::nf4_double, 64, true> {};
template <>
struct owner_tensors<bnb::fp4_double> : bnb_tensors<bnb::fp4_double, 64, true> {};

template <>
struct owner_tensors<bnb::llm_int8> : owner_declaration {
  static constexpr std::array tensors{
      owner_array("weight", safetensors_dtype::i8, rows_over(), cols_over(), 0),
      owner_vector("SCB", safetensors_dtype::f32, rows_over(), owner_bytes::array, 1),
      owner_scalar("weight_format", safetensors_dtype::u8, owner_bytes::zeros, 0).optional()};  // "row"
};

// ---- compressed-tensors ----

// pack-quantized. Codes of a width that does not divide 32 run on from word to word: 32 of 3 bits fill three words.
template <unsigned Bits, std::size_t Group, owner_scale Scale, bool Asymmetric>
struct ct_packed_tensors : owner_declaration {
  static constexpr std::size_t codes = compressed_tensors::codes_to_words<Bits>, words = codes * Bits / 32;
  static constexpr std::size_t whole_rows = Asymmetric && 32 % Bits != 0 ? codes : 1;
  static constexpr std::size_t whole_cols = std::lcm(Group == all ? 1 : Group, 32 % Bits != 0 ? codes : 1);
  static constexpr auto foreign = [] {
    if constexpr (Asymmetric) return std::array<std::string_view, 1>{"weight_g_idx"};
    else return std::array<std::string_view, 2>{"weight_g_idx", "weight_zero_point"};
  }();
  static constexpr auto tensors = [] {
    using dtype = safetensors_dtype;
    const owner_tensor packed = owner_array("weight_packed", dtype::i32, rows_over(), cols_over(codes, words), 0);
    const owner_tensor scale = owner_array("weight_scale", owner_dtype_of<Scale>, rows_over(), groups_of(Group), 1);
    const owner_tensor size = owner_vector("weight_shape", dtype::i64, fixed_extent(2), owner_bytes::matrix_shape, 0);
    if constexpr (!Asymmetric) return std::array{packed, scale, size};
    else
      return std::array{packed, scale, size,
                        owner_array("weight_zero_point", dtype::i32, rows_over(codes, words), groups_of(Group), 2)};
  }();
};
template <unsigned Bits, std::size_t Group, owner_scale Scale>
struct owner_tensors<compressed_tensors::pack_quantized<Bits, Group, Scale>>
    : ct_packed_tensors<Bits, Group, Scale, false> {};
template <unsigned Bits, std::size_t Group, owner_scale Scale>
struct owner_tensors<compressed_tensors::pack_quantized_asymmetric<Bits, Group, Scale>>
    : ct_packed_tensors<Bits, Group, Scale, true> {};

// As releases to 0.12 pack them. Where columns are a multiple of 32, as here, later releases have fewer words.
template <std::size_t Group, owner_scale Scale>
struct owner_tensors<compressed_tensors::padded_int3<Group, Scale>> : ct_packed_tensors<3, Group, Scale, false> {
  static constexpr auto tensors = [] {
    auto t = ct_packed_tensors<3, Group, Scale, false>::tensors;
    t[0].extents[1] = cols_over(10);
    return t;
  }();
};

// int-quantized.
template <>
struct owner_tensors<compressed_tensors::int8_channel> : owner_declaration {
  static constexpr std::array<std::string_view, 1> foreign{"weight_zero_point"};
  static constexpr std::array tensors{
      owner_array("weight", safetensors_dtype::i8, rows_over(), cols_over(), 0),
      owner_array("weight_scale", safetensors_dtype::bf16, rows_over(), fixed_extent(1), 1)};
};

// nvfp4-pack-quantized.
struct ct_nvfp4_tensors : owner_declaration {
  static constexpr std::size_t whole_cols = 16;
  static constexpr std::array tensors{
      owner_array("weight_packed", safetensors_dtype::u8, rows_over(), cols_over(2), 0),
      owner_array("weight_scale", safetensors_dtype::f8_e4m3, rows_over(), cols_over(16), 1),
      owner_vector("weight_global_scale", safetensors_dtype::f32, fixed_extent(1), owner_bytes::array, 2)};
};
template <>
struct owner_tensors<compressed_tensors::nvfp4> : ct_nvfp4_tensors {};
template <>
struct owner_tensors<nv::nvfp4_inverse> : ct_nvfp4_tensors {};

// mxfp4-pack-quantized, mxfp8-quantized.
template <>
struct owner_tensors<compressed_tensors::mxfp4> : owner_declaration {
  static constexpr std::size_t whole_cols = 32;
  static constexpr std::array<std::string_view, 1> foreign{"weight_global_scale"};
  static constexpr std::array tensors{
      owner_array("weight_packed", safetensors_dtype::u8, rows_over(), cols_over(2), 0),
      owner_array("weight_scale", safetensors_dtype::u8, rows_over(), cols_over(32), 1)};
};
template <>
struct owner_tensors<compressed_tensors::mxfp8> : owner_declaration {
  static constexpr std::size_t whole_cols = 32;
  static constexpr std::array tensors{
      owner_array("weight", safetensors_dtype::f8_e4m3, rows_over(), cols_over(), 0),
      owner_array("weight_scale", safetensors_dtype::u8, rows_over(), cols_over(32), 1)};
};

// ---- FP8 checkpoints of transformers, vLLM and compressed-tensors (float-quantized), and of DeepSeek ----

template <owner_scale Scale>
struct fp8_tensor_tensors : owner_declaration {
  static constexpr std::array tensors{
      owner_array("weight", safetensors_dtype::f8_e4m3, rows_over(), cols_over(), 0),
      owner_vector("weight_scale", owner_dtype_of<Scale>, fixed_extent(1), owner_bytes::array, 1)};
};
template <owner_scale Scale>
struct fp8_channel_tensors : owner_declaration {
  static constexpr std::array tensors{
      owner_array("weight", safetensors_dtype::f8_e4m3, rows_over(), cols_over(), 0),
      owner_array("weight_scale", owner_dtype_of<Scale>, rows_over(), fixed_extent(1), 1)};
};
template <owner_scale Scale>
struct fp8_block_tensors : owner_declaration {
  static constexpr std::array tensors{
      owner_array("weight", safetensors_dtype::f8_e4m3, rows_over(), cols_over(), 0),
      owner_array("weight_scale_inv", owner_dtype_of<Scale>, rows_over(128), cols_over(128), 1).or_as("weight_scale")};
};
template <>
struct owner_tensors<fp8::e4m3_tensor> : fp8_tensor_tensors<f32> {};
template <>
struct owner_tensors<fp8::e4m3_channel> : fp8_channel_tensors<f32> {};
template <>
struct owner_tensors<fp8::e4m3_block> : fp8_block_tensors<f32> {};
template <>
struct owner_tensors<fp8::per_tensor<e4m3, bf16>> : fp8_tensor_tensors<bf16> {};
template <>
struct owner_tensors<fp8::per_channel<e4m3, bf16>> : fp8_channel_tensors<bf16> {};
template <>
struct owner_tensors<fp8::per_block<e4m3, 128, 128, bf16>> : fp8_block_tensors<bf16> {};

// ---- TensorRT Model Optimizer ----

template <>
struct owner_tensors<nv::nvfp4> : owner_declaration {
  static constexpr std::size_t whole_cols = 16;
  static constexpr std::array tensors{
      owner_array("weight", safetensors_dtype::u8, rows_over(), cols_over(2), 0),
      owner_array("weight_scale", safetensors_dtype::f8_e4m3, rows_over(), cols_over(16), 1),
      owner_scalar("weight_scale_2", safetensors_dtype::f32, owner_bytes::array, 2)};
};

// ---- GPTQ: AutoGPTQ, GPTQModel, AutoRound. v1 and v2 have the same tensors; config.json says which they are ----

template <unsigned Bits>
concept gptq_width = Bits == 2 || Bits == 3 || Bits == 4 || Bits == 8;
template <unsigned Bits, std::size_t Group>
struct gptq_tensors : owner_declaration {
  static constexpr std::array tensors{
      owner_array("qweight", safetensors_dtype::i32, cols_over(32, Bits), rows_over(), 0),
      owner_array("qzeros", safetensors_dtype::i32, groups_of(Group), rows_over(32, Bits), 1),
      owner_array("scales", safetensors_dtype::f16, groups_of(Group), rows_over(), 2),
      owner_vector("g_idx", safetensors_dtype::i32, cols_over(), owner_bytes::groups, Group).optional()};
};
template <unsigned Bits, std::size_t Group>
  requires(gptq_width<Bits>)
struct owner_tensors<gptq::v1<Bits, Group>> : gptq_tensors<Bits, Group> {};
template <unsigned Bits, std::size_t Group>
  requires(gptq_width<Bits>)
struct owner_tensors<gptq::v2<Bits, Group>> : gptq_tensors<Bits, Group> {};

// ---- AWQ: AutoAWQ ----

template <std::size_t Group>
struct owner_tensors<awq::gemm<Group>> : owner_declaration {
  static constexpr std::size_t whole_cols = Group;
  static constexpr std::array<std::string_view, 1> foreign{"g_idx"};
  static constexpr std::array tensors{owner_array("qweight", safetensors_dtype::i32, cols_over(), rows_over(8), 0),
                                      owner_array("qzeros", safetensors_dtype::i32, cols_over(Group), rows_over(8), 1),
                                      owner_array("scales", safetensors_dtype::f16, cols_over(Group), rows_over(), 2)};
};
template <std::size_t Group>
struct owner_tensors<awq::gemv<Group>> : owner_declaration {
  static constexpr std::size_t whole_cols = Group, groups = awq::padded_groups(Group);
  static constexpr std::array<std::string_view, 1> foreign{"g_idx"};
  static constexpr std::array tensors{
      owner_array("qweight", safetensors_dtype::i32, rows_over(), cols_over(8), 0),
      owner_array("qzeros", safetensors_dtype::i32, rows_over(), cols_over(Group* groups, groups / 8), 1),
      owner_array("scales", safetensors_dtype::f16, rows_over(), cols_over(Group* groups, groups), 2)};
};
template <std::size_t Group>
struct owner_tensors<awq::gemv_fast<Group>> : owner_declaration {
  static constexpr std::size_t whole_cols = Group, groups = awq::padded_groups(Group);
  static constexpr std::array tensors{
      owner_array("qweight", safetensors_dtype::i16, rows_over(4), cols_over(), 0),
      owner_array("qzeros", safetensors_dtype::f16, cols_over(Group* groups, groups), rows_over(), 1),
      owner_array("scales", safetensors_dtype::f16, cols_over(Group* groups, groups), rows_over(), 2)};
};

// ---- MLX ----

template <unsigned Bits>
concept mlx_width = Bits == 2 || Bits == 3 || Bits == 4 || Bits == 5 || Bits == 6 || Bits == 8;
template <unsigned Bits, std::size_t Group, owner_scale Scale>
  requires(mlx_width<Bits> && (Group == 32 || Group == 64 || Group == 128))
struct owner_tensors<mlx::affine<Bits, Group, Scale>> : owner_declaration {
  static constexpr std::size_t whole_cols = Group;
  static constexpr std::array tensors{
      owner_array("weight", safetensors_dtype::u32, rows_over(), cols_over(32, Bits), 0),
      owner_array("scales", owner_dtype_of<Scale>, rows_over(), cols_over(Group), 1),
      owner_array("biases", owner_dtype_of<Scale>, rows_over(), cols_over(Group), 2)};
};
// Modes of floats, in groups of 16 or 32.
template <unsigned Bits, std::size_t Group>
struct mlx_float_tensors : owner_declaration {
  static constexpr std::size_t whole_cols = Group;
  static constexpr std::array<std::string_view, 1> foreign{"biases"};
  static constexpr std::array tensors{
      owner_array("weight", safetensors_dtype::u32, rows_over(), cols_over(32 / Bits), 0),
      owner_array("scales", safetensors_dtype::u8, rows_over(), cols_over(Group), 1)};
};
template <>
struct owner_tensors<mlx::mxfp4> : mlx_float_tensors<4, 32> {};
template <>
struct owner_tensors<mlx::mxfp8> : mlx_float_tensors<8, 32> {};
template <>
struct owner_tensors<mlx::nvfp4> : mlx_float_tensors<4, 16> {};

}  // namespace quern::inline v0::io
