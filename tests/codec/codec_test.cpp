// Codecs: what they store, and every fault that the check of a declaration finds.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/codec.hpp"

#include <doctest/doctest.h>

#include "quern/catalog/gguf.hpp"
#include "quern/codec/check.hpp"
#include "quern/codec/parts.hpp"
#include "quern/layout/plane.hpp"
#include "quern/layout/section.hpp"
#include "quern/layout/strided.hpp"
#include "quern/layout/trits.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace {
using namespace quern;
using half_32 = levels<group<32, f16>>;
template <unsigned Bits, class... Fields>
using block_of_32 = policies<unsigned_integer<Bits>, half_32, symmetric, blocked<32, stream<scale<>>, Fields...>>;

// ---- parts ----

using q4_k = gguf::q4_k;
static_assert(part_count<q4_k> == 5 && parts<q4_k>.size() == 5);
static_assert(parts<q4_k>[0].what == codes::id && parts<q4_k>[0].region == shape{1, 1} && parts<q4_k>[0].bits == 4);
static_assert(parts<q4_k>[1].what == scale<0>::id && parts<q4_k>[1].region == shape{1, 32} && parts<q4_k>[1].bits == 6);
static_assert(parts<q4_k>[2].what == scale<1>::id && parts<q4_k>[4].what == offset<1>::id && parts<q4_k>[4].bits == 16);
static_assert(index_of<q4_k>(offset<0>::id) == 3 && index_of<q4_k>(scale<2>::id) == 5 &&
              index_of<q4_k>(nothing::id) == 5);
static_assert(std::same_as<part_number<q4_k, 1>, unsigned_integer<6>> && std::same_as<part_number<q4_k, 4>, f16>);
static_assert(parts<gguf::iq2_xxs>[0].region == shape{1, 8});
static_assert(grid_of(parts<q4_k>[1], { 1, 256 }, {1, 256}) == shape{1, 8} &&
              grid_of(parts<q4_k>[1], { all, all }, {3, 100}) == shape{3, 4});
static_assert(unit_bytes<q4_k, 0>(sample) == 144 && stores<q4_k, 0, 4> && array_with<q4_k, 4> == 0);

// ---- the layout of a codec that names none ----

using plain = codec<unsigned_integer<3>, levels<group<10, f16>, tensor<f32>>, zero_point<channel<f16>>>;
static_assert(plain::layout::arrays == 4);
static_assert(array_of<plain, 0>::unit == shape{1, 8} && unit_bytes<plain, 0>(sample) == 3);  // whole bytes of codes
static_assert(array_of<plain, 1>::unit == shape{1, 10} && array_of<plain, 2>::unit == shape{all, all} &&
              array_of<plain, 3>::unit == shape{1, all});
static_assert(array_with<plain, 2> == 2 && !stores<plain, 0, 1>);
static_assert(array_of<codec<gguf::iq2_xxs::number, levels<>>, 0>::unit == shape{1, 64});  // 8 codes of 15 bits
static_assert(std::same_as<codec<integer<8>, levels<>>::symmetry, symmetric>);

// ---- presets ----

struct renamed : q4_k {
  static constexpr const char* name = "mine";
};
static_assert(any_codec<q4_k> && any_codec<q4_k::base> && any_codec<renamed> &&
              std::same_as<renamed::base, q4_k::base>);
static_assert(!any_codec<q4_k::described> && !any_codec<int> && !any_codec<symmetric>);
static_assert(same_numbers<q4_k, renamed> && !same_numbers<q4_k, gguf::q5_k> && same_numbers<gguf::tq1_0, gguf::tq2_0>);

// Vectors with points, or of few codes, can be encoded.
template <unsigned Bits>
struct two_values {
  static constexpr unsigned bits = Bits;
  static constexpr std::size_t elements = 2;
  static constexpr float value(std::uint32_t code, std::size_t j) { return static_cast<float>(code >> j); }
};
static_assert(encodable_codec<q4_k> && encodable_codec<gguf::iq2_xxs>);
static_assert(encodable_codec<codec<two_values<20>, levels<>>>);
static_assert(any_codec<codec<two_values<24>, levels<>>> && !encodable_codec<codec<two_values<24>, levels<>>>);

