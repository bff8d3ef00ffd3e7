// Sizes of packed matrices, and views of them: what is refused, what a window sees.
// SPDX-License-Identifier: Apache-2.0
#include "quern/storage/view.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "quern/catalog/gguf.hpp"
#include "quern/storage/locate.hpp"
#include "quern/storage/packed.hpp"

namespace {
using namespace quern;
using gguf::q4_0;
constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

// ---- sizes ----

template <class C>
constexpr bool is_block_of(std::size_t elements, std::size_t bytes) {
  return block_codec<C> && block_elements<C> == elements && block_bytes<C> == bytes &&
         bits_per_weight<C> == 8.0 * static_cast<double>(bytes) / static_cast<double>(elements);
}
static_assert(is_block_of<gguf::q4_0>(32, 18) && is_block_of<gguf::q4_1>(32, 20) && is_block_of<gguf::q5_0>(32, 22));
static_assert(is_block_of<gguf::q5_1>(32, 24) && is_block_of<gguf::q8_0>(32, 34) && is_block_of<gguf::iq4_nl>(32, 18));
static_assert(is_block_of<gguf::q2_k>(256, 84) && is_block_of<gguf::q3_k>(256, 110) &&
              is_block_of<gguf::q4_k>(256, 144));
static_assert(is_block_of<gguf::q5_k>(256, 176) && is_block_of<gguf::q6_k>(256, 210) &&
              is_block_of<gguf::q8_k>(256, 292));
static_assert(is_block_of<gguf::iq2_xxs>(256, 66) && is_block_of<gguf::iq2_xs>(256, 74) &&
              is_block_of<gguf::iq2_s>(256, 82));
static_assert(is_block_of<gguf::iq3_xxs>(256, 98) && is_block_of<gguf::iq3_s>(256, 110) &&
              is_block_of<gguf::iq4_xs>(256, 136));
static_assert(is_block_of<gguf::iq1_s>(256, 50) && is_block_of<gguf::iq1_m>(256, 56) &&
              is_block_of<gguf::tq1_0>(256, 54));
static_assert(is_block_of<gguf::tq2_0>(256, 66) && is_block_of<gguf::mxfp4>(32, 17) &&
              is_block_of<gguf::nvfp4>(64, 36));
static_assert(is_block_of<gguf::f16>(1, 2) && is_block_of<gguf::f32>(1, 4) && is_block_of<gguf::q8_1>(32, 36));

using words =
    codec<unsigned_integer<3>, levels<group<64, f16>>, zero_point<group<64, unsigned_integer<3>>>,
          separate<array<unit<1, 32>, word_rows<4>, stream<codes>>, array<unit<32, 64>, by_columns, stream<offset<>>>,
                   array<unit<1, 64>, by_columns, stream<scale<>>>>>;
using slab = codec<
    ternary, levels<tensor<f32>>, symmetric,
    separate<array<unit<all, all>, by_rows, plane<codes, 2, all>>, array<unit<all, all>, by_rows, stream<scale<>>>>>;
static_assert(!block_codec<words> && unit_is_fixed<words, 0> && !unit_is_fixed<slab, 0>);
static_assert(array_bytes<words, 0>({10, 100}) == 10 * 4 * 12);  // units at the right are partly filled
static_assert(array_bytes<words, 1>({33, 100}) == 2 * 2 * 12);   // and at the lower edge
static_assert(array_bytes<words, 2>({10, 100}) == 10 * 2 * 2);
static_assert(array_bytes<slab, 0>({3, 5}) == 4 && array_bytes<slab, 1>({3, 5}) == 4);
static_assert(array_bytes<slab, 0>({0, 5}) == 0 && array_bytes<slab, 1>({0, 5}) == 0 &&
              array_bytes<q4_0, 0>({5, 0}) == 0);
static_assert(bits_per_weight<words> == 3 + 16.0 / 64 + 3.0 / 64);
static_assert(bits_per_weight<slab> == 2);  // the scale of the tensor does not count

// A unit may hold far more bytes than weights; its size must not wrap round.
using heavy = codec<unsigned_integer<8>, levels<>, symmetric,
                    blocked<1, shared<4096, stream<codes>, strided<nothing, 8, 0, 8, axis<4095, 8>>>>>;
template <class C>
constexpr bool sizes_fit(std::size_t rows, std::size_t cols) {
  std::array<std::size_t, C::layout::arrays> bytes{};
  return try_array_bytes<C>({rows, cols}, bytes);
}
static_assert(sizes_fit<heavy>(1u << 20, 1u << 20) && !sizes_fit<heavy>(1u << 26, 1u << 26) &&
              !sizes_fit<heavy>(most / 4096 + 2, 1));
static_assert(!sizes_fit<q4_0>(most, most) && !sizes_fit<q4_0>(most, 1) && !sizes_fit<slab>(most / 2, 2) &&
              sizes_fit<slab>(most / 2, 0));
static_assert(!sizes_fit<words>(std::size_t{1} << 40, std::size_t{1} << 40) && sizes_fit<words>(1u << 20, 1u << 20));

// ---- views ----

template <class C>
std::string why(std::size_t bytes, std::size_t rows, std::size_t cols) {
  std::vector<std::byte> data(bytes);
  const auto v = packed_view<C>::try_make(std::span<const std::byte>(data), rows, cols);
  return v ? "" : v.error().text();
}
TEST_CASE("a view has exactly the bytes of its shape") {
  CHECK(why<q4_0>(36, 2, 32).empty());
  CHECK(why<q4_0>(35, 2, 32) ==
        "packed_view, bytes: an array does not have the bytes of its shape (value 35, against 36)");
  CHECK(why<q4_0>(37, 2, 32) ==
        "packed_view, bytes: an array does not have the bytes of its shape (value 37, against 36)");
  CHECK(why<q4_0>(0, 0, 32).empty());
  CHECK(why<q4_0>(0, 7, 0).empty());
  CHECK(!why<q4_0>(18, 0, 32).empty());
}
TEST_CASE("a row of GGUF is whole blocks; a codec without an owner pads") {
  CHECK(why<q4_0>(36, 1, 33) == "packed_view, cols: a row of this format is whole blocks (value 33, against 32)");
  CHECK(why<q4_0::base>(36, 1, 33).empty());
}
TEST_CASE("a shape whose bytes overflow is refused, whatever the bytes") {
  CHECK(why<q4_0>(0, most, 32) == "packed_view: rows x cols overflows (value 18446744073709551615, against 32)");
  CHECK(!why<heavy>(4096, most / 4096 + 2, 1).empty());
}
TEST_CASE("several arrays are checked each") {
  std::array<std::byte, 12> code{}, zero{};
  std::array<std::byte, 2> scale_bytes{};
  using view = packed_view<words>;
  CHECK(view::try_make({code, zero, scale_bytes}, 1, 32));
  CHECK(!view::try_make({code, zero, std::span(zero).first(1)}, 1, 32));
  CHECK(!view::try_make({zero, std::span(code).first(11), scale_bytes}, 1, 32));
}
TEST_CASE("the throwing spelling throws") {
  std::array<std::byte, 18> block{};
  CHECK(packed_view<q4_0>(block, 1, 32).cols() == 32);
  CHECK_THROWS_AS(packed_view<q4_0>(block, 2, 32), error);
}

// ---- windows of rows ----

TEST_CASE("a window of rows sees these rows of the whole matrix") {
  packed<q4_0> w(5, 64);
  for (std::size_t r = 0; r < 5; ++r) set_code<codes>(w.span(), {r, 40}, static_cast<std::uint32_t>(r + 1));
  const auto rows = w.view().rows(1, 3);
  CHECK(rows.rows() == 3);
  CHECK(rows.cols() == 64);
  CHECK(rows.size() == shape{3, 64});
  CHECK(rows.matrix() == shape{5, 64});
  CHECK(rows.first_row() == 1);
  CHECK(code_at<codes>(rows, {rows.first_row() + 2, 40}) == 4);
  const auto inner = rows.rows(2, 1);
  CHECK(inner.first_row() == 3);
  CHECK(rows.rows(3, 0).rows() == 0);
  CHECK(rows.array(0).data() == w.array(0).data());
}
TEST_CASE("a window beyond the end is refused") {
  packed<q4_0> w(5, 32);
  CHECK(!w.view().try_rows(6, 0));
  CHECK(!w.view().try_rows(2, 4));
  CHECK(!w.view().try_rows(1, most));
  CHECK(!w.view().rows(1, 3).try_rows(0, 4));  // nor beyond the window's own
  CHECK(w.view().try_rows(5, 0));
  CHECK(w.view().rows(1, 3).try_rows(4, 0).error().text() ==
        "packed_view::rows: rows beyond the end of the view (value 4, against 3)");
  CHECK_THROWS_AS(w.view().rows(6, 0), error);
}

// ---- conversions ----

struct mine : q4_0 {
  static constexpr const char* name = "mine";
};
static_assert(std::is_convertible_v<packed_view<mine>, packed_view<q4_0>> &&
              std::is_convertible_v<packed_view<q4_0>, packed_view<q4_0::base>>);
static_assert(std::is_convertible_v<packed_span<q4_0>, packed_view<mine>> &&
              !std::is_constructible_v<packed_span<q4_0>, packed_view<q4_0>>);
static_assert(!std::is_constructible_v<packed_view<q4_0>, packed_view<gguf::q4_1>>);
static_assert(packed_weights<packed<q4_0>> && packed_weights<packed_view<q4_0>&> &&
              packed_weights<const packed_span<q4_0>>);
static_assert(!packed_weights<q4_0> && !packed_weights<int> && std::same_as<codec_of<const packed<mine>&>, mine>);
static_assert(packed_view<q4_0>{}.rows() == 0);

TEST_CASE("a view of a preset is one of the description beneath, window and all") {
  packed<mine> w(4, 32);
  const packed_view<q4_0> v = w.view().rows(1, 2);
  CHECK(v.first_row() == 1);
  CHECK(v.rows() == 2);
  CHECK(v.matrix() == shape{4, 32});
  CHECK(std::string(mine::name) == "mine");
}

}  // namespace
