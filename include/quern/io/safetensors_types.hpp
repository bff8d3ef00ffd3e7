// The element types of safetensors files, and the bytes of a tensor.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <ranges>
#include <string_view>

namespace quern::inline v0::io {

// In the order of huggingface/safetensors (safetensors/src/tensor.rs, Dtype): by size, so that tensors sorted by
// falling dtype are aligned to their elements.
enum class safetensors_dtype : std::uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,  // two f32
  f64,
  i64,
  u64
};

struct safetensors_dtype_facts {
  std::string_view name;  // in a file
  unsigned bits;          // of an element
};
inline constexpr std::array<safetensors_dtype_facts, 22> safetensors_dtypes{{
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
}};

constexpr std::string_view name_of(safetensors_dtype t) { return safetensors_dtypes[static_cast<std::size_t>(t)].name; }
constexpr unsigned bits_of(safetensors_dtype t) { return safetensors_dtypes[static_cast<std::size_t>(t)].bits; }
constexpr std::optional<safetensors_dtype> find_safetensors_dtype(std::string_view name) {
  for (std::size_t i = 0; i < safetensors_dtypes.size(); ++i)
    if (safetensors_dtypes[i].name == name) return static_cast<safetensors_dtype>(i);
  return {};
}

// Limits of a header, which bound the memory that reading one takes.
inline constexpr std::uint64_t safetensors_most_header_bytes = 100'000'000;     // that of huggingface/safetensors
inline constexpr std::size_t safetensors_most_extents = 64;                     // of a shape; that of NumPy and PyTorch
inline constexpr std::size_t safetensors_most_metadata = std::size_t{1} << 20;  // entries

// The bytes of a tensor, or the rule that its shape breaks. Extents that are 0 do not count where the product is
// checked for overflow, so that no order of multiplying overflows later.
struct safetensors_size {
  std::uint64_t bytes = 0;
  const char* refusal = nullptr;
};
template <std::ranges::input_range Extents>
constexpr safetensors_size safetensors_size_of(safetensors_dtype t, const Extents& shape) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t elements = 1;
  bool is_empty = false;
  for (const std::uint64_t extent : shape) {
    if (extent == 0) is_empty = true;
    else if (elements > most / extent) return {0, "the product of a shape overflows"};
    else elements *= extent;
  }
  if (is_empty) return {};
  if (elements > most / bits_of(t)) return {0, "the size of a tensor in bits overflows"};
  if (elements * bits_of(t) % 8 != 0) return {0, "a tensor is not a whole number of bytes"};
  return {elements * bits_of(t) / 8};
}

}  // namespace quern::inline v0::io
