// Products: what activations become, what a sum means, how far a kernel may be off.
// SPDX-License-Identifier: Apache-2.0
#include "quern/reference/dot.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "quern/catalog/gguf.hpp"
#include "quern/reference/matmul.hpp"
#include "quern/storage/packed.hpp"
#include "support.hpp"

namespace {
using namespace quern;
constexpr float infinity = std::numeric_limits<float>::infinity();

// ---- activations ----

static_assert(reference::round_to_integer(2.5f) == 2 && reference::round_to_integer(-3.5f) == -4);
static_assert(reference::round_to_integer(126.99999f) == 127 && reference::round_to_integer(-0.4f) == 0);

template <class A, std::size_t N>
constexpr std::array<double, N> activated(const std::array<float, N>& x) {
  std::array<double, N> out{};
  reference::activate<A>(x, out);
  return out;
}
static_assert(activated<quern::f32>(std::array{1.5f, -0x1p-149f})[1] == -0x1p-149);
static_assert(activated<quern::bf16>(std::array{1.00390625f, 1.01171875f}) ==
              std::array{1.0, 1.015625});  // ties to even
static_assert(activated<int8<4>>(std::array{127.f, -63.5f, 0.49f, 2.f, 1.f, 0.f}) ==
              std::array{127.0, -64.0, 0.0, 2.0, 127.0 * (1.0f / 127), 0.0});
static_assert(activated<int8<4>>(std::array{0.f, 0.f, 0.f, 0.f})[3] == 0);
static_assert(activated<int8<4>>(std::array{0x1p-120f, 0.f, 0.f, 0.f})[0] == 0);

TEST_CASE("what is not finite spoils its row with int8") {
  for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    std::array<float, 8> x{1, 2, 3, 4, 5, 6, bad, 8};
    for (const double v : activated<int8<4>>(x)) CHECK(std::isnan(v));
  }
}
template <class A>
void check_activation_error() {
  support::random_source random(17);
  std::vector<float> x(1000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = random.uniform() * std::ldexp(1.0f, static_cast<int>(i / 4) - 140);
  std::vector<double> seen(x.size()), error(x.size());
  reference::activate<A>(x, seen);
  reference::activation_error<A>(x, error);
  for (std::size_t i = 0; i < x.size(); ++i) {
    CAPTURE(x[i]);
    CHECK(std::abs(seen[i] - static_cast<double>(x[i])) <= error[i]);
  }
}
TEST_CASE("activations are no further off than is said") {
  check_activation_error<quern::f32>();
  check_activation_error<quern::bf16>();
  check_activation_error<int8<4>>();
  check_activation_error<int8<32>>();
}

// ---- products ----

// Two rows of q * s - m: s = 0.5; m = 1.5 and 0.
using small = codec<unsigned_integer<4>, levels<group<4, gguf::f16::number>>, minimum<group<4, gguf::f16::number>>,
                    blocked<4, stream<scale<>>, stream<offset<>>, stream<codes>>>;
constexpr std::array<std::byte, 12> rows_of_small{
    std::byte{0x00}, std::byte{0x38}, std::byte{0x00}, std::byte{0x3e}, std::byte{0x21}, std::byte{0x43},  //
    std::byte{0x00}, std::byte{0x38}, std::byte{0x00}, std::byte{0x00}, std::byte{0xf0}, std::byte{0x08}};
constexpr auto small_view = *packed_view<small>::try_make(rows_of_small, 2, 4);  // -1 -0.5 0 0.5; 0 7.5 4 0
constexpr std::array<double, 4> x{1, -2, 3, 4};
static_assert(reference::dot(small_view, 0, x).value == -1 + 1 + 0 + 2);
static_assert(reference::dot(small_view, 0, x).size == (0.5 + 2 * 1 + 3 * 1.5 + 4 * 2) + 1.5 * (1 + 2 + 3 + 4));
static_assert(reference::dot(small_view, 1, x).value == -15 + 12 && reference::dot(small_view, 1, x).size == 15 + 12);
static_assert(reference::dot(*small_view.try_rows(1, 1), 0, x).value == -3);
static_assert(reference::product_bound({5, 16}, 6) == 16 * 16 * 0x1p-24 + 6 * 0x1p-125);

TEST_CASE("a product in float, in any order, keeps the bound") {
  packed<gguf::q4_k> w(4, 512);
  support::random_source random(3);
  for (std::size_t r = 0; r < 4; ++r)
    each_part<gguf::q4_k>([&]<std::size_t K>() {
      for (std::size_t c = 0; c < 512; c += parts<gguf::q4_k>[K].region.cols) {
        const auto code = static_cast<std::uint32_t>(random()) & low_bits(parts<gguf::q4_k>[K].bits);
        set_code<K>(w.span(), {r, c}, parts<gguf::q4_k>[K].bits == 16 ? 0x2c00 | (code & 0x83ff) : code);
      }
    });
  std::vector<float> v(512);
  for (float& value : v) value = random.uniform();
  const std::vector<double> exact_v(v.begin(), v.end());
  for (std::size_t r = 0; r < 4; ++r) {
    const reference::sum want = reference::dot(w.view(), r, exact_v);
    float forwards = 0, backwards = 0, scaled = 0, sums = 0;
    for (std::size_t c = 0; c < 512; ++c) {
      const coord at{r, c}, mirrored{r, 511 - c};
      forwards += reference::decode_one(w.view(), at) * v[c];
      backwards += reference::decode_one(w.view(), mirrored) * v[511 - c];
      const float q = gguf::q4_k::number::value(code_at<codes>(w.view(), at));
      scaled += reference::scale_at(w.view(), at) * (q * v[c]);
      sums += reference::offset_at(w.view(), at) * v[c];
    }
    const double bound = reference::product_bound(want, 512);
    CHECK(std::abs(static_cast<double>(forwards) - want.value) <= bound);
    CHECK(std::abs(static_cast<double>(backwards) - want.value) <= bound);
    CHECK(std::abs(static_cast<double>(scaled) - static_cast<double>(sums) - want.value) <= bound);
    CHECK(bound < 0.01 * want.size);
  }
}

}  // namespace
