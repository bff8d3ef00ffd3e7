// Scales and offsets of a panel of 16 rows as vectors, lanes being rows: any levels, stored in the tile or outside.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_LEVELS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_LEVELS_INL_HPP_
#undef QUERN_SIMD_LEVELS_INL_HPP_
#else
#define QUERN_SIMD_LEVELS_INL_HPP_
#endif

#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/storage/locate.hpp"
#include "quern/storage/product.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

inline constexpr int kParts = static_cast<int>(tile_rows) / kLanes;  // vectors that hold a panel's rows

// Lanes of little-endian codes of 8, 16 or 32 bits.
template <unsigned Bits>
HWY_INLINE V32 LoadCodes(const std::uint8_t* p) {
  static_assert(Bits == 8 || Bits == 16 || Bits == 32);
  if constexpr (Bits == 8) {
    return hn::PromoteTo(D32(), hn::LoadU(hn::Rebind<std::uint8_t, DF>(), p));
  } else if constexpr (HWY_IS_BIG_ENDIAN) {
    std::int32_t lanes[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      std::uint32_t v = 0;
      for (unsigned b = 0; b < Bits / 8; ++b) v |= std::uint32_t{p[i * (Bits / 8) + b]} << 8 * b;
      lanes[i] = static_cast<std::int32_t>(v);
    }
    return hn::LoadU(D32(), lanes);
  } else if constexpr (Bits == 16) {
    return hn::PromoteTo(D32(), hn::LoadU(hn::Rebind<std::uint16_t, DF>(), reinterpret_cast<const std::uint16_t*>(p)));
  } else {
    return hn::LoadU(D32(), reinterpret_cast<const std::int32_t*>(p));
  }
}

// Bits [Low, Bits) of the codes of group g of Groups, from planes of 16 bytes, the widest first.
template <unsigned Bits, std::size_t Groups, unsigned Low = 0>
HWY_INLINE V32 PlaneCodes(const std::uint8_t* p, std::size_t g) {
  constexpr unsigned width = std::bit_floor(Bits - Low), per_byte = 8 / width;
  const V32 byte = LoadCodes<8>(p + g / per_byte * tile_rows);
  const V32 field = hn::And(hn::ShiftRightSame(byte, static_cast<int>(g % per_byte * width)),
                            hn::Set(D32(), static_cast<std::int32_t>(low_bits(width))));
  const V32 code = hn::ShiftLeft<static_cast<int>(Low)>(field);
  if constexpr (Low + width == Bits) return code;
  else return hn::Or(code, PlaneCodes<Bits, Groups, Low + width>(p + Groups / per_byte * tile_rows, g));
}

// The codes of part K for group g of a tile, rows r * kLanes and on.
template <class C, std::size_t K>
HWY_INLINE V32 TileCodes(const std::uint8_t* tile, std::size_t g, int r) {
  constexpr unsigned bits = parts<C>[K].bits;
  const std::uint8_t* const p = tile + tile_facts<C>::at[K];
  if constexpr (bits % 8 == 0) {
    return LoadCodes<bits>(p + (g * tile_rows + static_cast<std::size_t>(r * kLanes)) * (bits / 8));
  } else {
    return PlaneCodes<bits, tile_cols<typename C::described> / parts<C>[K].region.cols>(p + r * kLanes, g);
  }
}

// Where a kernel stands: a panel of 16 rows, and a tile of it.
template <class C>
struct panel_place {
  const packed_view<C>* w;
  std::size_t row;    // of the matrix, the panel's first
  std::size_t index;  // of the tile in the panel
  const std::uint8_t* tile;
};

// The numbers of part K for the segment that begins at column `col` of the tile.
template <class C, std::size_t K>
HWY_INLINE VF PartVector(const panel_place<C>& at, std::size_t col, int r) {
  using N = part_number<C, K>;
  constexpr shape region = parts<C>[K].region;
  if constexpr (array_with<C, K> == 0) {
    return Values<N>(TileCodes<C, K>(at.tile, col / region.cols, r));
  } else if constexpr (region.rows == 1 && N::bits % 8 == 0) {  // an array of panels
    constexpr std::size_t array = array_with<C, K>;
    const std::size_t units = region.cols == all ? 1 : ceil_div(at.w->matrix().cols, region.cols);
    const std::size_t u = region.cols == all ? 0 : (at.index * tile_cols<typename C::described> + col) / region.cols;
    const auto* p = reinterpret_cast<const std::uint8_t*>(at.w->array(array).data());
    const std::size_t first = (at.row / tile_rows * units + u) * tile_rows + static_cast<std::size_t>(r * kLanes);
    return Values<N>(LoadCodes<N::bits>(p + first * (N::bits / 8)));
  } else {
    const std::size_t c = at.index * tile_cols<typename C::described> + col;
    const shape matrix = at.w->matrix();
    const std::size_t first = at.row + static_cast<std::size_t>(r * kLanes);
    constexpr bool one = region.rows == all || region.rows % tile_rows == 0;
    if constexpr (one) {
      return hn::Set(DF(), N::value(code_at<K>(*at.w, coord{first < matrix.rows ? first : at.row,
                                                            c < matrix.cols ? c : matrix.cols - 1})));
    } else {
      float lanes[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        const std::size_t row = first + static_cast<std::size_t>(i);
        lanes[i] =
            row < matrix.rows ? N::value(code_at<K>(*at.w, coord{row, c < matrix.cols ? c : matrix.cols - 1})) : 0.0f;
      }
      return hn::LoadU(DF(), lanes);
    }
  }
}

// Whether a level is the same for all columns of a tile.
template <class C, class G, std::size_t I>
inline constexpr bool level_is_coarse = [] {
  constexpr std::size_t cols = G::template level<I>::region.cols;
  return cols == all || cols >= tile_cols<typename C::described>;
}();
// How many levels, from the finest, must be looked at for every segment.
template <class C, class G>
inline constexpr std::size_t fine_levels = [] {
  std::size_t n = 0;
  [&]<std::size_t... I>(std::index_sequence<I...>) { ((n = level_is_coarse<C, G, I> ? n : I + 1), ...); }
  (std::make_index_sequence<G::size>{});
  return n;
}();

// Levels [First, End) of granularity G, whose level 0 is part Base, joined to `total` from the coarsest; `total` is not
// read where End is G's size.
template <class C, class G, std::size_t Base, std::size_t First, std::size_t End>
HWY_INLINE VF JoinLevels(const panel_place<C>& at, std::size_t col, int r, VF total) {
  Unroll<static_cast<int>(End - First)>([&](auto step) QUERN_INLINE {
    constexpr std::size_t i = End - 1 - static_cast<std::size_t>(step);
    const VF v = PartVector<C, Base + i>(at, col, r);
    if constexpr (i + 1 == G::size) total = v;
    else if constexpr (adding_level<typename G::template level<i>>) total = hn::Add(total, v);
    else total = hn::Mul(total, v);
  });
  return total;
}

// The part of the scale (Base 1) or offset that is the same for the tile, and the whole of it for a segment.
template <class C, class G, std::size_t Base>
HWY_INLINE VF CoarseLevels(const panel_place<C>& at, int r) {
  if constexpr (G::size == 0) return hn::Set(DF(), 1.0f);
  else return JoinLevels<C, G, Base, fine_levels<C, G>, G::size>(at, 0, r, hn::Zero(DF()));
}
template <class C, class G, std::size_t Base>
HWY_INLINE VF AllLevels(const panel_place<C>& at, std::size_t col, int r, VF coarse) {
  return JoinLevels<C, G, Base, 0, fine_levels<C, G>>(at, col, r, coarse);
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
