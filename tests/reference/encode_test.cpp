// Encoding of every kind of codec: the nearest codes, any shape, any content of the storage, refusals, odd groups.
// SPDX-License-Identifier: Apache-2.0
#include "quern/reference/encode.hpp"

#include <cmath>
#include <limits>

#include "fit/encoding.hpp"
#include "quern/layout/plane.hpp"
#include "quern/layout/trits.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
#include "quern/storage/tiled.hpp"

namespace {

using namespace encoding;

// ---- codecs of every shape ----

using plain = codec<f16, levels<>>;
using grouped = codec<offset_integer<4>, levels<group<48, f16>>>;
using channels = codec<e4m3, levels<channel<f32>>>;
using blocks = codec<integer<8>, levels<block<4, 8, bf16>>>;
using whole_tensor = codec<integer<8>, levels<tensor<f32>>>;
using input_channels = codec<integer<8>, levels<block<all, 1, f32>>>;
using powers = codec<e2m1, levels<group<32, e8m0>>>;
using base_three =
    codec<ternary, levels<group<20, f16>>, symmetric,
          separate<array<unit<1, 20>, by_rows, trits<codes, 4>>, array<unit<1, 20>, by_rows, stream<scale<>>>>>;
using two_levels = codec<e2m1, levels<group<16, e4m3>, tensor<f32>>>;
using three_levels = codec<offset_integer<4>, levels<group<8, unsigned_integer<4>>, group<32, ue4m3>, tensor<f32>>>;
using nested_mean = codec<offset_integer<4>, levels<plus<tensor<f32>>, group<16, integer<8>>, group<64, f32>>>;
using zero_codes = codec<unsigned_integer<4>, levels<group<24, f16>>, zero_point<group<24, unsigned_integer<4>>>>;
using zero_reals = codec<unsigned_integer<3>, levels<group<24, f16>>, zero_point<group<24, f16>>>;
using coded_minima = codec<unsigned_integer<4>, levels<group<16, unsigned_integer<6>>, group<64, f16>>,
                           minimum<group<16, unsigned_integer<6>>, group<64, f16>>>;
using wide_offsets = codec<unsigned_integer<4>, levels<group<16, f16>>, bias<group<48, bf16>>>;
using wide_scales = codec<unsigned_integer<4>, levels<channel<f32>>, bias<group<16, f32>>>;
using crossed =
    codec<unsigned_integer<4>, levels<block<2, 16, f16>>, bias<block<1, 24, f16>>>;  // neither inside the other
using blocked_nibbles =
    codec<offset_integer<4>, levels<group<32, f16>>, symmetric, blocked<32, stream<scale<>>, plane<codes, 4, 16>>>;

using all_codecs = type_list<plain, grouped, channels, blocks, whole_tensor, input_channels, powers, base_three,
                             two_levels, three_levels, nested_mean, zero_codes, zero_reals, coded_minima, wide_offsets,
                             wide_scales, blocked_nibbles>;
constexpr shape shapes[] = {{1, 1}, {3, 7}, {5, 50}, {17, 33}, {2, 100}, {1, 64}, {0, 5}, {5, 0}};

// ---- codes ----

// How much further from its weight each decoded weight is than the best of all codes, in parts of the weight's and the
// value's size: rounding of the quotient to f32 accounts for what there is.
template <class C>
double excess(const std::vector<float>& x, const packed<C>& p) {
  using N = typename C::number;
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const coord w{i / p.cols(), i % p.cols()};
    const float s = reference::scale_at(p.view(), w), o = reference::offset_at(p.view(), w);
    const auto away = [&](std::uint32_t code) {
      return std::fabs(static_cast<double>(x[i]) - static_cast<double>(C::symmetry::weight(s, N::value(code), o)));
    };
    const double chosen = away(code_at<codes>(p.view(), w));
    double least = chosen;
    for (std::uint32_t c = 0; c < 1u << N::bits; ++c)
      if (is_finite(N::value(c))) least = std::min(least, away(c));
    const double size =
        std::fabs(static_cast<double>(x[i])) + std::fabs(static_cast<double>(o)) + std::fabs(static_cast<double>(s));
    if (size > 0) worst = std::max(worst, (chosen - least) / size);
  }
  return worst;
}

