// Policies of all four kinds, ours and a user's, and codecs composed of them. The lists have 37, 15, 11 and 8 members,
// pairwise coprime, so that codecs 0 ... 554 made of each list's member i % size hold every pair of policies.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "log4.hpp"
#include "quern/catalog/gguf_numbers.hpp"
#include "quern/catalog/iq_points.hpp"
#include "quern/codec/codec.hpp"
#include "quern/number/codebook.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/grid.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
#include "quern/storage/tiled.hpp"

namespace combinations {
using namespace quern;

// ---- numbers of a user ----

inline constexpr auto squares = [] {
  std::array<float, 32> t{};
  for (int i = 0; i < 32; ++i)
    t[static_cast<std::size_t>(i)] = static_cast<float>((i - 15) * (i < 15 ? 15 - i : i - 15));
  return t;
}();
using squares5 = codebook<squares>;  // -225 ... 256: too far apart for a byte
// A cube of 8 bits.
struct cubic8 {
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t code) {
    const float t = (static_cast<float>(code) - 127.5f) / 127.5f;
    return t * t * t;
  }
};
// More codes than are worth a table.
struct wide11 {
  static constexpr unsigned bits = 11;
  static constexpr float value(std::uint32_t code) { return 1.0f / (1.0f + static_cast<float>(code)); }
};
// Infinity and NaN among the values, infinity at code 0.
struct with_infinity {
  static constexpr unsigned bits = 3;
  static constexpr float value(std::uint32_t code) {
    if (code == 0) return std::numeric_limits<float>::infinity();
    if (code == 5) return std::numeric_limits<float>::quiet_NaN();
    return static_cast<float>(code) - 3.5f;
  }
};
inline constexpr std::array<std::uint8_t, 4> pairs{0b0000, 0b0110, 0b1001, 0b1110};
inline constexpr std::array<float, 4> pair_levels{0, 1, 2.5f, 4};
using pairs_with_signs = grid<pairs, pair_levels, 2, signs::each, 2>;  // 4 weights to a code of 8 bits

using numbers =
    type_list<unsigned_integer<1>, unsigned_integer<2>, unsigned_integer<3>, unsigned_integer<4>, unsigned_integer<5>,
              unsigned_integer<6>, unsigned_integer<7>, unsigned_integer<8>, offset_integer<2>, offset_integer<3>,
              offset_integer<4>, offset_integer<5>, with_infinity, offset_integer<8>, integer<2>, integer<3>,
              integer<4>, integer<6>, integer<8>, integer<12>, ternary, binary, progression<4, -3, 5, 8>, e2m1, e2m3,
              e3m2, e4m3, e5m2, ue4m3, f16, gguf::nl, log4, squares5, cubic8, wide11, pairs_with_signs,
              grid<gguf::iq2xxs_points, gguf::iq2_levels, 8, signs::even>>;

// ---- granularities of a user ----

// A scale of half octaves, for seven rows of 24 columns.
struct half_octave {
  static constexpr unsigned bits = 5;
  static constexpr float value(std::uint32_t code) {
    return exp2i(static_cast<int>(code / 2) - 8) * (code % 2 ? 1.4142135f : 1.0f);
  }
};
struct seven_rows {
  static constexpr shape region{7, 24};
  using number = half_octave;
};
struct one_level {
  static constexpr std::size_t size = 1;
  template <std::size_t>
  using level = seven_rows;
};
// Added to the scale, group by group.
struct added : group<96, bf16> {
  static constexpr bool adds = true;
};

using granularities = type_list<levels<group<32, f16>>, levels<group<16, e4m3>, tensor<f32>>, levels<group<128, bf16>>,
                                levels<channel<f32>>, levels<tensor<f32>>, levels<block<128, 128, f32>>,
                                levels<block<4, 64, f16>>, levels<group<48, f16>>, levels<group<80, e8m0>>,
                                levels<group<6, half_octave>>, levels<group<32, unsigned_integer<6>>, group<256, f16>>,
                                levels<group<16, offset_integer<4>>, group<64, bf16>, channel<f32>>,
                                levels<added, group<32, cubic8>, group<256, f32>>, one_level, levels<>>;

// ---- symmetries of a user ----

struct squared {
  using offsets = levels<>;
  static constexpr float weight(float s, float v, float) { return s * v * v; }
};
struct clamped {
  using offsets = levels<group<64, f16>>;
  static constexpr float weight(float s, float v, float o) { return s * v < o ? o : s * v; }
};
struct from_above {  // o - s * v, nothing fused
  using offsets = levels<block<2, 40, e5m2>>;
  static constexpr float weight(float s, float v, float o) { return o - exact(s * v); }
};

using symmetries =
    type_list<symmetric, zero_point<group<32, unsigned_integer<4>>>, zero_point<channel<f16>>,
              zero_point<group<48, unsigned_integer<3>>>, minimum<group<32, unsigned_integer<6>>, group<256, f16>>,
              minimum<group<16, f16>>, bias<group<64, f16>>, bias<tensor<f32>>, squared, clamped, from_above>;

// ---- layouts ----

// Codes in the array `Codes`, each level in an array of its own.
template <class Codes, class G, class S>
consteval auto levels_apart() {
  using O = typename S::offsets;
  return []<std::size_t... I, std::size_t... J>(std::index_sequence<I...>, std::index_sequence<J...>) {
    return separate<level_array<offset<J>, typename O::template level<J>>...,
                    level_array<scale<I>, typename G::template level<I>>..., Codes>{};
  }
  (std::make_index_sequence<G::size>{}, std::make_index_sequence<O::size>{});
}

