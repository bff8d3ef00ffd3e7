// Scales and offsets along a row: the levels of a granularity, looked up and joined, one number for each granule of weights.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_SCALES_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_SCALES_INL_HPP_
#undef QUERN_SIMD_SCALES_INL_HPP_
#else
#define QUERN_SIMD_SCALES_INL_HPP_
#endif

#include <algorithm>

#include "quern/simd/code_reader-inl.hpp"
#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// ---- the codes of all parts of a chunk ----

// Rows that are read together: those that share bytes which must first be brought together.
template <class C>
inline constexpr std::size_t kPanel = [] {
  std::size_t rows = 1;
  each_part<C>([&]<std::size_t K>() {
    if constexpr (parts<C>[K].region.cols != all) rows = std::max(rows, code_reader<C, K, 1, 1>::panel);
  });
  return rows <= 64 ? rows : std::size_t{1};
}();

// A part that is the same for a whole row is not read here but kept in row_constants.
template <class C, std::size_t K, std::size_t Chunk, bool Varies = parts<C>[K].region.cols != all>
struct part_codes {
  code_reader<C, K, ceil_div(Chunk, parts<C>[K].region.cols) + 1, kPanel<C>> reader;
};
template <class C, std::size_t K, std::size_t Chunk>
struct part_codes<C, K, Chunk, false> {};

template <class C, std::size_t Chunk, class = std::make_index_sequence<part_count<C>>>
struct chunk_codes;
template <class C, std::size_t Chunk, std::size_t... K>
struct chunk_codes<C, Chunk, std::index_sequence<K...>> : part_codes<C, K, Chunk>... {
  template <std::size_t I>
  HWY_INLINE auto& Part() { return static_cast<part_codes<C, I, Chunk>&>(*this).reader; }
  template <std::size_t I>
  HWY_INLINE const auto& Part() const { return static_cast<const part_codes<C, I, Chunk>&>(*this).reader; }

  // Columns [col, col + n) of so many rows, at most kPanel<C>; n is at most Chunk.
  HWY_INLINE void Start(const packed_view<C>& w, std::size_t row, std::size_t rows, std::size_t col, std::size_t n) {
    Unroll<static_cast<int>(part_count<C>)>([&](auto k) QUERN_INLINE {
      constexpr std::size_t cols = parts<C>[k].region.cols;
      if constexpr (cols != all) Part<k>().Start(w, row, rows, col / cols, (col + n - 1) / cols - col / cols + 1);
    });
  }
  // The codes of weights last, so that their unpacking hides the wait for what was stored just before.
  HWY_INLINE void Read(const packed_view<C>& w, std::size_t row) {
    Unroll<static_cast<int>(part_count<C>)>([&](auto step) QUERN_INLINE {
      constexpr std::size_t k = part_count<C> - 1 - static_cast<std::size_t>(step);
      if constexpr (parts<C>[k].region.cols != all) Part<k>().Read(w, row);
    });
  }
};

// ---- levels ----

// to[i] = from[(i + skip) / each], i < count; up to 15 more may be written.
HWY_INLINE void Spread(const float* from, std::size_t each, std::size_t skip, std::size_t count, float* to) {
  const DF df;
  for (std::size_t i = 0; i < count; ++from) {
    const std::size_t end = std::min(count, i + each - skip);
    const VF v = hn::Set(df, *from);
    for (std::size_t j = i; j < end; j += hn::Lanes(df)) hn::StoreU(v, df, to + j);
    i = end, skip = 0;
  }
}

// Lane j = from[(i + j) / Each], where i is a multiple of the lanes, and lanes divide Each or Each divides the lanes.
template <std::size_t Each>
HWY_INLINE VF SpreadVector(const float* from, std::size_t i) {
  const DF df;
  VF v = hn::Set(df, from[i / Each]);
  if constexpr (Each < kLanes) {
    const auto lane = hn::Iota(df, 0.0f);
    for (std::size_t j = Each; j < hn::Lanes(df); j += Each)
      v = hn::IfThenElse(hn::Ge(lane, hn::Set(df, static_cast<float>(j))), hn::Set(df, from[i / Each + j / Each]), v);
  }
  return v;
}

template <bool Adds>
HWY_INLINE VF JoinLevel(VF total, VF level) {
  if constexpr (Adds) return hn::Add(Exact(total), level);  // the total may be a product
  else return hn::Mul(total, level);
}

// One number for each `granule` weights: what divides all groups of a granularity and `Chunk`; 0: one for the row.
template <class G, std::size_t Chunk>
inline constexpr std::size_t granule = [] {
  std::size_t n = 0;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((n = G::template level<I>::region.cols == all ? n : std::gcd(n, G::template level<I>::region.cols)), ...);
  }(std::make_index_sequence<G::size>{});
  return n == 0 ? n : std::gcd(n, Chunk);
}();

