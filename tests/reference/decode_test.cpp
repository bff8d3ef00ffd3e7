// Decoding: the weight that codes, scales and offsets stand for, in every symmetry and layout.
// SPDX-License-Identifier: Apache-2.0
#include "quern/reference/decode.hpp"

#include <array>
#include <vector>

#include "quern/catalog/gguf.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/storage/packed.hpp"
#include "support.hpp"

namespace {
using namespace quern;
using half = quern::f16;
using single = quern::f32;

// ---- constexpr: a block of Q4_0 ----

constexpr auto first_and_last_of_q4_0 = [] {
  std::array<std::byte, 18> block{};
  block[1] = std::byte{0x38};   // 0.5
  block[2] = std::byte{0x3f};   // 15 and 3
  block[17] = std::byte{0x08};  // 8 and 0
  const auto v = *packed_view<gguf::q4_0>::try_make(block, 1, 32);
  return std::array{reference::decode_one(v, {0, 0}), reference::decode_one(v, {0, 16}),
                    reference::decode_one(v, {0, 15}), reference::decode_one(v, {0, 31})};
}();
static_assert(first_and_last_of_q4_0 == std::array{3.5f, -2.5f, 0.0f, -4.0f});

// ---- random codes against the formula, written without combine_levels or weight ----

// Random codes; those of floats made so that no value is NaN or infinite.
template <class C>
packed<C> random_weights(std::size_t rows, std::size_t cols) {
  packed<C> p(rows, cols);
  support::random_source random(rows * 1000 + cols);
  each_part<C>([&]<std::size_t K>() {
    const shape region = within(parts<C>[K].region, p.size());
    for (std::size_t r = 0; r < rows; r += region.rows)
      for (std::size_t c = 0; c < cols; c += region.cols) {
        std::uint32_t code = 0;
        do code = static_cast<std::uint32_t>(random()) & low_bits(parts<C>[K].bits);
        while (!is_finite(value<part_number<C, K>>(code)));
        set_code<K>(p.span(), {r, c}, code);
      }
  });
  return p;
}
// f(value of a code of part K at the weight).
template <class C>
std::size_t differences(std::size_t rows, std::size_t cols, auto formula) {
  const packed<C> p = random_weights<C>(rows, cols);
  std::vector<float> got(rows * cols), want;
  reference::decode(p.view(), matrix_view<float>(got.data(), rows, cols));
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < cols; ++c)
      want.push_back(formula([&]<class Part>(Part) {
        using N = part_number<C, index_of<C>(Part::id)>;
        return value<N>(code_at<Part>(p.view(), {r, c}), c % elements<N>);
      }));
  return support::differences(got, want);
}
constexpr codes q;
template <std::uint8_t L = 0>
constexpr scale<L> s;
template <std::uint8_t L = 0>
constexpr offset<L> o;

TEST_CASE("each symmetry is its formula") {
  using N = unsigned_integer<5>;
  using G = levels<group<10, half>>;
  using O = group<20, quern::bf16>;
  const auto check = [](auto codec_type, auto formula) {
    CHECK(differences<decltype(codec_type)>(3, 37, formula) == 0);
  };
  check(codec<N, levels<>>{}, [](auto at) { return at(q); });
  check(codec<N, G>{}, [](auto at) { return at(s<>) * at(q); });
  check(codec<N, G, zero_point<O>>{}, [](auto at) { return at(s<>) * (at(q) - at(o<>)); });
  check(codec<N, G, minimum<O>>{}, [](auto at) {
    const volatile float product = at(s<>) * at(q);
    return product - at(o<>);
  });
  check(codec<N, G, bias<O>>{}, [](auto at) {
    const volatile float product = at(s<>) * at(q);
    return product + at(o<>);
  });
}
TEST_CASE("levels multiply from the coarsest, and a level may be added") {
  using N = integer<4>;
  CHECK(differences<codec<N, levels<group<8, e4m3>, group<32, half>, tensor<single>>>>(
            4, 70, [](auto at) { return at(s<2>) * at(s<1>) * at(s<0>) * at(q); }) == 0);
  CHECK(differences<codec<N, levels<plus<tensor<single>>, group<8, e4m3>, channel<half>>>>(4, 70, [](auto at) {
          const volatile float product = at(s<2>) * at(s<1>);
          return (product + at(s<0>)) * at(q);
        }) == 0);
  CHECK(differences<codec<N, levels<group<8, half>>, minimum<group<8, e4m3>, channel<half>>>>(4, 70, [](auto at) {
          const volatile float product = at(s<>) * at(q);
          return product - at(o<1>) * at(o<0>);
        }) == 0);
}
TEST_CASE("regions may be blocks, rows, columns, all") {
  using N = e4m3;
  const auto product = [](auto at) { return at(s<>) * at(q); };
  CHECK(differences<codec<N, levels<block<4, 8, single>>>>(9, 20, product) == 0);
  CHECK(differences<codec<N, levels<channel<single>>>>(9, 20, product) == 0);
  CHECK(differences<codec<N, levels<block<all, 1, single>>>>(9, 20, product) == 0);
  CHECK(differences<codec<N, levels<tensor<single>>>>(9, 20, product) == 0);
  CHECK(differences<codec<N, levels<group<32, e8m0>>>>(9, 100, product) == 0);
}
TEST_CASE("vector formats have an element for each column") {
  CHECK(differences<codec<gguf::iq1_grid, levels<group<32, half>>>>(3, 64, [](auto at) { return at(s<>) * at(q); }) ==
        0);
  CHECK(differences<codec<gguf::iq3_xxs::number, levels<channel<half>>>>(2, 20,
                                                                         [](auto at) { return at(s<>) * at(q); }) == 0);
}

// ---- windows and strides ----

TEST_CASE("a window decodes as the rows of the whole") {
  const auto p = random_weights<gguf::q5_k>(6, 256);
  std::vector<float> whole_matrix(6 * 256), window(2 * 300, -1);
  reference::decode(p.view(), matrix_view<float>(whole_matrix.data(), 6, 256));
  reference::decode(p.view().rows(3, 2), matrix_view<float>(window.data(), 2, 256, 300));
  for (std::size_t c = 0; c < 256; ++c) {
    CHECK(support::same(window[c], whole_matrix[3 * 256 + c]));
    CHECK(support::same(window[300 + c], whole_matrix[4 * 256 + c]));
  }
  CHECK(window[256] == -1);  // what lies between the rows is not touched
}

}  // namespace
