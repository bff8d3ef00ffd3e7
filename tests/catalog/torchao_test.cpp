// tinygemm int4 before tiling: by formula.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/torchao.hpp"

#include "catalog/decoding.hpp"

using namespace quern;
using support::element;

static_assert(bits_per_weight<torchao::tinygemm<128>> == 4.25 && bits_per_weight<torchao::tinygemm<32>> == 5);

TEST_CASE("(q - 8) * scale + zero, scales and zeros side by side, one row of the array for a group") {
  constexpr std::size_t n = 16, k = 256;
  CHECK(support::differences_from<torchao::tinygemm<128>>(n, k, [](const auto& p, std::size_t r, std::size_t c) {
          const int q = element<std::uint8_t>(p, 0, (r * k + c) / 2) >> (c % 2 ? 0 : 4) & 15;
          const std::size_t pair = (c / 128 * n + r) * 2;
          const float s = bf16::value(element<std::uint16_t>(p, 1, pair)),
                      z = bf16::value(element<std::uint16_t>(p, 1, pair + 1));
          return exact(s * static_cast<float>(q - 8)) + z;
        }) == 0);
}
