// Codes of vector formats as bytes: points of grids looked up, signs applied, eight elements at a time.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_GRID_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_GRID_INL_HPP_
#undef QUERN_SIMD_GRID_INL_HPP_
#else
#define QUERN_SIMD_GRID_INL_HPP_
#endif

#include <array>
#include <bit>
#include <cstring>

#include "quern/simd/vector-inl.hpp"
#include "quern/storage/product.hpp"

#ifndef QUERN_SIMD_GRID_TABLES_
#define QUERN_SIMD_GRID_TABLES_
namespace quern::inline v0 {

// The bytes (value / unit + bias) of a point of a grid, first element lowest. At most eight elements.
template <class N>
inline constexpr auto grid_bytes = [] {
  std::array<std::uint64_t, N::points.size()> t{};
  for (std::size_t i = 0; i < t.size(); ++i)
    for (std::size_t j = 0; j < N::dimension; ++j) {
      const int byte = static_cast<int>(point_magnitude<N>(i, j) / as_bytes<N>.unit) + as_bytes<N>.bias;
      t[i] |= static_cast<std::uint64_t>(byte & 255) << 8 * j;
    }
  return t;
}();

// Byte j is 255 where bit j is set.
inline constexpr auto bytes_of_bits = [] {
  std::array<std::uint64_t, 256> t{};
  for (std::size_t i = 0; i < 256; ++i)
    for (std::size_t j = 0; j < 8; ++j) t[i] |= (i >> j & 1 ? std::uint64_t{255} : 0) << 8 * j;
  return t;
}();

}  // namespace quern::inline v0
#endif

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// The bytes of a code's elements.
template <class N>
HWY_INLINE std::uint64_t GridBytes(std::uint32_t code) {
  std::uint64_t bytes = 0;
  for (std::size_t v = 0; v < N::vectors; ++v)
    bytes |= grid_bytes<N>[code >> (v * N::index_bits) & low_bits(N::index_bits)] << 8 * v * N::dimension;
  if constexpr (N::sign_rule != signs::none) {
    std::uint32_t minus = code >> (N::index_bits * N::vectors);
    if (N::sign_rule == signs::even) minus |= (static_cast<std::uint32_t>(std::popcount(minus)) & 1) << N::sign_bits;
    // bias + v becomes bias - v = 2 bias - (bias + v); no byte borrows from its neighbour, as none exceeds 2 bias.
    constexpr std::uint64_t twice = 0x0101010101010101u * static_cast<std::uint64_t>(2 * as_bytes<N>.bias);
    bytes ^= (bytes ^ (twice - bytes)) & bytes_of_bits[minus & 255];
  }
  return bytes;
}

// A code of `Bits` bits at bit `bit` of p, of which `size` bytes may be read.
template <unsigned Bits>
HWY_INLINE std::uint32_t CodeAt(const std::uint8_t* p, std::size_t bit, std::size_t size) {
  const std::size_t byte = bit / 8;
  std::uint64_t word = 0;
  if (!HWY_IS_BIG_ENDIAN && byte + 8 <= size) {
    std::memcpy(&word, p + byte, 8);
  } else {
    for (std::size_t b = 0; b * 8 < bit % 8 + Bits; ++b) word |= std::uint64_t{p[byte + b]} << 8 * b;
  }
  return static_cast<std::uint32_t>(word >> bit % 8) & low_bits(Bits);
}

// All codes of a tile, as bytes in quads: byte (quad, row, column in quad) at quad * 64 + row * 4 + column.
template <class C>
HWY_INLINE void ExpandGrid(const std::uint8_t* HWY_RESTRICT tile, std::uint8_t* HWY_RESTRICT quads) {
  using N = typename C::number;
  constexpr std::size_t codes = tile_cols<typename C::described> / N::elements;
  const std::uint8_t* const p = tile + tile_facts<C>::at[0];
  constexpr std::size_t size = tile_facts<C>::bytes - tile_facts<C>::at[0];
  for (std::size_t c = 0; c < codes; ++c) {
    for (std::size_t r = 0; r < tile_rows; ++r) {
      const std::uint64_t bytes = GridBytes<N>(CodeAt<N::bits>(p, (c * tile_rows + r) * N::bits, size));
      if constexpr (N::elements % quad_cols == 0 && HWY_IS_LITTLE_ENDIAN) {
        for (std::size_t q = 0; q < N::elements / quad_cols; ++q) {
          const auto four = static_cast<std::uint32_t>(bytes >> 32 * q);
          std::memcpy(quads + (c * N::elements / quad_cols + q) * 64 + r * quad_cols, &four, 4);
        }
      } else {
        for (std::size_t e = 0; e < N::elements; ++e) {
          const std::size_t col = c * N::elements + e;
          quads[col / quad_cols * 64 + r * quad_cols + col % quad_cols] = static_cast<std::uint8_t>(bytes >> 8 * e);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