static_assert(reference::uniform_region<crossed> == shape{1, 8} && reference::fit_region<crossed> == shape{2, 48});
static_assert(reference::uniform_region<wide_scales> == shape{1, 16} &&
              reference::fit_region<wide_scales> == shape{1, all});

TEST_CASE("with what is stored, no other code is nearer") {
  for_each_type(all_codecs{}, []<class C>() {
    for (const shape s : shapes) {
      const std::vector<float> x = bell(s.count(), 0.05f, 20);
      CHECK(excess(x, encoded<C>(x, s.rows, s.cols)) < 1e-6);
    }
  });
}

TEST_CASE("the error is that of the number's step, whatever the levels") {
  const auto relative = [](auto c) {
    const std::vector<float> x = bell(16 * 192, 0.05f, 21);
    return squared_error(x, decoded(encoded<decltype(c)>(x, 16, 192))) / squared_error(x, std::vector<float>(x.size()));
  };
  CHECK(relative(plain{}) < 1e-6);
  CHECK(relative(grouped{}) < 0.012);
  CHECK(relative(channels{}) < 0.001);
  CHECK(relative(blocks{}) < 1e-4);
  CHECK(relative(whole_tensor{}) < 2e-4);
  CHECK(relative(input_channels{}) < 1e-4);
  CHECK(relative(powers{}) < 0.015);
  CHECK(relative(two_levels{}) < 0.011);
  CHECK(relative(three_levels{}) < 0.008);
  CHECK(relative(nested_mean{}) < 0.012);
  CHECK(relative(zero_codes{}) < 0.008);
  CHECK(relative(coded_minima{}) < 0.006);
  CHECK(relative(wide_offsets{}) < 0.010);
  CHECK(relative(wide_scales{}) < 0.015);
}

TEST_CASE("encoding is a constant expression") {
  constexpr std::array<std::byte, 18> block = [] {
    std::array<float, 32> x{};
    for (std::size_t i = 0; i < 32; ++i) x[i] = static_cast<float>(i % 8) - 3.5f;
    std::array<std::byte, 18> bytes{};
    auto out = packed_span<blocked_nibbles>::try_make(std::span<std::byte>(bytes), 1, 32);
    (void)reference::encode<blocked_nibbles>(*matrix_view<const float>::try_make(x.data(), 1, 32), *out);
    return bytes;
  }();
  static_assert(block[0] == std::byte{0x00} && block[1] == std::byte{0x38});  // 0.5 = 3.5 / 7
  static_assert(block[2] == std::byte{0x11} && block[9] == std::byte{0xff});
}

// ---- levels ----

TEST_CASE("a coarser level stores the least that lets the finer one reach everything in its region") {
  const std::vector<float> x = bell(8 * 64, 0.05f, 22);
  const auto p = encoded<two_levels>(x, 8, 64);
  float greatest = 0;
  for (const float v : x) greatest = std::max(greatest, magnitude(v));
  CHECK(support::element<float>(p.array(2), 0) == greatest / 6 / 448);
  std::uint32_t largest = 0;
  for (const std::byte b : p.array(1)) largest = std::max(largest, std::to_integer<std::uint32_t>(b));
  CHECK(largest == e4m3::largest);
}

TEST_CASE("an adding level stores the mean of what the others are to vary about") {
  const std::vector<float> x = bell(4 * 64, 0.05f, 23);
  double sum = 0;
  for (std::size_t g = 0; g < 16; ++g) {
    float m = 0;
    for (std::size_t i = 0; i < 16; ++i) m = std::max(m, magnitude(x[g * 16 + i]));
    sum += static_cast<double>(m / 7);
  }
  CHECK(support::element<float>(encoded<nested_mean>(x, 4, 64).array(1), 0) == static_cast<float>(sum / 16));
}

