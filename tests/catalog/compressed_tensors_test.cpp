// compressed-tensors: packing and decoding against the package, and by formula.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/compressed_tensors.hpp"

#include <algorithm>
#include <string>

#include "catalog/decoding.hpp"
#include "quern/storage/locate.hpp"

using namespace quern;
using support::element;
using support::golden;
namespace ct = compressed_tensors;

namespace {

static_assert(bits_per_weight<ct::pack_quantized<4>> == 4.125 && bits_per_weight<ct::pack_quantized<3>> == 3.125);
static_assert(bits_per_weight<ct::padded_int3<>> == 3.2 + 0.125 && bits_per_weight<ct::nvfp4> == 4.5);

// Codes of a matrix, packed by us, as the words of the array.
template <class C>
std::vector<std::uint32_t> packed_words(const std::vector<std::int8_t>& q, std::size_t rows, std::size_t cols,
                                        int half) {
  packed<C> p(rows, cols);
  for (std::size_t i = 0; i < q.size(); ++i)
    set_code<codes>(p.span(), {i / cols, i % cols}, static_cast<std::uint32_t>(q[i] + half));
  return support::elements<std::uint32_t>(p.array(0));
}

// Rows of 44 codes: the package cuts the last word's rest off; Quern has whole units.
template <unsigned Bits>
void check_rows() {
  CAPTURE(Bits);
  const std::string name = "ct/pack" + std::to_string(Bits);
  const auto q = support::elements<std::int8_t>(golden(name + ".input.i8"));
  const auto want = support::elements<std::uint32_t>(golden(name + ".rows.i32"));
  const auto got = packed_words<ct::pack_quantized<Bits, 32>>(q, 8, 44, 1 << (Bits - 1));
  const std::size_t wide = got.size() / 8, narrow = want.size() / 8;
  for (std::size_t r = 0; r < 8; ++r)
    for (std::size_t w = 0; w < wide; ++w) CHECK(got[r * wide + w] == (w < narrow ? want[r * narrow + w] : 0));
}

}  // namespace

TEST_CASE("weights are packed along rows as the package packs them") {
  check_rows<3>();
  check_rows<4>();
  check_rows<8>();
}

TEST_CASE("3 bits, ten to a word, as older releases pack them") {
  const auto q = support::elements<std::int8_t>(golden("ct/pack3.input.i8"));
  const auto want = support::elements<std::uint32_t>(golden("ct/pack3.padded.i32"));
  auto got = packed_words<ct::padded_int3<32>>(q, 8, 44, 4);
  REQUIRE(got.size() == want.size());
  for (std::size_t r = 0; r < 8; ++r) CHECK(std::equal(&got[r * 5], &got[r * 5] + 4, &want[r * 5]));
  for (std::size_t r = 0; r < 8; ++r) CHECK((got[r * 5 + 4] & 0xfff) == (want[r * 5 + 4] & 0xfff));
}

TEST_CASE("zero points are packed down columns as the package packs them") {
  const auto check = [](auto bits, std::size_t rows) {
    constexpr unsigned b = decltype(bits)::value;
    CAPTURE(b);
    const auto name = "ct/pack" + std::to_string(b);
    const auto q = support::elements<std::int8_t>(golden(name + ".input.i8"));
    const auto want = support::elements<std::uint32_t>(golden(name + ".columns.i32"));
    // 44 columns of codes of the package are 44 groups of 8 rows of weights here.
    packed<ct::pack_quantized_asymmetric<b, 32>> p(8, 44 * 32);
    for (std::size_t i = 0; i < q.size(); ++i)
      set_code<offset<0>>(p.span(), {i / 44, i % 44 * 32}, static_cast<std::uint32_t>(q[i] + (1 << (b - 1))));
    const auto got = support::elements<std::uint32_t>(p.array(2));
    REQUIRE(got.size() >= want.size());
    CHECK(rows * 44 == want.size());
    CHECK(std::equal(want.begin(), want.end(), got.begin()));
    CHECK(std::all_of(got.begin() + static_cast<std::ptrdiff_t>(want.size()), got.end(),
                      [](std::uint32_t w) { return w == 0; }));
  };
  check(std::integral_constant<unsigned, 3>{}, 1);
  check(std::integral_constant<unsigned, 4>{}, 1);
  check(std::integral_constant<unsigned, 8>{}, 2);
}

TEST_CASE("symmetric and asymmetric int4 decode to the package's numbers") {
  const auto symmetric = support::decoded<ct::pack_quantized<4, 32, f32>>(
      support::arrays_of(golden("ct/symmetric.packed.i32"), golden("ct/symmetric.scales.f32")), 32, 128);
  CHECK(support::differences(symmetric, support::elements<float>(golden("ct/symmetric.decoded.f32"))) == 0);
  const auto asymmetric = support::decoded<ct::pack_quantized_asymmetric<4, 32, f32>>(
      support::arrays_of(golden("ct/asymmetric.packed.i32"), golden("ct/asymmetric.scales.f32"),
                         golden("ct/asymmetric.zeros.i32")),
      32, 128);
  CHECK(support::differences(asymmetric, support::elements<float>(golden("ct/asymmetric.decoded.f32"))) == 0);
}

TEST_CASE("by formula, on random bytes") {
  constexpr std::size_t n = 64, k = 256;
  const auto scale = [](const auto& p, std::size_t r, std::size_t c) {
    return bf16::value(element<std::uint16_t>(p, 1, r * 2 + c / 128));
  };
  const auto field = [](std::uint32_t word, std::size_t i, unsigned bits) {
    return static_cast<int>(word >> i * bits & ((1u << bits) - 1));
  };
  CHECK(support::differences_from<ct::pack_quantized<4>>(n, k, [&](const auto& p, std::size_t r, std::size_t c) {
          return static_cast<float>(field(element<std::uint32_t>(p, 0, r * (k / 8) + c / 8), c % 8, 4) - 8) *
                 scale(p, r, c);
        }) == 0);
  CHECK(support::differences_from<ct::padded_int3<>>(n, k, [&](const auto& p, std::size_t r, std::size_t c) {
          return static_cast<float>(field(element<std::uint32_t>(p, 0, r * 26 + c / 10), c % 10, 3) - 4) *
                 scale(p, r, c);
        }) == 0);
  CHECK(support::differences_from<ct::pack_quantized<8, all>>(n, k, [&](const auto& p, std::size_t r, std::size_t c) {
          return static_cast<float>(field(element<std::uint32_t>(p, 0, r * (k / 4) + c / 4), c % 4, 8) - 128) *
                 bf16::value(element<std::uint16_t>(p, 1, r));
        }) == 0);
  CHECK(support::differences_from<ct::pack_quantized_asymmetric<4>>(
            n, k, [&](const auto& p, std::size_t r, std::size_t c) {
              const int q = field(element<std::uint32_t>(p, 0, r * (k / 8) + c / 8), c % 8, 4);
              const int z = field(element<std::uint32_t>(p, 2, r / 8 * 2 + c / 128), r % 8, 4);
              return static_cast<float>(q - z) * scale(p, r, c);
            }) == 0);
  CHECK(support::differences_from<ct::int8_channel>(n, k, [&](const auto& p, std::size_t r, std::size_t c) {
          return bf16::value(element<std::uint16_t>(p, 1, r)) *
                 static_cast<float>(element<std::int8_t>(p, 0, r * k + c));
        }) == 0);
}
