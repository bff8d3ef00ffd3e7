// Combinations that make no sense, and how a program can tell before the compiler says so.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "combinations/policies.hpp"
#include "quern/storage/product.hpp"

namespace {
using namespace combinations;

template <class A, class B>
concept multiplies = requires {
  quern::levels<A, B>::size;
}
&&levels_nest<quern::levels<A, B>>();

// Levels nest, the finest first, unless they are added.
static_assert(multiplies<group<16, f16>, group<32, f16>> && multiplies<group<16, f16>, tensor<f16>>);
static_assert(!multiplies<group<32, f16>, group<16, f16>> && !multiplies<group<16, f16>, group<24, f16>>);
static_assert(!multiplies<tensor<f16>, group<32, f16>> && multiplies<plus<tensor<f16>>, group<32, f16>>);
static_assert(!multiplies<block<2, 32, f16>, group<32, f16>>);

// A unit holds whole regions.
template <class L>
using four_bits = policies<unsigned_integer<4>, levels<group<32, f16>>, symmetric, L>;
static_assert(fault_of<four_bits<blocked<64, stream<scale<>>, stream<codes>>>>() == fault::none);
static_assert(fault_of<four_bits<blocked<48, stream<scale<>>, stream<codes>>>>() == fault::region);
static_assert(fault_of<four_bits<blocked<32, stream<scale<>>, plane<codes, 2, 16>>>>() == fault::not_stored);
static_assert(fault_of<four_bits<blocked<32, stream<scale<>>, stream<offset<>>, stream<codes>>>>() ==
              fault::unknown_part);
static_assert(!every_part_has_one_array<four_bits<blocked<32, stream<codes>>>>());

// A tile has at most 1024 columns, or lies in one group.
template <class... Ls>
using in_groups = codec<unsigned_integer<4>, levels<Ls...>>;
static_assert(!has_tiles<in_groups<group<1000, f16>>>);
static_assert(has_tiles<in_groups<group<48, f16>>> && has_tiles<in_groups<group<2048, f16>>> &&
              has_tiles<in_groups<channel<f16>>>);
static_assert(!has_tiles<codec<unsigned_integer<4>, levels<group<256, f16>>, bias<block<2, 40, f16>>>>);

// int8 activations need small integers.
template <class N>
inline constexpr bool integer_products = as_bytes<N>.rule != byte_rule::none;
static_assert(integer_products<unsigned_integer<8>> && integer_products<e2m3> && integer_products<gguf::nl>);
static_assert(integer_products<progression<4, -3, 5, 8>> && integer_products<ternary>);
static_assert(!integer_products<e3m2> && !integer_products<f16> && !integer_products<log4> &&
              !integer_products<cubic8>);
static_assert(!integer_products<squares5> && !integer_products<integer<12>> && !integer_products<with_infinity>);

// Numbers, granularities, symmetries and layouts are no substitutes for each other.
static_assert(!number_format<levels<>> && !granularity<e2m1> && !symmetry<group<32, f16>> && !layout<stream<codes>>);
static_assert(!scale_level<group<32, f16>::number> && !scalar_format<pairs_with_signs>);

}  // namespace

TEST_CASE("combinations without sense are refused, and a program can ask") {
  std::size_t tiles = 0;
  [&]<std::size_t... I>(std::index_sequence<I...>) { ((tiles += is_tiled<codec_at<I * layouts + 1>>), ...); }
  (std::make_index_sequence<codecs / layouts>{});
  CHECK(tiles > codecs / layouts * 3 / 4);  // nearly all that asked for tiles have them
}