// ---- storage ----

TEST_CASE("the bytes do not depend on what was there before") {
  for_each_type(all_codecs{}, []<class C>() {
    const std::vector<float> x = bell(5 * 50, 0.05f, 24);
    const packed<C> clean = encoded<C>(x, 5, 50);
    packed<C> dirty(5, 50);
    for (std::size_t i = 0; i < C::layout::arrays; ++i) std::ranges::fill(dirty.array(i), std::byte{0xa5});
    REQUIRE(reference::encode<C>(matrix_view<const float>(x.data(), 5, 50), dirty.span()));
    for (std::size_t i = 0; i < C::layout::arrays; ++i) CHECK(differing(clean.array(i), dirty.array(i)) == 0);
  });
}

TEST_CASE("a group that the edge cuts is filled up with codes of zero, and only what is there is fitted") {
  const std::vector<float> x(5, 3.0f);
  const auto p = encoded<blocked_nibbles>(x, 1, 5);
  for (std::size_t c = 5; c < 32; ++c) CHECK(code_at<codes>(p.view(), {0, c}) == 8);
  const auto q = encoded<codec<unsigned_integer<4>, levels<group<8, f32>>, bias<group<8, f32>>,
                               blocked<8, stream<scale<>>, stream<offset<>>, stream<codes>>>>(x, 1, 5);
  CHECK(decoded(q) == x);  // the offset is 3, and zero is far below it
  CHECK(code_at<codes>(q.view(), {0, 7}) == 0);
}

TEST_CASE("bits that lie in no group of the matrix are zero") {
  using tile = tiled<blocked_nibbles>;  // 16 rows to a unit
  const auto p = encoded<tile, absmax>(bell(3 * 32, 1, 25), 3, 32);
  for (std::size_t r = 3; r < 16; ++r)
    for (std::size_t c = 0; c < 32; ++c) CHECK(code_at<codes>(p.view(), {r, c}) == 0);
}

TEST_CASE("a layout changes where codes lie, never the codes") {
  const std::vector<float> x = bell(37 * 96, 0.05f, 26);
  const auto p = encoded<blocked_nibbles, absmax>(x, 37, 96);
  const auto q = encoded<tiled<blocked_nibbles>, absmax>(x, 37, 96);
  CHECK(decoded(p) == decoded(q));
}

TEST_CASE("rows of a matrix can be encoded by themselves where they share no scale with others") {
  const std::vector<float> x = bell(16 * 64, 0.05f, 27);
  const auto whole = encoded<blocks>(x, 16, 64);
  packed<blocks> parts(16, 64);
  for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{0, 4}, {4, 8}, {12, 4}}) {
    const matrix_view<const float> some(x.data() + first * 64, count, 64);
    REQUIRE(reference::encode<blocks>(some, parts.span().rows(first, count)));
  }
  for (std::size_t i = 0; i < 2; ++i) CHECK(differing(whole.array(i), parts.array(i)) == 0);

  const matrix_view<const float> six(x.data(), 6, 64);
  CHECK_FALSE(reference::encode<blocks>(six, parts.span().rows(0, 6)).has_value());
  CHECK_FALSE(reference::encode<blocks>(six, parts.span().rows(2, 6)).has_value());
  packed<whole_tensor> one_scale(16, 64);
  CHECK_FALSE(reference::encode<whole_tensor>(six, one_scale.span().rows(0, 6)).has_value());
}

// ---- refusals ----

TEST_CASE("a weight that is not finite is refused with its index, and nothing is written") {
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> x = bell(4 * 50, 1, 28);
    x[2 * 50 + 7] = bad;
    packed<grouped> p(4, 50);
    std::ranges::fill(p.array(0), std::byte{0x5a});
    const auto ok = reference::encode<grouped>(matrix_view<const float>(x.data(), 4, 50), p.span());
    REQUIRE_FALSE(ok.has_value());
    CHECK(ok.error().value == 107);
    for (const std::byte b : p.array(0)) CHECK(b == std::byte{0x5a});
  }
}