// ---- faults ----

static_assert(fault_of<block_of_32<4, plane<codes, 4, 16>>>() == fault::none);
static_assert(fault_of<block_of_32<5, plane<codes, 4, 16>>>() == fault::not_stored);
static_assert(fault_of<block_of_32<5, stream<codes, 1, 4>, plane<codes, 4, 16>>>() == fault::none);
static_assert(fault_of<block_of_32<5, stream<codes, 1, 3>, plane<codes, 4, 16>>>() == fault::stored_twice);
static_assert(fault_of<block_of_32<4, stream<codes>, stream<codes>>>() == fault::stored_twice);
static_assert(fault_of<block_of_32<4, plane<codes, 4, 16>, stream<offset<>>>>() == fault::unknown_part);
static_assert(fault_of<block_of_32<4, plane<codes, 4, 16>, stream<scale<1>>>>() == fault::unknown_part);
static_assert(fault_of<block_of_32<4, section<0, 48, stream<codes>>>>() == fault::too_many_codes);
static_assert(fault_of<block_of_32<4, section<0, 16, stream<codes>>>>() == fault::not_stored);
static_assert(fault_of<block_of_32<4, section<0, 16, stream<codes>>, section<16, 16, plane<codes, 4, 8>>>>() ==
              fault::none);
static_assert(fault_of<block_of_32<4, section<0, 16, stream<codes>>, section<8, 24, stream<codes>>>>() ==
              fault::stored_twice);
static_assert(fault_of<block_of_32<4, shared<16, strided<codes, 4, 0, 0, axis<16, 8>, axis<2, 2>>>>>() ==
              fault::shared_bit);
static_assert(fault_of<block_of_32<4, shared<15, strided<codes, 4, 0, 0, axis<32, 4>>>>>() == fault::outside);
static_assert(fault_of<block_of_32<4, shared<17, strided<codes, 4, 0, 0, axis<32, 4>>>>>() == fault::unused_bit);
static_assert(
    fault_of<block_of_32<4, shared<17, strided<codes, 4, 0, 0, axis<32, 4>>, strided<nothing, 8, 0, 128>>>>() ==
    fault::none);
static_assert(
    fault_of<block_of_32<4, shared<17, strided<codes, 4, 0, 0, axis<32, 4>>, strided<nothing, 8, 0, 124>>>>() ==
    fault::shared_bit);
static_assert(fault_of<block_of_32<4, shared<18, stream<codes>, strided<nothing, 8, 0, 144>>>>() == fault::outside);
static_assert(fault_of<block_of_32<2, trits<codes, 7>>>() == fault::none);  // five digits times seven bytes: 35
static_assert(fault_of<block_of_32<2, repeat<16, plane<codes, 2, 4>>>>() == fault::none);
static_assert(fault_of<block_of_32<4, repeat<16, plane<codes, 2, 4>, plane<codes, 2, 2, 2>>>>() == fault::none);
static_assert(fault_of<block_of_32<4, repeat<16, plane<codes, 2, 4>, plane<codes, 2, 2>>>>() == fault::stored_twice);

// Orders.
struct halving {
  static constexpr coord at(std::size_t p, shape) { return {0, p / 2}; }
  static constexpr std::size_t position(coord c, shape) { return c.col; }
};
struct not_inverse {
  static constexpr coord at(std::size_t p, shape s) { return {0, s.cols - 1 - p}; }
  static constexpr std::size_t position(coord c, shape) { return c.col; }
};
static_assert(fault_of<block_of_32<4, ordered<halving, stream<codes>>>>() == fault::order);
static_assert(fault_of<block_of_32<4, ordered<not_inverse, stream<codes>>>>() == fault::order);
static_assert(fault_of<block_of_32<4, ordered<permuted<1, 0>, stream<codes>>>>() == fault::none);
static_assert(fault_of<block_of_32<4, ordered<permuted<1, 2, 0>, stream<codes>>>>() ==
              fault::order);  // 3 does not divide 32

