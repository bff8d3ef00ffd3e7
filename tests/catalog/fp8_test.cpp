// 8-bit floats: by formula.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/fp8.hpp"

#include "catalog/decoding.hpp"

using namespace quern;
using support::element;

static_assert(bits_per_weight<fp8::e4m3_tensor> == 8 && bits_per_weight<fp8::e5m2_channel> == 8);
static_assert(bits_per_weight<fp8::e4m3_block> == 8 + 32.0 / (128 * 128));

TEST_CASE("one scale for a tensor, a row, or a block that the edges may cut") {
  const auto values4 = support::elements<float>(support::golden("numbers/e4m3.decode.f32"));
  const auto values5 = support::elements<float>(support::golden("numbers/e5m2.decode.f32"));
  constexpr std::size_t rows = 150, cols = 300;
  const auto weight = [&](const auto& values, const auto& p, std::size_t r, std::size_t c, std::size_t scale) {
    return element<float>(p, 1, scale) * values[element<std::uint8_t>(p, 0, r * cols + c)];
  };
  using std::size_t;
  CHECK(support::differences_from<fp8::e4m3_tensor>(
            rows, cols, [&](const auto& p, size_t r, size_t c) { return weight(values4, p, r, c, 0); }) == 0);
  CHECK(support::differences_from<fp8::e5m2_tensor>(
            rows, cols, [&](const auto& p, size_t r, size_t c) { return weight(values5, p, r, c, 0); }) == 0);
  CHECK(support::differences_from<fp8::e4m3_channel>(
            rows, cols, [&](const auto& p, size_t r, size_t c) { return weight(values4, p, r, c, r); }) == 0);
  CHECK(support::differences_from<fp8::e5m2_channel>(
            rows, cols, [&](const auto& p, size_t r, size_t c) { return weight(values5, p, r, c, r); }) == 0);
  const auto block = [](size_t r, size_t c) { return r / 128 * 3 + c / 128; };
  CHECK(support::differences_from<fp8::e4m3_block>(
            rows, cols, [&](const auto& p, size_t r, size_t c) { return weight(values4, p, r, c, block(r, c)); }) == 0);
  CHECK(support::differences_from<fp8::e5m2_block>(
            rows, cols, [&](const auto& p, size_t r, size_t c) { return weight(values5, p, r, c, block(r, c)); }) == 0);
}
