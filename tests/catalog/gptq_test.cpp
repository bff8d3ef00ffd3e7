// GPTQ: all widths against packed checkpoints, both ways of storing a zero point.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/gptq.hpp"

#include <string>
#include <string_view>

#include "catalog/decoding.hpp"
#include "quern/storage/locate.hpp"

using namespace quern;
using support::element;
using support::golden;

namespace {

static_assert(bits_per_weight<gptq::v1<4>> == 4 + 20.0 / 128 && bits_per_weight<gptq::v2<3, 64>> == 3 + 19.0 / 64);
static_assert(std::string_view(gptq::v1<4>::name) == "gptq.v1_4bit_g128");
static_assert(std::string_view(gptq::v2<3, all>::name) == "gptq.v2_3bit_channel");

template <unsigned Bits>
void check_golden() {
  CAPTURE(Bits);
  const std::string name = "gptq/" + std::to_string(Bits);
  const auto want = support::elements<float>(golden(name + ".decoded.f32"));
  const auto arrays = [&](const char* zeros) {
    return support::arrays_of(golden(name + ".qweight.i32"), golden(name + zeros), golden("gptq/scales.f16"));
  };
  CHECK(support::differences(support::decoded<gptq::v1<Bits, 64>>(arrays(".qzeros_v1.i32"), 64, 256), want) == 0);
  CHECK(support::differences(support::decoded<gptq::v2<Bits, 64>>(arrays(".qzeros_v2.i32"), 64, 256), want) == 0);
}

}  // namespace

TEST_CASE("2, 3, 4 and 8 bits decode to the owner's numbers, v1 and v2") {
  check_golden<2>();
  check_golden<3>();
  check_golden<4>();
  check_golden<8>();
}

TEST_CASE("one group for a whole column") {
  constexpr std::size_t n = 64, k = 256;
  CHECK(support::differences_from<gptq::v1<4, all>>(n, k, [](const auto& p, std::size_t r, std::size_t c) {
          const auto q = element<std::uint32_t>(p, 0, c / 8 * n + r) >> 4 * (c % 8) & 15;
          const auto z = ((element<std::uint32_t>(p, 1, r / 8) >> 4 * (r % 8)) + 1) & 15;
          return f16::value(element<std::uint16_t>(p, 2, r)) * (static_cast<float>(q) - static_cast<float>(z));
        }) == 0);
}

TEST_CASE("v1 stores a zero point less one, modulo the number of codes: words 0x77777777 mean 8") {
  static_assert(gptq::less_one<4>::value(7) == 8 && gptq::less_one<4>::value(15) == 0);
  packed<gptq::v1<4>> p(32, 128);
  for (std::byte& b : p.array(1)) b = std::byte{0x77};
  for (std::size_t r = 0; r < 32; ++r) CHECK(gptq::less_one<4>::value(code_at<offset<0>>(p.view(), coord{r, 3})) == 8);
}

TEST_CASE("3 bits are one stream of 96: codes 10 and 21 lie in two words") {
  packed<gptq::v2<3, 32>> p(32, 32);
  for (const std::size_t c : {10u, 21u}) set_code<codes>(p.span(), {0, c}, 7);
  CHECK(element<std::uint32_t>(p, 0, 0) == 0xc0000000);
  CHECK(element<std::uint32_t>(p, 0, 32) == 0x80000001);
  CHECK(element<std::uint32_t>(p, 0, 64) == 0x00000003);
}

TEST_CASE("shapes that have no whole words are refused") {
  CHECK_FALSE(packed<gptq::v1<4>>::try_make(40, 128).has_value());
  CHECK_FALSE(packed<gptq::v1<4>>::try_make(32, 100).has_value());
  CHECK(packed<gptq::v1<4>>::try_make(32, 160).has_value());
}