// Regions.
template <class G, class... Fields>
using block_with = policies<unsigned_integer<8>, G, symmetric, blocked<64, Fields..., stream<codes>>>;
static_assert(fault_of<block_with<levels<group<64, f16>>, stream<scale<>>>>() == fault::none);
static_assert(fault_of<block_with<levels<group<32, f16>>, stream<scale<>>>>() == fault::none);
static_assert(fault_of<block_with<levels<group<48, f16>>, stream<scale<>>>>() == fault::region);
static_assert(fault_of<block_with<levels<group<128, f16>>, stream<scale<>>>>() == fault::region);
static_assert(fault_of<block_with<levels<channel<f16>>, stream<scale<>>>>() == fault::region);
static_assert(fault_of<block_with<levels<block<2, 64, f16>>, stream<scale<>>>>() == fault::region);
// A row with its scale in front is a unit, whatever its groups.
template <class Level>
using row_with = policies<unsigned_integer<8>, levels<Level>, symmetric,
                          separate<array<unit<1, all>, by_rows, stream<scale<>>, stream<codes>>>>;
static_assert(fault_of<row_with<channel<f16>>>() == fault::none && fault_of<row_with<group<48, f16>>>() == fault::none);
static_assert(fault_of<row_with<group<128, f16>>>() == fault::none &&
              fault_of<row_with<tensor<f16>>>() == fault::region);

// Every part in one array.
template <class... Arrays>
using arrays_of = policies<unsigned_integer<8>, half_32, symmetric, separate<Arrays...>>;
using just_codes = array<unit<1, 1>, by_rows, stream<codes>>;
using just_scales = array<unit<1, 32>, by_rows, stream<scale<>>>;
static_assert(every_part_has_one_array<arrays_of<just_codes, just_scales>>());
static_assert(!every_part_has_one_array<arrays_of<just_codes>>());
static_assert(!every_part_has_one_array<arrays_of<just_codes, just_scales, just_scales>>());

// Levels.
static_assert(levels_nest<levels<>>() && levels_nest<half_32>() &&
              levels_nest<levels<group<16, f16>, channel<f16>, tensor<f32>>>());
static_assert(levels_nest<levels<group<16, f16>, group<256, f16>>>() &&
              levels_nest<levels<group<64, f16>, block<128, 128, f32>>>());
static_assert(!levels_nest<levels<group<256, f16>, group<16, f16>>>() &&
              !levels_nest<levels<tensor<f32>, group<16, f16>>>());
static_assert(!levels_nest<levels<group<48, f16>, group<128, f16>>>() &&
              !levels_nest<levels<channel<f16>, block<all, 1, f16>>>());
static_assert(
    levels_nest<levels<plus<tensor<f32>>, group<64, f16>, group<16384, f32>>>());  // what adds may lie anywhere

// ---- the map of bits ----

static_assert([] {
  bit_map<12> map;
  const bool first = map.claim(3, 70), again = map.claim(72, 1), beside = map.claim(73, 23), front = map.claim(0, 3);
  return first && !again && beside && front && map.full();
}());
static_assert([] {
  bit_map<2> map;
  const bool digits = map.claim_digit(0, 0) && map.claim_digit(0, 4), twice = map.claim_digit(0, 4);
  return digits && !twice && !map.claim(7, 1) && !map.full() && map.claim(8, 8) && map.full() && !map.claim_digit(1, 0);
}());

// ---- every format of GGUF: what the parts need is what the block has ----

template <class C>
void check_bits() {
  CAPTURE(C::name);
  std::size_t bits = 0;
  each_part<C>([&]<std::size_t K>() {
    bits += grid_of(parts<C>[K], array_of<C, 0>::unit, sample).count() * parts<C>[K].bits;
  });
  std::size_t other_bits = 0;
  bool in_base_3 = false;
  each_field<C, 0>(sample, [&]<class, class F>(std::size_t) {
    const slice s = F::holds(run_in<C>(array_of<C, 0>::unit, sample)(F::what));
    if (F::what == nothing::id || F::what == sums::id) other_bits += s.count * s.width;
    in_base_3 |= s.digits != 0;
  });
  if (!in_base_3) CHECK(bits + other_bits == unit_bytes<C, 0>(sample) * 8);
}
TEST_CASE("the bits of the parts add up to the bytes of a block") {
  for_each_type(gguf::presets::types{}, []<class C>() { check_bits<C>(); });
  check_bits<renamed>();
}

}  // namespace
