// BitNet: the packing of transformers and of bitnet.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/bitnet.hpp"

#include "catalog/decoding.hpp"

using namespace quern;
using support::element;
using support::golden;

namespace {

std::vector<std::byte> bytes_of(float x) {
  std::vector<std::byte> b(4);
  for (unsigned i = 0; i < 4; ++i) b[i] = static_cast<std::byte>(float_to_bits(x) >> 8 * i);
  return b;
}

std::size_t wrong(const std::vector<float>& w, const std::vector<std::int8_t>& q, float scale) {
  REQUIRE(w.size() == q.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < w.size(); ++i) n += w[i] != scale * static_cast<float>(q[i]);
  return n;
}

}  // namespace

TEST_CASE("transformers: four quarters of the rows share a byte") {
  const auto q = support::elements<std::int8_t>(golden("bitnet/input.i8")),
             example = support::elements<std::int8_t>(golden("bitnet/example.input.i8"));
  CHECK(wrong(support::decoded<bitnet::hf>(support::arrays_of(golden("bitnet/hf.packed.u8"), bytes_of(0.5f)), 16, 24),
              q, 0.5f) == 0);
  CHECK(wrong(support::decoded<bitnet::hf_inverse>(support::arrays_of(golden("bitnet/hf.packed.u8"), bytes_of(4.0f)),
                                                   16, 24),
              q, 0.25f) == 0);
  CHECK(
      wrong(support::decoded<bitnet::hf>(support::arrays_of(golden("bitnet/example.packed.u8"), bytes_of(1.0f)), 8, 2),
            example, 1) == 0);
  CHECK_FALSE(packed<bitnet::hf>::try_make(6, 8).has_value());
}

TEST_CASE("bitnet.cpp: the first quarter of a block lies in the top bits") {
  const auto q = support::elements<std::int8_t>(golden("bitnet/i2_s.input.i8"));
  const auto split = [](const std::vector<std::byte>& file) {  // weights, then the scale, then nothing
    return support::arrays_of(std::vector<std::byte>(file.begin(), file.begin() + 128),
                              std::vector<std::byte>(file.begin() + 128, file.begin() + 132));
  };
  CHECK(wrong(support::decoded<bitnet::i2_s>(split(golden("bitnet/i2_s.x86.u8")), 4, 128), q, 0.75f) == 0);
  CHECK(wrong(support::decoded<bitnet::i2_s_arm>(split(golden("bitnet/i2_s.arm.u8")), 4, 128), q, 0.75f) == 0);
  CHECK_FALSE(packed<bitnet::i2_s>::try_make(4, 64).has_value());
}

TEST_CASE("I2_S by formula") {
  CHECK(support::differences_from<bitnet::i2_s>(16, 256, [](const auto& p, std::size_t r, std::size_t c) {
          const int q = element<std::uint8_t>(p, 0, r * 64 + c / 128 * 32 + c % 32) >> (6 - 2 * (c % 128 / 32)) & 3;
          return element<float>(p, 1, 0) * static_cast<float>(q - 1);
        }) == 0);
}
