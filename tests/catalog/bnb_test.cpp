// bitsandbytes: against its own numbers, and against its formulas.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/bnb.hpp"

#include <cmath>
#include <string_view>
#include <type_traits>

#include "catalog/decoding.hpp"
#include "quern/number/nearest.hpp"

using namespace quern;
using support::differences;
using support::element;
using support::golden;

namespace {

static_assert(bits_per_weight<bnb::nf4> == 4.5 && bits_per_weight<bnb::nf4_blocks<128>> == 4.25);
static_assert(bits_per_weight<bnb::nf4_double> == 4 + 8.0 / 64 + 32.0 / (64 * 256));
static_assert(bits_per_weight<bnb::int8_blockwise> == 8 + 32.0 / 256 && bits_per_weight<bnb::llm_int8> == 8);
static_assert(std::string_view(bnb::nf4::name) == "bnb.nf4" &&
              std::string_view(bnb::fp4_blocks<128>::name) == "bnb.fp4_b128");

// Equal, and -0 equals 0: the owner's code paths disagree on the sign of FP4's code 8.
std::size_t unequal(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += !(a[i] == b[i]);
  return n;
}

template <class C>
void check_golden(const std::string& name, std::size_t rows, std::size_t cols) {
  CAPTURE(name);
  const auto arrays = support::arrays_of(golden("bnb/" + name + ".packed.u8"), golden("bnb/" + name + ".absmax.f32"));
  CHECK(unequal(support::decoded<C>(arrays, rows, cols),
                support::elements<float>(golden("bnb/" + name + ".decoded.f32"))) == 0);
}

template <class C>
void check_nested_golden(const std::string& name, std::size_t n) {
  CAPTURE(name);
  const auto arrays = support::arrays_of(golden("bnb/" + name + ".packed.u8"), golden("bnb/" + name + ".absmax.u8"),
                                         golden("bnb/" + name + ".nested.f32"), golden("bnb/" + name + ".offset.f32"));
  CHECK(unequal(support::decoded<C>(arrays, 1, n), support::elements<float>(golden("bnb/" + name + ".decoded.f32"))) ==
        0);
}

template <class N>
std::vector<float> table() {
  std::vector<float> t;
  for (std::uint32_t c = 0; c < 1u << N::bits; ++c) t.push_back(N::value(c));
  return t;
}

}  // namespace

TEST_CASE("the tables are the owner's") {
  CHECK(differences(table<bnb::nf4_number>(), support::elements<float>(golden("bnb/nf4.table.f32"))) == 0);
  CHECK(unequal(table<bnb::fp4_number>(), support::elements<float>(golden("bnb/fp4.table.f32"))) == 0);
  CHECK(differences(table<bnb::dynamic8>(), support::elements<float>(golden("bnb/dynamic.table.f32"))) == 0);
  static_assert(bnb::dynamic8::value(127) == 0 && bnb::dynamic8::value(255) == 1);
}

TEST_CASE("four-bit files decode to the owner's numbers") {
  check_golden<bnb::nf4>("nf4_64", 32, 128);
  check_golden<bnb::nf4>("nf4_64", 1, 4096);
  check_golden<bnb::fp4>("fp4_64", 32, 128);
  check_golden<bnb::nf4_blocks<128>>("nf4_128", 32, 128);
  check_golden<bnb::fp4_blocks<128>>("fp4_128", 16, 256);
}

TEST_CASE("double-quantized files decode to the owner's numbers") {
  check_nested_golden<bnb::nf4_double>("nf4_64_nested", 4096);
  check_nested_golden<bnb::fp4_double>("fp4_64_nested", 4096);
  check_nested_golden<bnb::nf4_double>("nf4_64_nested_all", 4096 + 32768);
}

TEST_CASE("the 8-bit dynamic map decodes to the owner's numbers") {
  const auto arrays = support::arrays_of(golden("bnb/dynamic8.codes.u8"), golden("bnb/dynamic8.absmax.f32"));
  const auto want = support::elements<float>(golden("bnb/dynamic8.decoded.f32"));
  CHECK(differences(support::decoded<bnb::int8_blockwise>(arrays, 1, 4096), want) == 0);
  CHECK(differences(support::decoded<bnb::int8_blockwise>(arrays, 16, 256), want) == 0);
}

