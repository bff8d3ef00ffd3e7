// AWQ: the three arrangements against packed checkpoints.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/awq.hpp"

#include <cmath>

#include "catalog/decoding.hpp"
#include "quern/storage/locate.hpp"

using namespace quern;
using support::element;
using support::golden;

static_assert(bits_per_weight<awq::gemm<128>> == 4 + 20.0 / 128);

TEST_CASE("gemm decodes to the owner's numbers") {
  const auto arrays =
      support::arrays_of(golden("awq/gemm.qweight.i32"), golden("awq/gemm.qzeros.i32"), golden("gptq/scales.f16"));
  const auto want = support::elements<float>(golden("gptq/4.decoded.f32"));
  CHECK(support::differences(support::decoded<awq::gemm<64>>(arrays, 64, 256), want) == 0);
}

TEST_CASE("gemv decodes to the owner's numbers, groups padded to whole words") {
  const auto arrays =
      support::arrays_of(golden("awq/gemv.qweight.i32"), golden("awq/gemv.qzeros.i32"), golden("awq/gemv.scales.f16"));
  const auto want = support::elements<float>(golden("gptq/4.decoded.f32"));
  CHECK(support::differences(support::decoded<awq::gemv<64>>(arrays, 64, 256), want) == 0);
}

TEST_CASE("gemv_fast adds -s * z, which was rounded to a half, to s * q") {
  const auto scales = golden("awq/fast.scales.f16"), zeros = golden("awq/fast.qzeros.f16"),
             codes = golden("gptq/codes.u8");
  const auto w =
      support::decoded<awq::gemv_fast<64>>(support::arrays_of(golden("awq/fast.qweight.i16"), zeros, scales), 64, 256);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::size_t group = i % 256 / 64 * 64 + i / 256;
    const auto half = [&](const auto& a) { return f16::value(element<std::uint16_t>(a, group)); };
    const auto q = static_cast<float>(element<std::uint8_t>(codes, i) & 15);
    wrong += !support::same(w[i], exact(half(scales) * q) + half(zeros));
  }
  CHECK(wrong == 0);
}

TEST_CASE("outputs 0 to 7 with values 0 to 7 are the word 0x75316420") {
  packed<awq::gemm<128>> p(8, 128);
  for (std::uint32_t j = 0; j < 8; ++j) set_code<codes>(p.span(), {j, 0}, j);
  CHECK(element<std::uint32_t>(p, 0, 0) == 0x75316420);
}

TEST_CASE("gemm, by formula") {
  constexpr std::size_t n = 64, k = 256;
  CHECK(support::differences_from<awq::gemm<128>>(n, k, [](const auto& p, std::size_t r, std::size_t c) {
          constexpr unsigned nibble[] = {0, 4, 1, 5, 2, 6, 3, 7};
          const auto q = element<std::uint32_t>(p, 0, c * (n / 8) + r / 8) >> 4 * nibble[r % 8] & 15;
          const auto z = element<std::uint32_t>(p, 1, c / 128 * (n / 8) + r / 8) >> 4 * nibble[r % 8] & 15;
          return f16::value(element<std::uint16_t>(p, 2, c / 128 * n + r)) *
                 (static_cast<float>(q) - static_cast<float>(z));
        }) == 0);
}