// Groups of a row in one unit with its codes, other levels apart.
template <class L>
inline constexpr bool in_row = L::region.rows == 1 && L::region.cols != all;
template <class L>
inline constexpr std::size_t whole_columns = in_row<L> ? L::region.cols* codes_to_bytes(L::number::bits) : 1;

template <class G>
inline constexpr std::size_t columns_of_levels = []<std::size_t... I>(std::index_sequence<I...>) {
  std::size_t n = 1;
  ((n = std::lcm(n, whole_columns<typename G::template level<I>>)), ...);
  return n;
}
(std::make_index_sequence<G::size>{});

template <class What, class L>
using field_in_row = std::conditional_t<in_row<L>, sequence<stream<What>>, sequence<>>;
template <class What, class L>
consteval auto array_apart() {
  if constexpr (in_row<L>) return separate<>{};
  else return separate<level_array<What, L>>{};
}
template <class... A, class... B>
consteval auto operator+(separate<A...>, separate<B...>) {
  return separate<A..., B...>{};
}

template <class N, bool Planes>
consteval auto fields_of_codes() {
  if constexpr (Planes) return planes_of<codes, 8, N::bits>(sequence<>{});
  else return sequence<stream<codes>>{};
}
template <class N, class G, class S, bool Planes>
consteval auto levels_within() {
  using O = typename S::offsets;
  constexpr std::size_t least = Planes ? 64 : codes_to_bytes(N::bits) * elements<N>;
  using extent = unit<1, std::lcm(std::lcm(columns_of_levels<G>, columns_of_levels<O>), least)>;
  using code_fields = decltype(fields_of_codes < N, Planes && elements<N> == 1 > ());
  return []<std::size_t... I, std::size_t... J>(std::index_sequence<I...>, std::index_sequence<J...>) {
    return (separate<array<extent, by_rows, field_in_row<scale<I>, typename G::template level<I>>..., code_fields,
                           field_in_row<offset<J>, typename O::template level<J>>...>>{} +
            ... + (array_apart<scale<I>, typename G::template level<I>>())) +
           (separate<>{} + ... + (array_apart<offset<J>, typename O::template level<J>>()));
  }
  (std::make_index_sequence<G::size>{}, std::make_index_sequence<O::size>{});
}

// A user's order, field and arrangement: eight codes from right to left, the last code in the lowest bits, the last row
// of the matrix first.
struct backwards {
  static constexpr coord at(std::size_t p, shape grid) { return {0, grid.cols - 1 - p}; }
  static constexpr std::size_t position(coord c, shape grid) { return grid.cols - 1 - c.col; }
};
template <class What>
struct from_the_end {
  static constexpr part what = What::id;
  static constexpr slice holds(run r) { return {0, r.count, 0, r.bits}; }
  static constexpr place at(std::size_t i, run r) { return {(r.count - 1 - i) * r.bits}; }
  static constexpr std::size_t bytes(run r) { return ceil_div(r.count * r.bits, 8); }
};
struct from_below {
  static constexpr std::size_t byte(coord u, shape units, std::size_t b, std::size_t size) {
    return ((units.rows - 1 - u.row) * units.cols + u.col) * size + b;
  }
};

template <class N, std::size_t Which>
consteval auto array_of_codes() {
  constexpr std::size_t few = codes_to_bytes(N::bits) * elements<N>, eight = 8 * elements<N>;
  if constexpr (Which == 4) return array<unit<1, few>, by_columns, stream<codes>>{};
  else if constexpr (Which == 5) return array<unit<1, 32 * elements<N>>, word_rows<4>, stream<codes>>{};
  else if constexpr (Which == 6)
    return array<unit<1, eight>, by_rows, ordered<permuted<0, 2, 4, 6, 1, 3, 5, 7>, stream<codes>>>{};
  else return array<unit<1, eight>, from_below, ordered<backwards, from_the_end<codes>>>{};
}

inline constexpr std::size_t layouts = 8;

// Tiles are refused where groups do not fit into them; a block of planes stands in.
template <class C>
inline constexpr bool has_tiles = tiles_fit_regions<typename C::described>();

template <class N, class G, class S, std::size_t Which>
consteval auto composed() {
  using plain = codec<N, G, S>;
  if constexpr (Which == 0) return plain{};
  else if constexpr (Which == 1 && has_tiles<plain>) return tiled<plain>{};
  else if constexpr (Which <= 2) return codec<N, G, S, decltype(levels_within<N, G, S, true>())>{};
  else if constexpr (Which == 3) return codec<N, G, S, decltype(levels_within<N, G, S, false>())>{};
  else return codec<N, G, S, decltype(levels_apart<decltype(array_of_codes<N, Which>()), G, S>())>{};
}

// ---- codecs ----

template <std::size_t I, class... Ts>
auto pick(type_list<Ts...>) -> std::type_identity<typename nth<I % sizeof...(Ts), Ts...>::type>;
template <std::size_t I, class List>
using member = typename decltype(pick<I>(List{}))::type;

inline constexpr std::size_t codecs = 560, parts_of_codecs = 8;  // compiled in so many files

// Codec i.
template <std::size_t I>
using codec_at = typename decltype(composed<member<I, numbers>, member<I, granularities>, member<I, symmetries>,
                                            I % layouts>())::base;

static_assert(
    [] {
      constexpr std::size_t sizes[] = {numbers::size, granularities::size, symmetries::size, layouts};
      for (std::size_t a = 0; a < 4; ++a)
        for (std::size_t b = 0; b < a; ++b)
          if (std::gcd(sizes[a], sizes[b]) != 1 || sizes[a] * sizes[b] > codecs) return false;
      return true;
    }(),
    "every pair of policies occurs");

}  // namespace combinations
