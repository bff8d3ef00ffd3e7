// A codec: four policies composed, and checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>
#include <numeric>

#include "quern/codec/check.hpp"
#include "quern/codec/parts.hpp"
#include "quern/layout/stream.hpp"
#include "quern/number/grid.hpp"
#include "quern/symmetry/symmetries.hpp"

namespace quern::inline v0 {

// ---- the layout of a codec that names none: every part in an array of its own, row-major, low bits first ----

// The fewest codes that fill whole bytes.
constexpr std::size_t codes_to_bytes(unsigned bits) { return 8 / std::gcd(8u, bits); }

template <class What, std::size_t Rows, std::size_t Cols, unsigned Bits>
using plain_array = array<unit<Rows, Cols * codes_to_bytes(Bits)>, by_rows, stream<What>>;  // Cols `all` stays `all`

template <class What, class Level>
using level_array = plain_array<What, Level::region.rows, Level::region.cols, Level::number::bits>;

template <class N, class G, class S>
consteval auto separate_layout() {
  using O = typename S::offsets;
  return []<std::size_t... I, std::size_t... J>(std::index_sequence<I...>, std::index_sequence<J...>) {
    return separate<plain_array<codes, 1, elements<N>, N::bits>,
                    level_array<scale<I>, typename G::template level<I>>...,
                    level_array<offset<J>, typename O::template level<J>>...>{};
  }
  (std::make_index_sequence<G::size>{}, std::make_index_sequence<O::size>{});
}

struct default_layout {};

template <class N, class G, class S, class L>
consteval auto chosen_layout() {
  if constexpr (!std::same_as<L, default_layout>) return L{};
  else if constexpr (number_format<N> && granularity<G> && symmetry<S>) return separate_layout<N, G, S>();
  else return separate<>{};
}

// ---- the codec ----

// Number x granularity x symmetry x layout. From the type alone follow sizes (storage/sizes.hpp), the scalar meaning
// (reference/), text (codec/describe.hpp) and kernels (kernels.hpp). A preset is a struct derived from a codec that adds
// a name, the owner's fit and the owner's number of the format.
template <class Number, class Granularity, class Symmetry = symmetric, class Layout = default_layout>
struct codec
    : policies<Number, Granularity, Symmetry, decltype(chosen_layout<Number, Granularity, Symmetry, Layout>())> {
  using described =
      policies<Number, Granularity, Symmetry, decltype(chosen_layout<Number, Granularity, Symmetry, Layout>())>;
  // What kernels are instantiated on: the same type for every preset of this description.
  using base = codec;

  static_assert(number_format<Number>,
                "codec: the first policy must be a number format: `bits` from 1 to 32, and `static constexpr float "
                "value(std::uint32_t code)`");
  static_assert(
      granularity<Granularity>,
      "codec: the second policy must be a granularity: levels<...> of regions with a scalar number each, finest first");
  static_assert(symmetry<Symmetry>,
                "codec: the third policy must be a symmetry: symmetric, zero_point<...>, minimum<...>, bias<...> or "
                "one with `offsets` and `weight(s, v, o)`");
  static_assert(layout<typename described::layout>,
                "codec: the fourth policy must be a layout: blocked<...> or separate<array<unit<R, C>, arrangement, "
                "fields...>...>");

  static_assert(!number_format<Number> || constexpr_values<Number>,
                "codec: the values of the number format must be constants; declare `static constexpr float "
                "value(std::uint32_t code)`");

  static constexpr bool composed =
      number_format<Number> && granularity<Granularity> && symmetry<Symmetry> && layout<typename described::layout>;
  static constexpr fault bad = [] {
    if constexpr (composed) return fault_of<described>();
    else return fault::none;
  }();
  // Weights and bytes of a unit of the first array: the block of a codec of one array (GGUF's).
  static constexpr std::size_t block_elements = array_of<described, 0>::unit.count();
  static constexpr std::size_t block_bytes = unit_bytes<described, 0>(sample);

  // Checked where the codec is first used, so that a declaration costs nothing until then.
  static consteval bool checked() {
    static_assert(
        bad != fault::unknown_part,
        "layout: a field stores a part (a level of scale or offset) that the granularity or symmetry does not have");
    static_assert(bad != fault::too_many_codes,
                  "layout: a field holds more codes than the unit has; check its counts and the extents of the unit");
    static_assert(bad != fault::outside,
                  "layout: a field reaches outside its unit; enlarge the unit or the shared bytes");
    static_assert(bad != fault::stored_twice,
                  "layout: two fields store the same bits of a code; check their shifts and widths");
    static_assert(bad != fault::shared_bit,
                  "layout: two codes lie in the same bit; check strides, origins and the order of fields");
    static_assert(
        bad != fault::not_stored,
        "layout: some bits of a code are stored nowhere; the fields' widths must add up to the number's bits");
    static_assert(
        bad != fault::unused_bit,
        "layout: some bits of the unit hold nothing; if that is meant, say so with a field of part `nothing`");
    static_assert(bad != fault::order,
                  "layout: an order does not map the positions of a unit one to one onto its grid of codes");
    static_assert(
        bad != fault::region,
        "layout: a unit must hold whole regions of every part in it; make it a multiple of the group, or store "
        "the part in an array of its own");
    static_assert(
        bad != fault::none ||
            [] {
              if constexpr (composed) return every_part_has_one_array<described>();
              else return true;
            }(),
        "layout: every part must be stored in exactly one array");
    static_assert(
        [] {
          if constexpr (composed) return levels_nest<Granularity>() && levels_nest<typename Symmetry::offsets>();
          else return true;
        }(),
        "granularity: levels must be listed finest first, and every region must lie inside one of the next level");
    return true;
  }
};

// Satisfied by codec<...> and by presets derived from it.
template <class C>
concept any_codec = requires {
  typename C::base;
  typename C::described;
  requires C::checked();
};

// What can be encoded: all but vectors of one's own that have no points and more than 2^20 codes.
template <class C>
concept encodable_codec =
    any_codec<C> && (scalar_format<typename C::number> || searchable_format<typename C::number>);

// All of a matrix in one array (GGUF's types): a span of bytes is a row.
template <class C>
concept one_array_codec = any_codec<C> && C::layout::arrays == 1;

// Two codecs that differ in layout alone hold the same numbers.
template <class A, class B>
concept same_numbers = std::same_as<typename A::number, typename B::number> &&
    std::same_as<typename A::granularity, typename B::granularity> &&
    std::same_as<typename A::symmetry, typename B::symmetry>;

}  // namespace quern::inline v0