// Whether numbers of a level are looked up where they are joined; else first, into memory.
template <class N>
inline constexpr bool kLookUpInPlace = !kLookUpFirst<N> && !kByPlanes<N> && recipe_of<N> != recipe::byte_table;

// join(numbers_of), where numbers_of(p) are the numbers of level I of granularity G, which is part K, for pieces p to
// p + lanes; `col` and `pieces` as in JoinLevels.
template <class C, class G, std::size_t I, std::size_t K, std::size_t Chunk, class Join>
HWY_INLINE void WithLevel(chunk_codes<C, Chunk>& chunk, const row_constants<C>& constants, std::size_t col,
                          std::size_t pieces, Join join) {
  const DF df;
  constexpr std::size_t cols = G::template level<I>::region.cols, each = granule<G, Chunk>;
  if constexpr (cols == all) {
    const VF v = hn::Set(df, constants.template value<K>());
    join([&](std::size_t) QUERN_INLINE { return v; });
  } else {
    using N = part_number<C, K>;
    const auto& part = chunk.template Part<K>();
    constexpr std::size_t span = whole_parts(cols, each);  // numbers for one of this level
    if constexpr (span == 1 && kLookUpInPlace<N>) {
      const auto* const codes = reinterpret_cast<const std::uint8_t*>(part.codes);
      using T = code_t<N::bits>;
      join([&](std::size_t p) QUERN_INLINE { return Values<N>(PromoteCodes<T>(codes + p * sizeof(T))); });
    } else {
      HWY_ALIGN float level[ceil_div(Chunk, cols) + 65];
      ExpandValues<N>(part.codes, part.count, level);
      if constexpr (span == 1) {
        join([&](std::size_t p) QUERN_INLINE { return hn::LoadU(df, level + p); });
      } else if constexpr (cols % Chunk == 0) {  // the same for the whole chunk
        const VF v = hn::Set(df, level[0]);
        join([&](std::size_t) QUERN_INLINE { return v; });
      } else if constexpr (Chunk % cols == 0 && (span % 16 == 0 || 16 % span == 0)) {
        join([&](std::size_t p) QUERN_INLINE { return SpreadVector<span>(level, p); });
      } else {
        HWY_ALIGN float spread[whole_parts(Chunk, each) + 64];
        Spread(level, span, col % cols / each, pieces, spread);
        join([&](std::size_t p) QUERN_INLINE { return hn::LoadU(df, spread + p); });
      }
    }
  }
}

// out[i] = the joined levels [0, Levels) of granularity G, the first of which is part Base, for weights
// [col + i * granule, ...) of a row, and total_of, the coarser ones joined; col is a multiple of Chunk. 64 numbers more than
// pieces may be written.
template <class C, class G, std::size_t Base, std::size_t Chunk, std::size_t Levels, class Total>
HWY_INLINE void JoinLevels(chunk_codes<C, Chunk>& chunk, const row_constants<C>& constants, std::size_t col,
                           std::size_t pieces, Total total_of, float* HWY_RESTRICT out) {
  const DF df;
  if constexpr (Levels == 0) {
    for (std::size_t p = 0; p < pieces; p += hn::Lanes(df)) hn::StoreU(total_of(p), df, out + p);
  } else {
    constexpr std::size_t i = Levels - 1;
    WithLevel<C, G, i, Base + i, Chunk>(chunk, constants, col, pieces, [&](auto level_of) QUERN_INLINE {
      const auto joined_of = [&](std::size_t p) QUERN_INLINE {
        if constexpr (Levels == G::size) return level_of(p);
        else return JoinLevel<adding_level<typename G::template level<i>>>(total_of(p), level_of(p));
      };
      JoinLevels<C, G, Base, Chunk, i>(chunk, constants, col, pieces, joined_of, out);
    });
  }
}

// The whole scales (Base 1) or offsets of weights [col, col + n), n at most Chunk; without levels, out[0] = none.
template <class C, class G, std::size_t Base, std::size_t Chunk>
HWY_INLINE void JoinAllLevels(chunk_codes<C, Chunk>& chunk, const row_constants<C>& constants, std::size_t col,
                              std::size_t n, float none, float* HWY_RESTRICT out) {
  constexpr std::size_t each = granule<G, Chunk>;
  const std::size_t pieces = each == 0 ? 1 : ceil_div(n, each);
  if constexpr (G::size == 0) {
    out[0] = none;
  } else if constexpr (G::size == 1 && each != 0 && G::template level<0>::region.cols == each) {
    const auto& part = chunk.template Part<Base>();  // as many values as pieces: some formats have several at once
    ExpandValues<part_number<C, Base>>(part.codes, part.count, out);
  } else {
    JoinLevels<C, G, Base, Chunk, G::size>(chunk, constants, col, pieces, nullptr, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
