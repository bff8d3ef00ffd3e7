// HQQ: all widths against its own bit packing and dequantize.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/hqq.hpp"

#include <string>

#include "catalog/decoding.hpp"
#include "quern/number/f32.hpp"

using namespace quern;
using support::element;
using support::golden;

namespace {

static_assert(bits_per_weight<hqq::axis1<4>> == 4.5 && bits_per_weight<hqq::axis1<2, 16>> == 4);

template <unsigned Bits>
void check_golden(const std::string& suffix = "") {
  const std::string name = "hqq/" + std::to_string(Bits) + suffix;
  CAPTURE(name);
  const auto w = support::decoded<hqq::axis1<Bits, 64, f32>>(
      support::arrays_of(golden(name + (Bits == 3 ? ".packed.i32" : ".packed.u8")), golden(name + ".scales.f32"),
                         golden(name + ".zeros.f32")),
      32, 192);
  CHECK(support::differences(w, support::elements<float>(golden(name + ".decoded.f32"))) == 0);
}

}  // namespace

TEST_CASE("every width decodes to HQQ's numbers") {
  check_golden<8>();
  check_golden<4>();
  check_golden<3>();
  check_golden<2>();
  check_golden<1>();
  check_golden<4>("_optimized");
  check_golden<2>("_optimized");
}

TEST_CASE("four bits: the first half of the groups lies in the high nibbles") {
  constexpr std::size_t n = 64, k = 128, half = n * k / 2;
  CHECK(support::differences_from<hqq::axis1<4>>(n, k, [](const auto& p, std::size_t r, std::size_t c) {
          const std::size_t i = r * k + c;
          const auto byte = element<std::uint8_t>(p, 0, i % half);
          const auto q = static_cast<float>(i < half ? byte >> 4 : byte & 15);
          return f16::value(element<std::uint16_t>(p, 1, i / 64)) *
                 (q - f16::value(element<std::uint16_t>(p, 2, i / 64)));
        }) == 0);
}

TEST_CASE("shapes that make no equal slabs of whole groups are refused") {
  CHECK_FALSE(packed<hqq::axis1<4>>::try_make(8, 100).has_value());
  CHECK_FALSE(packed<hqq::axis1<4>>::try_make(3, 64).has_value());
  CHECK(packed<hqq::axis1<4>>::try_make(4, 64).has_value());
  CHECK(packed<hqq::axis1<3>>::try_make(3, 64).has_value());
}
