// encode, decode and dot of spans.
// SPDX-License-Identifier: Apache-2.0
#include "quern/api/blocks.hpp"

#include <cmath>
#include <limits>

#include "api/codecs.hpp"
#include "quern/reference/decode.hpp"

namespace {
using namespace api;

constexpr std::size_t n = 3 * block_elements<blocks>, size = 3 * block_bytes<blocks>;

TEST_CASE("a row of blocks is encoded, decoded and multiplied") {
  const std::vector<float> x = random_floats(n), y = random_floats(n, 2);
  std::vector<std::byte> bytes(size);
  encode<blocks>(x, bytes);
  CHECK(std::ranges::equal(bytes, quantize<blocks>(view_of(x, 1, n)).array(0)));

  std::vector<float> decoded(n), want(n);
  decode<blocks>(bytes, decoded);
  reference::decode(packed_view<blocks::base>(bytes, 1, n), view_of(want, 1, n));
  CHECK(support::differences(decoded, want) == 0);

  double sum = 0, magnitude = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double product = static_cast<double>(want[i]) * static_cast<double>(y[i]);
    sum += product, magnitude += std::fabs(product);
  }
  CHECK(std::fabs(static_cast<double>(dot<blocks>(bytes, y)) - sum) <= (n + 2) * 0x1p-24 * magnitude);
}

TEST_CASE("spans that do not fit are refused, and say why") {
  std::vector<float> x(n);
  std::vector<std::byte> bytes(size);
  const auto too_long = try_encode<blocks>(x, std::span(bytes).first(size - 1));
  REQUIRE(!too_long);
  CHECK(too_long.error().value == size - 1);
  CHECK(too_long.error().bound == size);
  CHECK(!try_decode<blocks>(bytes, std::span(x).first(n - block_elements<blocks>)));
  CHECK(!try_dot<blocks>(std::span(bytes).first(0), x));
  CHECK_THROWS_AS(encode<blocks>(x, std::span(bytes).first(1)), error);
  CHECK_THROWS_AS(decode<blocks>(std::span(bytes).first(1), x), error);
  CHECK_THROWS_AS(dot<blocks>(std::span(bytes).first(1), x), error);
}

TEST_CASE("a weight that is not finite is refused with its index, and nothing is written") {
  std::vector<float> x(n, 1.0f);
  x[37] = std::numeric_limits<float>::infinity();
  std::vector<std::byte> bytes(size, std::byte{0x5a});
  const auto r = try_encode<blocks>(x, bytes);
  REQUIRE(!r);
  CHECK(r.error().value == 37);
  CHECK(bytes == std::vector<std::byte>(size, std::byte{0x5a}));
}

TEST_CASE("no weights are no bytes") {
  CHECK(try_encode<blocks>({}, {}));
  CHECK(try_decode<blocks>({}, {}));
  const auto zero = try_dot<blocks>({}, {});
  REQUIRE(zero);
  CHECK(*zero == 0);
}

}  // namespace
