// Codes moved between layouts: nothing is lost, whatever the shapes, windows and executors.
// SPDX-License-Identifier: Apache-2.0
#include "quern/storage/transcode.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "quern/catalog/gguf.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/storage/locate.hpp"
#include "quern/storage/tiled.hpp"
#include "support.hpp"

namespace {
using namespace quern;
using support::random_source;

// ---- layouts as different as they come ----

using k_packed_4 = codec<unsigned_integer<4>, levels<group<32, unsigned_integer<6>>, group<256, f16>>, symmetric,
                         blocked<256, stream<scale<1>>, stream<scale<0>>, plane<codes, 4, 32>>>;
// Words of 32 codes down the columns, zeros along the rows of the matrix (GPTQ).
template <unsigned Bits>
using words =
    codec<unsigned_integer<Bits>, levels<group<64, f16>>, zero_point<group<64, unsigned_integer<Bits>>>,
          separate<array<unit<1, 32>, word_rows<4>, stream<codes>>, array<unit<32, 64>, by_columns, stream<offset<>>>,
                   array<unit<1, 64>, by_columns, stream<scale<>>>>>;
template <unsigned Bits>
using plain = codec<unsigned_integer<Bits>, levels<group<64, f16>>, zero_point<group<64, unsigned_integer<Bits>>>>;
// One plane over the whole matrix, and five digits to a byte.
using slab = codec<
    ternary, levels<tensor<f32>>, symmetric,
    separate<array<unit<all, all>, by_rows, plane<codes, 2, all>>, array<unit<all, all>, by_rows, stream<scale<>>>>>;
using digits =
    codec<ternary, levels<tensor<f32>>, symmetric,
          separate<array<unit<1, 40>, by_rows, trits<codes, 8>>, array<unit<all, all>, by_rows, stream<scale<>>>>>;
using pairs = codec<ternary, levels<tensor<f32>>>;
// Scales for squares, in tiles of several.
using squares = codec<e4m3, levels<block<4, 8, f16>>>;
using tiles_of_squares = codec<e4m3, levels<block<4, 8, f16>>, symmetric,
                               separate<array<unit<8, 16>, by_columns, ordered<interleaved<4>, stream<codes>>,
                                              ordered<interleaved<1>, stream<scale<>>>>>>;
using nibbles = permuted<0, 2, 4, 6, 1, 3, 5, 7>;
using nibbled = codec<unsigned_integer<4>, levels<group<64, f16>>, zero_point<group<64, unsigned_integer<4>>>,
                      separate<array<unit<8, 1>, by_columns, ordered<nibbles, stream<codes>>>,
                               array<unit<8, 64>, by_columns, ordered<nibbles, stream<offset<>>>>,
                               array<unit<1, 64>, by_columns, stream<scale<>>>>>;

// ---- what transcode must do, said with the locator ----

template <class A, class B>
std::size_t codes_that_differ(const packed_view<A>& a, const packed_view<B>& b) {
  std::size_t n = 0;
  each_part<A>([&]<std::size_t K>() {
    for (std::size_t r = 0; r < a.rows(); ++r)
      for (std::size_t c = 0; c < a.cols(); ++c)
        n += code_at<K>(a, {a.first_row() + r, c}) != code_at<K>(b, {b.first_row() + r, c});
  });
  return n;
}

template <class C>
packed<C> random_weights(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  packed<C> p(rows, cols);
  random_source random(seed);
  each_part<C>([&]<std::size_t K>() {
    const shape region = within(parts<C>[K].region, p.size());
    for (std::size_t r = 0; r < rows; r += region.rows)
      for (std::size_t c = 0; c < cols; c += region.cols) {
        const auto code = static_cast<std::uint32_t>(random()) & low_bits(parts<C>[K].bits);
        set_code<K>(p.span(), {r, c}, std::same_as<part_number<C, K>, ternary> ? code % 3 : code);
      }
  });
  return p;
}

template <class C>
bool same_bytes(const packed<C>& a, const packed<C>& b) {
  for (std::size_t i = 0; i < C::layout::arrays; ++i)
    if (!std::ranges::equal(a.array(i), b.array(i))) return false;
  return true;
}

template <class A, class B>
void there_and_back(std::size_t rows, std::size_t cols) {
  CAPTURE(rows);
  CAPTURE(cols);
  const packed<A> a = random_weights<A>(rows, cols, 7 * rows + cols);
  const packed<B> b = transcode<B>(a);
  CHECK(codes_that_differ(a.view(), b.view()) == 0);
  CHECK(same_bytes(transcode<A>(b), a));
}
template <class A, class B>
void there_and_back() {
  for (const shape s :
       {shape{1, 1}, shape{3, 100}, shape{16, 256}, shape{33, 320}, shape{70, 64}, shape{5, 0}, shape{0, 5}})
    there_and_back<A, B>(s.rows, s.cols);
}

TEST_CASE("codes survive the way into another layout and back, bytes too") {
  there_and_back<plain<4>, words<4>>();
  there_and_back<plain<3>, words<3>>();
  there_and_back<plain<4>, nibbled>();
  there_and_back<words<4>, nibbled>();
  there_and_back<pairs, slab>();
  there_and_back<pairs, digits>();
  there_and_back<slab, digits>();
  there_and_back<squares, tiles_of_squares>();
  there_and_back<squares, tiled<squares>>();
  there_and_back<k_packed_4, tiled<k_packed_4>>();
  there_and_back<words<3>, tiled<words<3>>>();
}

template <class... Presets>
void through_tiles() {
  const auto try_one = []<class C>() {
    CAPTURE(C::name);
    packed<C> a(3, 512);
    random_source(11).fill(a.array(0));
    const packed<tiled<C>> b = transcode<tiled<C>>(a);
    CHECK(codes_that_differ(a.view(), b.view()) == 0);
    const packed<C> back = transcode<C>(b);
    CHECK(codes_that_differ(a.view(), back.view()) == 0);
  };
  (try_one.template operator()<Presets>(), ...);
}
TEST_CASE("GGUF's formats go into tiles and back, whatever their bytes") {
  through_tiles<gguf::q3_k, gguf::q4_k, gguf::q6_k, gguf::tq1_0, gguf::iq1_m, gguf::iq2_xxs, gguf::nvfp4>();
}

TEST_CASE("what is no digit in base 3 is refused, and nothing is written") {
  packed<pairs> from(2, 40);
  set_code<codes>(from.span(), {1, 17}, 3);
  packed<digits> to(2, 40);
  std::ranges::fill(to.array(0), std::byte{0x5a});
  const auto moved = try_transcode_into(from, to.span());
  REQUIRE(!moved);
  CHECK(moved.error().text() == "transcode, code: a code is no digit in base 3 (value 3, against 3)");
  CHECK(std::ranges::all_of(to.array(0), [](std::byte b) { return b == std::byte{0x5a}; }));
  CHECK_THROWS_AS(transcode<digits>(from), error);
}

TEST_CASE("bytes of base 3 that encode the same digits keep their digits") {
  packed<digits> from(4, 80);
  random_source(3).fill(from.array(0));
  const packed<pairs> to = transcode<pairs>(from);
  CHECK(codes_that_differ(from.view(), to.view()) == 0);
}

TEST_CASE("windows of rows move alone") {
  const auto all_rows = random_weights<plain<4>>(70, 128, 5);
  for (const std::size_t first : {0u, 1u, 17u, 64u}) {
    const auto window = all_rows.view().rows(first, 6);
    const auto moved = transcode<nibbled>(window);
    CHECK(moved.rows() == 6);
    CHECK(codes_that_differ(window, moved.view()) == 0);

    auto target = random_weights<words<4>>(80, 128, 6);
    const auto before = target.view();
    const packed<plain<4>> kept = transcode<plain<4>>(before);
    transcode_into(window, target.span().rows(3, 6));
    CHECK(codes_that_differ(window, target.view().rows(3, 6)) == 0);
    CHECK(codes_that_differ(kept.view().rows(0, 3), target.view().rows(0, 3)) == 0);
    CHECK(codes_that_differ(kept.view().rows(9, 71), target.view().rows(9, 71)) == 0);
  }
}

TEST_CASE("a window that cuts through shared scales is refused") {
  const auto from = random_weights<squares>(16, 16, 1);
  CHECK(try_transcode<tiles_of_squares>(from.view().rows(4, 6)));
  const auto cut = try_transcode<tiles_of_squares>(from.view().rows(2, 4));
  REQUIRE(!cut);
  CHECK(cut.error().text() ==
        "transcode, first row: a window must not cut through rows that share a scale or an offset (value 2)");
  packed<tiles_of_squares> to(16, 16);
  CHECK(!try_transcode_into(from.view().rows(0, 6), to.span().rows(0, 6)));  // ends within a square
  CHECK(try_transcode_into(from.view().rows(0, 8), to.span().rows(8, 8)));
  packed<pairs> tensor_scale(8, 8);
  packed<slab> part(8, 8);
  CHECK(!try_transcode_into(tensor_scale.view().rows(0, 4), part.span().rows(0, 4)));  // would change the others' scale
  CHECK(try_transcode<slab>(tensor_scale.view().rows(3, 4)));
}

TEST_CASE("shapes must agree") {
  packed<pairs> from(2, 40);
  packed<slab> to(2, 41), other(3, 40);
  CHECK(try_transcode_into(from, to.span()).error().text() ==
        "transcode: source and target differ in columns (value 40, against 41)");
  CHECK(try_transcode_into(from, other.span()).error().text() ==
        "transcode: source and target differ in rows (value 2, against 3)");
}

TEST_CASE("bits without a code become zero in a whole matrix") {
  const auto from = random_weights<plain<4>>(3, 70, 2);
  packed<words<4>> to(3, 70), clean = transcode<words<4>>(from);
  for (std::size_t i = 0; i < 3; ++i) std::ranges::fill(to.array(i), std::byte{0xff});
  transcode_into(from, to.span());
  CHECK(same_bytes(to, clean));
}

// Runs tasks on threads, last first.
executor threads() {
  return {nullptr,
          [](void*, std::size_t count, executor::task f, void* job) {
            std::vector<std::thread> all;
            for (std::size_t i = count; i-- > 0;) all.emplace_back(f, job, i);
            for (std::thread& t : all) t.join();
          },
          3};
}
TEST_CASE("an executor changes nothing") {
  const auto from = random_weights<plain<3>>(150, 320, 9);
  CHECK(same_bytes(transcode<words<3>>(from, threads()), transcode<words<3>>(from)));
  CHECK(same_bytes(transcode<tiled<plain<3>>>(from, threads()), transcode<tiled<plain<3>>>(from)));
  const auto flat = random_weights<pairs>(99, 40, 9);
  CHECK(same_bytes(transcode<slab>(flat, threads()), transcode<slab>(flat)));
}

// Reading and writing rectangles is constexpr, too.
static_assert([] {
  std::array<std::byte, 18> block{};
  packed_span<gguf::q4_0> v(block, 1, 32);
  constexpr std::array<std::uint32_t, 3> in{3, 15, 9};
  write_codes<0>(v, {0, 15}, {1, 3}, in);
  std::array<std::uint32_t, 5> out{};
  read_codes<0>(packed_view<gguf::q4_0>(v), {0, 14}, {1, 5}, out);
  return out == std::array<std::uint32_t, 5>{0, 3, 15, 9, 0} && block[17] == std::byte{3} &&
         block[2] == std::byte{0xf0};
}());

}  // namespace
