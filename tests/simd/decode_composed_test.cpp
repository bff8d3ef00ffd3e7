// Decode kernels of codecs that nobody has named: any number, granularity, symmetry and layout, on every target.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <array>

#include "quern/catalog/gguf.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/storage/tiled.hpp"
#include "simd/decode_check.hpp"

using namespace quern;

namespace {

template <class... Cs>
void check_all(shape size) {
  for_each_type(type_list<Cs...>(), [&]<class C>() { support::check_decode<C>(size); });
}

// A third of an integer, so that a product that is fused with a sum shows.
struct thirds {
  static constexpr unsigned bits = 7;
  static constexpr float value(std::uint32_t code) { return static_cast<float>(static_cast<int>(code) - 60) / 3.0f; }
};
// Not in order, with both zeros, infinity, NaN and a subnormal.
inline constexpr std::array<float, 16> odd_values{0.0f,
                                                  -0.0f,
                                                  1.5f,
                                                  -7.0f,
                                                  0x1p-140f,
                                                  3e38f,
                                                  std::numeric_limits<float>::infinity(),
                                                  std::numeric_limits<float>::quiet_NaN(),
                                                  0.1f,
                                                  0.2f,
                                                  0.3f,
                                                  -0.1f,
                                                  -1e-30f,
                                                  5,
                                                  6,
                                                  7};
inline constexpr std::array<float, 32> more_values = [] {
  std::array<float, 32> t{};
  for (std::size_t i = 0; i < 32; ++i) t[i] = i < 16 || !is_finite(odd_values[i % 16]) ? odd_values[i % 16] : odd_values[i % 16] * 0.25f;
  return t;
}();
// 12 and 20 bits: too many for a table.
struct logarithmic {
  static constexpr unsigned bits = 12;
  static constexpr float value(std::uint32_t code) {
    return exp2i(static_cast<int>(code >> 5 & 63) - 40) * (1 + static_cast<float>(code & 31) / 37.0f) *
           (code >> 11 ? -1.0f : 1.0f);
  }
};
struct twenty_bits {
  static constexpr unsigned bits = 20;
  static constexpr float value(std::uint32_t code) { return static_cast<float>(code) * 0x1.3p-9f - 11.0f; }
};
// Five values to a code.
struct fives {
  static constexpr unsigned bits = 9;
  static constexpr std::size_t elements = 5;
  static constexpr float value(std::uint32_t code, std::size_t j) {
    return static_cast<float>((code >> j & 7) * (j + 1)) - 8.5f;
  }
};
// A symmetry of a user: kernels must call it.
template <class... Ls>
struct curved {
  using offsets = levels<Ls...>;
  static constexpr float weight(float s, float v, float o) { return exact(exact(s * v) * v) - o; }
};
// An arrangement and an order that promise nothing.
struct upside_down {
  static constexpr std::size_t byte(coord u, shape units, std::size_t b, std::size_t size) {
    return ((units.rows - 1 - u.row) * units.cols + u.col) * size + (size - 1 - b);
  }
};
struct backwards {
  static constexpr coord at(std::size_t p, shape grid) { return row_major::at(grid.count() - 1 - p, grid); }
  static constexpr std::size_t position(coord c, shape grid) { return grid.count() - 1 - row_major::position(c, grid); }
};

// Five bits of codes in words of 32 bits, which hold one code of each of six slabs; it promises neighbours.
struct word_slabs {
  static constexpr part what = codes::id;
  static constexpr bool padded = true;
  static constexpr std::size_t words(run r) { return ceil_div(r.count, 6); }
  static constexpr slice holds(run r) { return {0, r.count, 0, 5}; }
  static constexpr place at(std::size_t i, run r) { return {i % words(r) * 32 + 1 + 5 * (i / words(r))}; }
  static constexpr std::size_t bytes(run r) { return words(r) * 4; }
  static constexpr std::size_t word_neighbours(std::size_t i, run r) { return words(r) - i % words(r); }
};

using half_16 = levels<group<16, f16>>;

}  // namespace

TEST_CASE("numbers of every width, stored as streams") {
  check_all<codec<unsigned_integer<1>, half_16>, codec<offset_integer<2>, half_16>, codec<integer<3>, half_16>,
            codec<codebook<odd_values>, half_16>, codec<codebook<more_values>, half_16>, codec<integer<5>, half_16>,
            codec<e2m3, half_16>, codec<e3m2, half_16>, codec<thirds, half_16>, codec<e4m3, half_16>,
            codec<e5m2_inf, half_16>, codec<ue4m3, half_16>, codec<e8m0, half_16>, codec<integer<11>, half_16>,
            codec<logarithmic, half_16>, codec<integer<16>, half_16>, codec<f16, half_16>, codec<bf16, half_16>,
            codec<twenty_bits, half_16>, codec<f32, half_16>, codec<fives, half_16>>({5, 321});
}

