// The types of tensors in GGUF files: their numbers, the sizes of their blocks, and so the bytes of a tensor. They
// follow ggml's ggml.h and ggml.c, whose names and numbers these are. Those that are codecs are found in the catalogue
// by number.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace quern::inline v0::io {

// block_elements of a row are block_bytes in the file.
struct gguf_tensor_type {
  std::uint32_t id = 0;
  std::string_view name;
  std::uint32_t block_elements = 0;
  std::uint32_t block_bytes = 0;
};

inline constexpr std::array<gguf_tensor_type, 35> gguf_tensor_types{{
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},      {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},
    {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},   {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},   {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},
    {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36},    {41, "Q1_0", 128, 18},    {42, "Q2_0", 64, 18},
}};

// nullptr for numbers that ggml has not given, or has given up: 4, 5, 31 to 33, 36 to 38.
constexpr const gguf_tensor_type* find_gguf_tensor_type(std::uint32_t id) noexcept {
  for (const gguf_tensor_type& t : gguf_tensor_types)
    if (t.id == id) return &t;
  return nullptr;
}
constexpr const gguf_tensor_type* find_gguf_tensor_type(std::string_view name) noexcept {
  for (const gguf_tensor_type& t : gguf_tensor_types)
    if (t.name == name) return &t;
  return nullptr;
}

inline constexpr std::size_t most_gguf_dims = 4;
inline constexpr std::size_t most_gguf_name_bytes = 63;  // of a tensor
inline constexpr std::size_t most_gguf_key_bytes = 65535;
inline constexpr std::uint64_t most_gguf_metadata_bytes = 1u << 30;  // all that precedes the tensors' data
inline constexpr std::uint64_t most_gguf_alignment = 1u << 20;
inline constexpr std::uint64_t most_gguf_size = ~std::uint64_t{0} >> 1;  // sizes are signed for ggml

// Bytes of a tensor in a file; or the rule that its type and its dimensions break, and the numbers that do.
struct gguf_extent {
  std::uint64_t bytes = 0;
  const char* broken = nullptr;
  std::uint64_t value = 0, bound = 0;
};

// dims[0] is the length of a row. At most 4 dims; those that are missing are 1.
constexpr gguf_extent gguf_extent_of(std::uint32_t type, std::span<const std::uint64_t> dims) noexcept {
  const gguf_tensor_type* const t = find_gguf_tensor_type(type);
  if (t == nullptr) return {0, "no type of tensors has this number", type};
  if (dims.size() > most_gguf_dims) return {0, "more than 4 dimensions", dims.size(), most_gguf_dims};
  // The product is bounded without the zeros, too, so that no product of some of the dimensions overflows.
  std::uint64_t elements = 1;
  bool is_empty = false;
  for (const std::uint64_t d : dims) {
    if (d > most_gguf_size) return {0, "a dimension is negative", d, most_gguf_size};
    if (d == 0) is_empty = true;
    else if (elements > most_gguf_size / d) return {0, "too many elements to be counted", d, most_gguf_size / elements};
    else elements *= d;
  }
  const std::uint64_t cols = dims.empty() ? 1 : dims[0];
  if (cols % t->block_elements != 0) return {0, "a row is not whole blocks of its type", cols, t->block_elements};
  if (is_empty) return {};
  const std::uint64_t blocks = elements / t->block_elements;
  if (blocks > most_gguf_size / t->block_bytes)
    return {0, "too many bytes to be counted", blocks, most_gguf_size / t->block_bytes};
  return {blocks * t->block_bytes};
}

// The rule that a name of a tensor, or a key, breaks; nullptr if it breaks none. ggml ends strings at a NUL, so that
// two names which differ behind one are equal to it.
constexpr const char* gguf_name_breaks(std::string_view name) noexcept {
  if (name.empty()) return "a tensor without a name";
  if (name.size() > most_gguf_name_bytes) return "a tensor's name of more than 63 bytes";
  return name.find('\0') == name.npos ? nullptr : "a NUL in the name of a tensor";
}
constexpr const char* gguf_key_breaks(std::string_view key) noexcept {
  if (key.empty()) return "an empty key";
  if (key.size() > most_gguf_key_bytes) return "a key of more than 65535 bytes";
  return key.find('\0') == key.npos ? nullptr : "a NUL in a key";
}
constexpr const char* gguf_alignment_breaks(std::uint64_t alignment) noexcept {
  if (alignment == 0 || (alignment & (alignment - 1)) != 0) return "the alignment is not a power of two";
  return alignment <= most_gguf_alignment ? nullptr : "the alignment is too large";
}

}  // namespace quern::inline v0::io
