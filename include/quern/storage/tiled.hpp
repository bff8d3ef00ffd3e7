// The kernels' layout of any codec: tiles of 16 rows, columns in fours, planes of 64 bytes. The byte order is the same on
// every machine, so a tiled matrix may be written to a file; tile_version tells readers which form it has.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>
#include <numeric>

#include "quern/codec/codec.hpp"
#include "quern/codec/name.hpp"
#include "quern/layout/plane.hpp"
#include "quern/layout/stream.hpp"
#include "quern/layout/strided.hpp"

namespace quern::inline v0 {

inline constexpr int tile_version = 1;
inline constexpr std::size_t tile_rows = 16;         // a panel: the lanes of one vector of 32-bit sums, or of several
inline constexpr std::size_t quad_cols = 4;          // 16 rows x 4 columns of bytes: 64 bytes, one quad
inline constexpr std::size_t step_cols = 32;         // eight quads, whose planes lie together
inline constexpr std::size_t most_tile_cols = 1024;  // groups that would need more have their scales elsewhere

// The narrowest plane of a number of so many bits: 6 bits are planes of 4 and 2.
constexpr unsigned narrowest_plane(unsigned bits) { return bits % 8 == 0 ? 8 : 1u << std::countr_zero(bits); }

// Whether a part lies in the tile: the codes, and what has one code for each `cols` columns of every row, few enough columns.
constexpr bool in_tile(const part_facts& p) {
  if (p.what.is == role::codes) return true;
  return p.region.rows == 1 && p.region.cols != all &&
         std::lcm(p.region.cols * (8 / narrowest_plane(p.bits)), step_cols) <= most_tile_cols;
}

// Bytes of the scales and offsets in a tile of so many columns.
template <class C>
constexpr std::size_t tile_scale_bytes(std::size_t cols) {
  std::size_t bytes = 0;
  for (const part_facts& p : parts<C>)
    if (p.what.is != role::codes && in_tile(p)) bytes += tile_rows * (cols / p.region.cols) * p.bits / 8;
  return bytes;
}

// Columns of a tile: whole groups of every part in it, planes without holes, and as few columns as make the scales a
// whole number of cache lines, if at most 256 columns do.
template <class C>
inline constexpr std::size_t tile_cols = [] {
  std::size_t cols = step_cols;
  for (const part_facts& p : parts<C>) {
    const std::size_t whole = p.what.is == role::codes ? p.region.cols : p.region.cols * (8 / narrowest_plane(p.bits));
    if (in_tile(p)) cols = std::lcm(cols, whole);
    else if (p.region.cols != all && std::lcm(cols, p.region.cols) <= most_tile_cols)
      cols = std::lcm(cols, p.region.cols);  // a region of many rows: tiles hold its columns whole
  }
  std::size_t n = cols;
  while (n * 2 <= 256 && tile_scale_bytes<C>(cols) != 0 && tile_scale_bytes<C>(n) % 64 != 0) n *= 2;
  return tile_scale_bytes<C>(n) % 64 == 0 ? n : cols;
}();

// All bits of the codes as planes of Stride bytes, low planes first. Whole bytes stay together.
template <class What, std::size_t Stride, unsigned Bits, unsigned Shift = 0, class... Planes>
constexpr auto planes_of(sequence<Planes...>) {
  if constexpr (Bits == 0) {
    return sequence<Planes...>{};
  } else {
    constexpr unsigned width = Bits >= 8 ? 8 : std::bit_floor(Bits);
    return planes_of<What, Stride, Bits - width, Shift + width>(
        sequence<Planes..., plane<What, width, Stride, Shift>>{});
  }
}

template <role Is, std::uint8_t Level>
using part_tag =
    std::conditional_t<Is == role::codes, codes, std::conditional_t<Is == role::scale, scale<Level>, offset<Level>>>;

template <std::size_t Bytes>
struct padding_of {
  using type = sequence<shared<Bytes, strided<nothing, 8, 0, 0, axis<Bytes, 8>>>>;
};
template <>
struct padding_of<0> {
  using type = sequence<>;
};

// Codes of 1 to 8 bits: quads of 16 rows x 4 columns, planes of 64 bytes, together every 32 columns. Wider codes and
// those of vector formats: 16 rows of one column after the other.
template <class C>
consteval auto tile_codes() {
  constexpr unsigned bits = C::number::bits;
  if constexpr (parts<C>[0].region.cols == 1 && bits <= 8)
    return []<class... P>(sequence<P...>) {
      return ordered<interleaved<quad_cols>, repeat<tile_rows * step_cols, P...>>{};
    }(planes_of<codes, 64, bits>(sequence<>{}));
  else return ordered<interleaved<1>, stream<codes>>{};
}

// A scale or offset in the tile: the 16 rows of one group after the other, in planes of 16 bytes if a code is no whole
// bytes.
template <class C, std::size_t K>
consteval auto tile_field() {
  constexpr part_facts p = parts<C>[K];
  using what = part_tag<p.what.is, p.what.level>;
  if constexpr (p.bits % 8 == 0) return ordered<interleaved<1>, stream<what>>{};
  else
    return []<class... P>(sequence<P...>) {
      return ordered<interleaved<1>, P...>{};
    }(planes_of<what, tile_rows, p.bits>(sequence<>{}));
}

// One outside: an array of its own, of panels of 16 rows where every row has its own code.
template <class C, std::size_t K>
consteval auto outside_array() {
  constexpr part_facts p = parts<C>[K];
  using what = part_tag<p.what.is, p.what.level>;
  if constexpr (p.region.rows == 1)
    return array<unit<tile_rows, p.region.cols>, by_rows, ordered<interleaved<1>, stream<what>>>{};
  else if constexpr (p.region.cols == all) return array<unit<p.region.rows, all>, by_rows, stream<what>>{};
  else return array<unit<p.region.rows, p.region.cols * codes_to_bytes(p.bits)>, by_rows, stream<what>>{};
}

// Parts from the last to the first scale, so that coarse levels come first; then padding to a cache line, then the codes.
template <class C, std::size_t K, class Inside, class Outside>
struct tile_arrays;
template <class C, std::size_t K, class... F, class... A>
struct tile_arrays<C, K, sequence<F...>, separate<A...>> {
  static consteval auto layout() {
    if constexpr (K == 0) {
      using pad = typename padding_of<(64 - tile_scale_bytes<C>(tile_cols<C>) % 64) % 64>::type;
      return separate<array<unit<tile_rows, tile_cols<C>>, by_rows, F..., pad, decltype(tile_codes<C>())>, A...>{};
    } else if constexpr (in_tile(parts<C>[K])) {
      return tile_arrays<C, K - 1, sequence<F..., decltype(tile_field<C, K>())>, separate<A...>>::layout();
    } else {
      return tile_arrays<C, K - 1, sequence<F...>, separate<A..., decltype(outside_array<C, K>())>>::layout();
    }
  }
};

// Whether no tile lies in two regions of a part.
template <class C>
consteval bool tiles_fit_regions() {
  for (const part_facts& p : parts<C>)
    if (const std::size_t n = p.region.cols; n != all && n % tile_cols<C> != 0 && tile_cols<C> % n != 0) return false;
  return true;
}

template <class C>
using tiled_layout = decltype(tile_arrays<C, part_count<C> - 1, sequence<>, separate<>>::layout());

// A preset's fit, where it has one.
template <class C>
struct fit_like {};
template <class C>
requires requires { typename C::fit; }
struct fit_like<C> {
  using fit = typename C::fit;
};

// C in tiles: the same numbers, moved there by transcode. A preset's fit comes along.
template <any_codec C>
struct tiled
    : codec<typename C::number, typename C::granularity, typename C::symmetry, tiled_layout<typename C::described>>,
      fit_like<C> {
  using source = C;
  static_assert(
      tiles_fit_regions<typename C::described>(),
      "tiled: a group of columns must fit into a tile of at most 1024 columns, or be a multiple of 32 columns");
};

// Whether C is a codec in tiles.
template <class C>
inline constexpr bool is_tiled = std::same_as<typename C::layout, tiled_layout<typename C::described>>;

// "tiled<gguf.q4_0>"
template <class C>
struct text_of<tiled<C>> {
  static constexpr void to(text_sink& out) { put_template(out, "tiled", as_type<C>); }
};

}  // namespace quern::inline v0
