// Products of integers on every target: exact at their extremes; int8 activations; activations that are not finite.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <limits>

#include "quern/catalog/gguf.hpp"
#include "simd/matmul_check.hpp"

using namespace quern;

namespace {

using groups_of_6 = codec<offset_integer<3>, levels<group<6, f16>>>;

}  // namespace

// ---- the integers' extremes ----

namespace {

// Values of unit 1 whose bytes are looked up: two's complement in the wrong order, 0 ... 255 in steps that repeat.
struct shuffled {
  static constexpr unsigned bits = 8;
  static constexpr float value(std::uint32_t code) { return static_cast<float>(static_cast<int>(code ^ 0x55u) - 128); }
};
struct steep {
  static constexpr unsigned bits = 5;
  static constexpr float value(std::uint32_t code) { return static_cast<float>(code < 16 ? code : code + 224); }
};

// y as integers, exactly: with all scales 1 and x of magnitude 127 at most, no float in the sum exceeds 2^24, as
// 255 * 127 * 500 does not.
template <class N, class G = levels<tensor<quern::f32>>>
void check_extremes(std::size_t cols = 500) {
  using B = typename tiled<codec<N, G>>::base;
  using P = product<B, int8<automatic_group<B>>>;
  static_assert(product_facts<P>::integer_words);
  CAPTURE(N::bits);
  CAPTURE(N::value(0));
  constexpr std::size_t rows = 33, m = 6;
  support::random_source random(cols);
  // Rows of one code each: the least value, the greatest, both in turn, any.
  std::uint32_t least = 0, most = 0;
  for (std::uint32_t code = 0; code < 1u << N::bits; ++code) {
    if (N::value(code) < N::value(least)) least = code;
    if (N::value(code) > N::value(most)) most = code;
  }
  packed<B> w(rows, cols);
  support::set_codes<B>(w.span(), [&]<std::size_t K>(std::size_t r, std::size_t c) -> std::uint32_t {
    if constexpr (K > 0) return nearest<part_number<B, K>>(1.0f);
    else if (r % 4 == 0) return most;
    else if (r % 4 == 1) return least;
    else if (r % 4 == 2) return c % 2 ? most : least;
    else return static_cast<std::uint32_t>(random() >> 32) & low_bits(N::bits);
  });
  std::vector<float> x(m * cols);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t c = 0; c < cols; ++c) {
      const float any = static_cast<float>(static_cast<int>(random() >> 40) % 128);
      const float in_turn = c % 2 ? 127.0f : -127.0f;
      x[i * cols + c] = i == 0 ? 127 : i == 1 ? -127 : i == 2 ? in_turn : c % 4 == 0 ? 127 : i % 2 ? any : -any;
    }
  const float unit = as_bytes<N>.unit;
  const packed_view<B> view = w;
  std::vector<float> want;
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t r = 0; r < rows; ++r) {
      long sum = 0;
      for (std::size_t c = 0; c < cols; ++c)
        sum += static_cast<long>(N::value(code_at<codes>(view, {r, c})) / unit) * static_cast<long>(x[i * cols + c]);
      want.push_back(static_cast<float>(sum) * unit);
    }
  const support::some_product p = support::product_with<P>(w);
  support::on_every_target(p, [&] {
    const support::prepared_rows prepared(p, x, m, support::edge::begin);
    CHECK(support::differences(support::multiply(p, prepared, m), want) == 0);
  });
}

}  // namespace

// One of each number of sums that cannot overflow 16 bits, where a target adds up in pairs: 8, 4, 2, 1, and none.
TEST_CASE("sums of the largest integers are exact on every target, whatever their width") {
  check_extremes<unsigned_integer<4>>();
  check_extremes<offset_integer<5>>();
  check_extremes<unsigned_integer<6>>();
  check_extremes<unsigned_integer<7>>();
  check_extremes<progression<8, 1, -255>>();
  check_extremes<integer<8>, levels<group<256, quern::f32>>>();
}

TEST_CASE("sums of the largest integers are exact on every target where bytes are looked up") {
  check_extremes<e2m1>();
  check_extremes<steep>();
  check_extremes<shuffled>();
}

