// Codes of grids: points and signs. A point is looked up as bytes, all its elements at once; then signs turn bytes.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_POINTS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_POINTS_INL_HPP_
#undef QUERN_SIMD_POINTS_INL_HPP_
#else
#define QUERN_SIMD_POINTS_INL_HPP_
#endif

#include <cstring>

#include "quern/simd/point_bytes.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/storage/row_codes.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// The indices of the points of 16 codes.
template <class N, class T>
HWY_INLINE void PointIndices(const T* codes, std::uint16_t* index) {
  const hn::CappedTag<T, std::min<std::size_t>(16, 64 / sizeof(T))> d;
  const hn::Rebind<std::uint16_t, decltype(d)> d16;
  const auto masked = [&](auto code) QUERN_INLINE {
    const auto v = hn::And(code, hn::Set(d, static_cast<T>(low_bits(N::index_bits))));
    if constexpr (sizeof(T) == 4) return hn::TruncateTo(d16, v);
    else if constexpr (sizeof(T) == 1) return hn::PromoteTo(d16, v);
    else return v;
  };
  for (std::size_t i = 0; i < 16; i += hn::Lanes(d)) {
    const auto code = hn::LoadU(d, codes + i);
    if constexpr (N::vectors == 1) {
      hn::StoreU(masked(code), d16, index + i);
    } else {
      static_assert(N::vectors == 2);
      hn::StoreInterleaved2(masked(code), masked(hn::ShiftRight<static_cast<int>(N::index_bits)>(code)), d16,
                            index + 2 * i);
    }
  }
}

// The signs of 16 codes, one bit for each element, element 0 lowest; 8 elements to a byte.
template <class N, class T>
HWY_INLINE void SignBits(const T* codes, std::uint8_t* signs) {
  constexpr int first = static_cast<int>(N::index_bits * N::vectors), bits = static_cast<int>(N::sign_bits);
  const hn::CappedTag<T, std::min<std::size_t>(16, 64 / sizeof(T))> d;
  const hn::Rebind<std::uint8_t, decltype(d)> d8;
  HWY_ALIGN std::uint8_t each[16];
  for (std::size_t i = 0; i < 16; i += hn::Lanes(d)) {
    auto minus =
        hn::And(hn::ShiftRight<first>(hn::LoadU(d, codes + i)), hn::Set(d, static_cast<T>(low_bits(N::sign_bits))));
    if constexpr (N::sign_rule == signs::even) {  // the last sign makes their number even
      auto odd = hn::Xor(minus, hn::ShiftRight<4>(minus));
      odd = hn::Xor(odd, hn::ShiftRight<2>(odd));
      odd = hn::Xor(odd, hn::ShiftRight<1>(odd));
      minus = hn::Or(minus, hn::ShiftLeft<bits>(hn::And(odd, hn::Set(d, 1))));
    }
    hn::StoreU(hn::TruncateTo(d8, minus), d8, each + i);
  }
  if constexpr (elements<N> == 8) {
    std::memcpy(signs, each, 16);
  } else {  // two codes to a byte
    static_assert(elements<N> == 4);
    for (std::size_t i = 0; i < 8; ++i) signs[i] = static_cast<std::uint8_t>(each[2 * i] | each[2 * i + 1] << 4);
  }
}

// bytes[i * elements<N> + j] = 128 + value j of codes[i] / unit, i < count, count at most Most. Codes up to a multiple of 16 are read
// and so many codes' bytes are written. In passes, since a load just behind a store of another width would wait for it.
template <class N, std::size_t Most, class T>
HWY_INLINE void PointBytes(const T* codes, std::size_t count, std::uint8_t* bytes) {
  using word = typename decltype(point_words<N>)::value_type;
  HWY_ALIGN std::uint16_t index[(Most + 16) * N::vectors];
  HWY_ALIGN std::uint8_t minus[(Most + 16) * elements<N> / 8 + 8];  // LoadMaskBits may read 8 bytes
  for (std::size_t i = 0; i < count; i += 16) {
    PointIndices<N>(codes + i, index + i * N::vectors);
    if constexpr (N::sign_rule != signs::none) SignBits<N>(codes + i, minus + i * elements<N> / 8);
  }
  const hn::FixedTag<word, 16 / sizeof(word)> d;
  const hn::FixedTag<std::uint8_t, 16> d8;
  const word* const table = point_words<N>.data();
  for (std::size_t k = 0; k < round_up(count, 16) * N::vectors; k += 16 / sizeof(word)) {
    const std::uint16_t* const at = index + k;
    if constexpr (sizeof(word) == 8)
      hn::StoreU(hn::BitCast(d8, hn::Dup128VecFromValues(d, table[at[0]], table[at[1]])), d8, bytes + 8 * k);
    else
      hn::StoreU(hn::BitCast(d8, hn::Dup128VecFromValues(d, table[at[0]], table[at[1]], table[at[2]], table[at[3]])),
                 d8, bytes + 4 * k);
  }
  if constexpr (N::sign_rule != signs::none) {
    const hn::CappedTag<std::int8_t, 64> di;
    auto* const values = reinterpret_cast<std::int8_t*>(bytes);
    for (std::size_t j = 0; j < round_up(count, 16) * elements<N>; j += hn::Lanes(di)) {
      const auto v = hn::LoadU(di, values + j);
      hn::StoreU(hn::IfThenElse(hn::LoadMaskBits(di, minus + j / 8), hn::Neg(v), v), di, values + j);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