TEST_CASE("saturated, infinity is the greatest float and NaN is zero") {
  const float infinity = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();
  const std::vector<float> x{1, infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), -2},
      y{1, most, -most, 0, -2};
  packed<channels> p(1, 5);
  REQUIRE(reference::encode<channels>(matrix_view<const float>(x.data(), 1, 5), p.span(), {}, nonfinite::saturate));
  const packed<channels> q = encoded<channels>(y, 1, 5);
  CHECK(differing(p.array(0), q.array(0)) == 0);
  CHECK(differing(p.array(1), q.array(1)) == 0);
}

TEST_CASE("shapes must agree, and importance be a number for each column") {
  const std::vector<float> x(100), importance(50, 1.0f);
  packed<grouped> p(2, 50);
  const auto encode = [&](std::size_t rows, std::size_t cols, std::span<const float> e) {
    return reference::encode<grouped>(matrix_view<const float>(x.data(), rows, cols), p.span(), e).has_value();
  };
  CHECK(encode(2, 50, importance));
  CHECK_FALSE(encode(1, 50, {}));
  CHECK_FALSE(encode(2, 48, {}));
  CHECK_FALSE(encode(2, 50, std::span(importance).first(49)));
  for (const float bad : {-1.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> e = importance;
    e[49] = bad;
    CHECK_FALSE(encode(2, 50, e));
  }
}

// ---- odd groups ----

// Whether every stored scale and offset of a matrix is finite, and no weight decodes to NaN.
template <class C>
bool sound(const packed<C>& p) {
  bool ok = true;
  for (std::size_t r = 0; r < p.rows(); ++r)
    for (std::size_t c = 0; c < p.cols(); ++c) {
      each_part<C>([&]<std::size_t K>() {
        if constexpr (K > 0) ok = ok && is_finite(value<part_number<C, K>>(code_at<K>(p.view(), {r, c})));
      });
      ok = ok && !is_nan(reference::decode_one(p.view(), {r, c}));
    }
  return ok;
}

TEST_CASE("no scale is ever infinite or NaN: zero, constant, tiny and huge groups") {
  const float most = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
  for_each_type(all_codecs{}, [&]<class C>() {
    for (const float v : {0.0f, -0.0f, 0.75f, -0.75f, 1e-30f, -1e-40f, least, -least, 1e30f, most, -most, 0x1p-126f})
      CHECK(sound(encoded<C>(std::vector<float>(2 * 50, v), 2, 50)));
    for (const float v : {1.0f, 1e-40f, least, most}) {
      std::vector<float> x(2 * 50);
      x[3] = v;
      CHECK(sound(encoded<C>(x, 2, 50)));
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 3 == 0 ? v : i % 3 == 1 ? -v : v / 2;
      CHECK(sound(encoded<C>(x, 2, 50)));
    }
  });
}

TEST_CASE("zeros are zeros where the number has a zero") {
  const std::vector<float> zeros(2 * 50);
  for_each_type(all_codecs{}, [&]<class C>() { CHECK(decoded(encoded<C>(zeros, 2, 50)) == zeros); });
}

TEST_CASE("the smallest floats are as exact as others where the scale is f32") {
  std::vector<float> x = bell(64, 1, 29);
  for (float& v : x) v *= 0x1p-131f;
  const auto p = encoded<codec<offset_integer<4>, levels<channel<f32>>>>(x, 1, 64);
  const float step = reference::scale_at(p.view(), {0, 0});
  const std::vector<float> y = decoded(p);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(magnitude(x[i] - y[i]) <= 0.51f * step);
}

TEST_CASE("what the scale cannot hold counts as zero, or as the greatest there is") {
  CHECK(decoded(encoded<grouped>(std::vector<float>(48, 1e-9f), 1, 48)) == std::vector<float>(48));
  CHECK(decoded(encoded<grouped>(std::vector<float>(48, 1e9f), 1, 48)) == std::vector<float>(48, 7 * 65504.0f));
}

}  // namespace