TEST_CASE("groups of every size, blocks, channels, tensors, and levels of them") {
  using number = codec<thirds, levels<>>::number;
  check_all<codec<number, levels<>>, codec<number, levels<group<1, e4m3>>>, codec<number, levels<group<6, f16>>>,
            codec<number, levels<group<8, e5m2>>>, codec<number, levels<group<48, e8m0>>>,
            codec<number, levels<group<80, f32>>>, codec<number, levels<group<512, bf16>>>,
            codec<number, levels<channel<f32>>>, codec<number, levels<tensor<bf16>>>,
            codec<number, levels<block<3, 40, f32>>>, codec<number, levels<block<all, 1, f16>>>,
            codec<number, levels<block<2, all, f16>>>,
            codec<number, levels<group<16, e4m3>, group<48, f16>, channel<f32>, tensor<f32>>>,
            codec<number, levels<plus<tensor<f32>>, group<24, integer<8>>, group<4800, f32>>>,
            codec<number, levels<group<32, thirds>, plus<group<96, f16>>, block<4, 96, f32>>>>({9, 1203});
}

TEST_CASE("symmetries, with offsets of other groups than the scales'") {
  check_all<codec<thirds, half_16, zero_point<group<32, unsigned_integer<4>>>>,
            codec<thirds, half_16, minimum<group<16, f16>>>, codec<thirds, half_16, bias<group<48, bf16>>>,
            codec<thirds, half_16, bias<channel<f32>>>,
            codec<thirds, levels<channel<f32>>, minimum<group<24, e4m3>, group<72, f16>>>,
            codec<thirds, levels<>, bias<group<8, thirds>>>, codec<thirds, half_16, zero_point<>>,
            codec<thirds, half_16, minimum<>>, codec<thirds, half_16, bias<>>,
            codec<thirds, half_16, curved<group<64, f16>>>, codec<thirds, levels<tensor<f32>>, curved<>>,
            codec<f32, levels<group<8, thirds>>, bias<group<4, thirds>>>>({4, 777});
}

TEST_CASE("layouts: arrangements, orders, planes, sections, mixed fields, base 3") {
  using g32 = levels<group<32, f16>>;
  using scales = array<unit<1, 32>, by_rows, stream<scale<>>>;
  using four = unsigned_integer<4>;
  check_all<
      codec<four, g32, symmetric,
            separate<array<unit<1, 32>, by_columns, stream<codes>>, array<unit<1, 32>, by_columns, stream<scale<>>>>>,
      codec<unsigned_integer<3>, g32, symmetric, separate<array<unit<1, 32>, word_rows<4>, stream<codes>>, scales>>,
      codec<four, g32, symmetric, separate<array<unit<1, 32>, word_rows<2>, stream<codes>>, scales>>,
      codec<four, g32, symmetric,
            separate<array<unit<2, 32>, upside_down, stream<codes>>, array<unit<1, 32>, upside_down, stream<scale<>>>>>,
      codec<four, g32, symmetric, separate<array<unit<1, 32>, by_rows, ordered<backwards, stream<codes>>>, scales>>,
      codec<four, g32, symmetric,
            separate<array<unit<8, 1>, by_columns, ordered<permuted<0, 2, 4, 6, 1, 3, 5, 7>, stream<codes>>>, scales>>,
      codec<four, g32, symmetric,
            separate<array<unit<4, 64>, by_rows, ordered<interleaved<4>, plane<codes, 4, 16>>>, scales>>,
      codec<four, g32, symmetric, separate<array<unit<all, all>, by_rows, plane<codes, 4, all>>, scales>>,
      codec<unsigned_integer<6>, g32, symmetric,
            separate<array<unit<1, all>, by_rows, plane<codes, 2, all, 4>, plane<codes, 4, all>>, scales>>,
      codec<unsigned_integer<5>, g32, symmetric, separate<array<unit<all, all>, by_rows, word_slabs>, scales>>,
      codec<unsigned_integer<7>, g32, symmetric,
            separate<array<unit<all, all>, by_rows, plane<codes, 2, all, 5>, word_slabs>, scales>>,
      codec<four, g32, symmetric, separate<array<unit<1, all>, by_columns, stream<codes>>, scales>>,
      codec<unsigned_integer<5>, g32, symmetric,
            blocked<64, plane<codes, 1, 8, 2>, stream<scale<>>, plane<codes, 2, 16>, plane<codes, 2, 8, 3>>>,
      codec<unsigned_integer<2>, g32, symmetric,
            blocked<96, stream<scale<>>, section<0, 32, plane<codes, 2, 8>>, section<32, 64, stream<codes>>>>,
      codec<ternary, levels<group<80, f16>>, symmetric, blocked<80, trits<codes, 16>, stream<scale<>>>>,
      codec<integer<11>, g32, symmetric, blocked<32, stream<codes, 8>, stream<codes, 3, 8>, stream<scale<>>>>,
      codec<integer<8>, levels<group<512, f16>>, symmetric, blocked<2048, stream<codes>, stream<scale<>>>>>({19, 1100});
}

TEST_CASE("tiles") {
  check_all<tiled<gguf::q4_0>, tiled<gguf::q6_k>, tiled<gguf::q3_k>, tiled<gguf::q8_0>, tiled<gguf::iq3_s>,
            tiled<gguf::tq1_0>, tiled<codec<integer<11>, half_16>>,
            tiled<codec<thirds, levels<group<48, f16>>, bias<block<4, 96, f16>>>>,
            tiled<codec<e4m3, levels<block<128, 128, f32>>>>>({35, 600});
}
