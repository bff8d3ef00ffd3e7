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

#include "quern/simd/lookup-inl.hpp"
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

// The codes of a group of columns for 16 rows at a time: points looked up for all of them at once.
template <class N>
inline constexpr bool kExpandsRows =
    kWideShuffle && N::bits <= 25 && (N::dimension == 4 || N::dimension == 8) && N::vectors * N::dimension <= 8;

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
// Where the codes of 16 rows lie in 2 * Bits bytes: the bytes of each, and how far it is shifted there.
template <unsigned Bits>
struct row_code_places {
  alignas(64) static constexpr auto bytes = [] {
    std::array<std::uint8_t, 64> t{};
    for (std::size_t i = 0; i < 64; ++i) t[i] = static_cast<std::uint8_t>(i / 4 * Bits / 8 + i % 4);
    return t;
  }();
  alignas(64) static constexpr auto shift = [] {
    std::array<std::uint32_t, 16> t{};
    for (std::size_t i = 0; i < 16; ++i) t[i] = static_cast<std::uint32_t>(i * Bits % 8);
    return t;
  }();
};

// The quads of one code in each of 16 rows, 64 bytes apart. `size` bytes may be read.
template <class N>
HWY_INLINE void ExpandRows(const std::uint8_t* HWY_RESTRICT from, std::size_t size, std::uint8_t* HWY_RESTRICT quads) {
  const hn::FixedTag<std::uint8_t, 64> d8;
  const hn::FixedTag<std::uint32_t, 16> d32;
  const hn::FixedTag<std::int32_t, 8> di8;
  const hn::FixedTag<std::uint64_t, 8> d64;
  const hn::RebindToSigned<decltype(d64)> di64;
  using R = row_code_places<N::bits>;
  const VWide packed = size >= 64 ? hn::LoadU(d8, from) : hn::LoadN(d8, from, size);  // the second is far slower
  const auto raw = hn::BitCast(d32, hn::TableLookupLanes(packed, hn::SetTableIndices(d8, R::bytes.data())));
  const auto codes = hn::Shr(raw, hn::Load(d32, R::shift.data()));
  // One sign for each element, repeated in all bytes of the lane.
  auto minus = hn::And(hn::ShiftRight<static_cast<int>(N::index_bits * N::vectors)>(codes),
                       hn::Set(d32, low_bits(N::sign_bits)));
  if constexpr (N::sign_rule == signs::even)
    minus = hn::Or(minus, hn::ShiftLeft<static_cast<int>(N::sign_bits)>(
                              hn::And(hn::PopulationCount(minus), hn::Set(d32, 1))));
  const auto signs_of = hn::BitCast(d8, hn::Mul(minus, hn::Set(d32, 0x01010101)));
  const auto store = [&](auto bytes32, auto quad) QUERN_INLINE {
    auto bytes = hn::BitCast(d8, bytes32);
    if constexpr (N::sign_rule != signs::none) {  // as in GridBytes
      const auto bit = hn::BitCast(d8, hn::Set(d32, quad % 2 == 0 ? 0x08040201u : 0x80402010u));
      bytes = hn::MaskedSubOr(bytes, hn::TestBit(signs_of, bit),
                              hn::Set(d8, static_cast<std::uint8_t>(2 * as_bytes<N>.bias)), bytes);
    }
    hn::StoreU(bytes, d8, quads + 64 * quad);
  };
  Unroll<static_cast<int>(N::vectors)>([&](auto v) QUERN_INLINE {
    const auto index = hn::BitCast(D32(), hn::And(hn::ShiftRight<v * static_cast<int>(N::index_bits)>(codes),
                                                  hn::Set(d32, low_bits(N::index_bits))));
    const auto* const table = reinterpret_cast<const std::int64_t*>(grid_bytes<N>.data());
    const auto words = [&](auto half) QUERN_INLINE { return hn::GatherIndex(di64, table, hn::PromoteTo(di64, half)); };
    const auto low = hn::BitCast(d32, words(hn::LowerHalf(di8, index))),
               high = hn::BitCast(d32, words(hn::UpperHalf(di8, index)));
    if constexpr (N::dimension == 8) {
      store(hn::ConcatEven(d32, high, low), std::integral_constant<std::size_t, 2 * v>());
      store(hn::ConcatOdd(d32, high, low), std::integral_constant<std::size_t, 2 * v + 1>());
    } else {
      store(hn::ConcatEven(d32, high, low), std::integral_constant<std::size_t, v>());
    }
  });
}
#endif

// All codes of a tile, as bytes in quads: byte (quad, row, column in quad) at quad * 64 + row * 4 + column.
template <class C>
HWY_INLINE void ExpandGrid(const std::uint8_t* HWY_RESTRICT tile, std::uint8_t* HWY_RESTRICT quads) {
  using N = typename C::number;
  constexpr std::size_t codes = tile_cols<typename C::described> / N::elements;
  const std::uint8_t* const p = tile + tile_facts<C>::at[0];
  constexpr std::size_t size = tile_facts<C>::bytes - tile_facts<C>::at[0];
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  if constexpr (kExpandsRows<N>) {
    for (std::size_t c = 0; c < codes; ++c)
      ExpandRows<N>(p + c * 2 * N::bits, size - c * 2 * N::bits, quads + c * N::elements / quad_cols * 64);
    return;
  }
#endif
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