TEST_CASE("sums of the largest integers are exact on every target over segments that split quads") {
  check_extremes<unsigned_integer<8>, levels<group<6, quern::f32>>>();
  check_extremes<shuffled, levels<group<10, quern::f32>>>();
}

// ---- activations ----

TEST_CASE("int8 activations differ from x by at most half a step") {
  // The identity matrix gives back what the product made of x; the one rounding of q * unit is 2^-24 of it.
  using B = tiled<codec<integer<8>, levels<tensor<quern::f32>>>>::base;
  using P = product<B, int8<32>>;
  constexpr std::size_t n = 96, m = 7;
  packed<B> w(n, n);
  support::set_codes<B>(w.span(), []<std::size_t K>(std::size_t r, std::size_t c) -> std::uint32_t {
    return K == 0 ? r == c : float_to_bits(1.0f);
  });
  std::vector<float> x = support::random_activations(m, n, 3);
  const float sizes[m] = {1, 0x1p100f, 0x1p-100f, 0x1p120f, 0x1p-112f, 0, 3};
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= sizes[i / n];
  const support::some_product p = support::product_with<P>(w);
  support::on_every_target(p, [&] {
    const std::vector<float> y = support::multiply(p, support::prepared_rows(p, x, m, support::edge::end), m);
    std::size_t beyond = 0;
    for (std::size_t g = 0; g < x.size(); g += 32) {
      double most = 0;
      for (std::size_t i = g; i < g + 32; ++i) most = std::max(most, std::fabs(static_cast<double>(x[i])));
      for (std::size_t i = g; i < g + 32; ++i)
        beyond += !(std::fabs(static_cast<double>(y[i]) - static_cast<double>(x[i])) <= most / 254 * (1 + 0x1p-14));
    }
    CHECK(beyond == 0);
  });
}

namespace {

template <class C, class A>
void check_nonfinite(shape size) {
  using B = typename C::base;
  using P = product<B, A>;
  constexpr std::size_t m = 5;
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const packed<B> w = transcode<B>(support::moderate_weights<typename C::base>(size, 1));
  const support::some_product p = support::product_with<P>(w);
  std::vector<float> weights(size.count());
  reference::decode(w.view(), matrix_view<float>(weights.data(), size.rows, size.cols));
  for (const float bad : {inf, -inf, nan})
    for (const std::size_t col : {std::size_t{0}, size.cols / 2, size.cols - 1}) {
      std::vector<float> x = support::random_activations(m, size.cols, 2);
      x[2 * size.cols + col] = bad;
      std::vector<float> fine = x;
      fine[2 * size.cols + col] = 0;
      support::on_every_target(p, [&] {
        const support::prepared_rows prepared(p, x, m, support::edge::begin), with_0(p, fine, m, support::edge::end);
        const std::vector<float> y = support::multiply(p, prepared, m), want = support::multiply(p, with_0, m);
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < y.size(); ++i) {
          const std::size_t r = i % size.rows;
          if (i / size.rows != 2) wrong += !support::same(y[i], want[i]);
          else if (is_int8<A>) wrong += !is_nan(y[i]);
          else wrong += !support::same(y[i], bad * weights[r * size.cols + col]);
        }
        CHECK(wrong == 0);
      });
    }
}

}  // namespace

TEST_CASE("int8: an activation that is not finite makes its row of y NaN, and no other") {
  check_nonfinite<tiled<gguf::q4_0>, int8<32>>({37, 100});
  check_nonfinite<tiled<groups_of_6>, int8<automatic_group<tiled<groups_of_6>::base>>>({37, 100});
  check_nonfinite<gguf::q4_0, int8<32>>({5, 100});
}

TEST_CASE("f32 and bf16: infinity and NaN act as in f32, on their row of x only") {
  check_nonfinite<tiled<gguf::q4_0>, quern::f32>({37, 100});
  check_nonfinite<tiled<gguf::q4_0>, quern::bf16>({37, 100});
  check_nonfinite<tiled<groups_of_6>, quern::f32>({37, 100});
  check_nonfinite<gguf::q4_0, quern::f32>({5, 100});
}