TEST_CASE("codes are found as the owner finds them") {
  const auto x = support::elements<float>(golden("bnb/input.f32"));
  for (const bool nf4 : {true, false}) {
    const std::string name = nf4 ? "bnb/nf4_64" : "bnb/fp4_64";
    const auto packed = golden(name + ".packed.u8");
    const auto absmax = support::elements<float>(golden(name + ".absmax.f32"));
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < 4096; ++i) {
      const float scaled = absmax[i / 64] == 0 ? 0 : x[i] * (1 / absmax[i / 64]);
      const std::uint32_t code = nf4 ? nearest<bnb::nf4_number>(scaled) : nearest<bnb::fp4_number>(scaled);
      const std::uint32_t want = std::to_integer<std::uint32_t>(packed[i / 2]) >> (i % 2 ? 0 : 4) & 15;
      wrong += nf4 ? code != want : bnb::fp4_number::value(code) != bnb::fp4_number::value(want);
    }
    CAPTURE(name);
    CHECK(wrong == 0);
  }
}

TEST_CASE("codes of the dynamic map are the nearest, ties to the lower") {
  const auto x = support::elements<float>(golden("bnb/input.f32"));
  const auto absmax = support::elements<float>(golden("bnb/dynamic8.absmax.f32"));
  const auto want = golden("bnb/dynamic8.nearest.u8");
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < want.size(); ++i)
    wrong += nearest<bnb::dynamic8>(x[i] / absmax[i / 256]) != std::to_integer<std::uint32_t>(want[i]);
  CHECK(wrong == 0);
}

TEST_CASE("LLM.int8() decodes to code times absmax / 127, one scale for a row") {
  const auto codes = golden("bnb/int8.codes.i8"), scales = golden("bnb/int8.scales.f32");
  const auto x = support::elements<float>(golden("bnb/input.f32"));
  const auto w = support::decoded<bnb::llm_int8>(support::arrays_of(codes, scales), 32, 128);
  std::size_t wrong = 0, far = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const float absmax = element<float>(scales, i / 128);
    wrong += !support::same(w[i], absmax / 127 * static_cast<float>(element<std::int8_t>(codes, i)));
    far += std::abs(w[i] - x[4096 + i]) > absmax / 127 * 0.5001f;
  }
  CHECK(wrong == 0);
  CHECK(far == 0);
}

TEST_CASE("four bits: the earlier of two weights lies in the high nibble") {
  CHECK(support::differences_from<bnb::nf4>(16, 256, [](const auto& p, std::size_t r, std::size_t c) {
          const std::size_t i = r * 256 + c;
          const auto byte = element<std::uint8_t>(p, 0, i / 2);
          return bnb::nf4_values[i % 2 ? byte & 15 : byte >> 4] * element<float>(p, 1, i / 64);
        }) == 0);
  packed<bnb::nf4> p(1, 64);
  p.array(0)[0] = std::byte{0x0f};
  p.array(1)[2] = std::byte{0x80}, p.array(1)[3] = std::byte{0x3f};
  CHECK(reference::decode_one(p.view(), {0, 0}) == -1);
  CHECK(reference::decode_one(p.view(), {0, 1}) == 1);
}

TEST_CASE("double quantization: map times second scale, rounded, plus the mean, rounded") {
  CHECK(support::differences_from<bnb::nf4_double>(1, 32768, [](const auto& p, std::size_t, std::size_t i) {
          const float product = exact(float_from_bits(bnb::dynamic_bits[element<std::uint8_t>(p, 1, i / 64)]) *
                                      element<float>(p, 2, i / 16384));
          const float absmax = exact(product + element<float>(p, 3, 0));
          const auto byte = element<std::uint8_t>(p, 0, i / 2);
          return bnb::nf4_values[i % 2 ? byte & 15 : byte >> 4] * absmax;
        }) == 0);
}

TEST_CASE("blocks that run across the ends of rows are refused, but one row may end within a block") {
  const auto fits = []<class C>(std::type_identity<C>, std::size_t rows, std::size_t cols) {
    return packed<C>::try_make(rows, cols).has_value();
  };
  CHECK(fits(std::type_identity<bnb::nf4>{}, 3, 128));
  CHECK_FALSE(fits(std::type_identity<bnb::nf4>{}, 3, 100));
  CHECK(fits(std::type_identity<bnb::nf4>{}, 1, 101));
  CHECK_FALSE(fits(std::type_identity<bnb::nf4_double>{}, 4, 4096));
  CHECK(fits(std::type_identity<bnb::nf4_double>{}, 1, 16384));
}
