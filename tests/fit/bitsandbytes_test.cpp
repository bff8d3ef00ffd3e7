// The fits of bitsandbytes against its own codes.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/bitsandbytes.hpp"

#include <cstdlib>

#include "fit/encoding.hpp"
#include "quern/catalog/bnb.hpp"

namespace {

using namespace encoding;

std::vector<float> weights(std::size_t n) {
  std::vector<float> x = floats("bnb/input.f32");
  x.resize(n);
  return x;
}

template <class C>
void check_four_bits(const std::string& name, std::size_t n) {
  const auto p = encoded<C>(weights(n), 1, n);
  CHECK(differing(p.array(1), golden("bnb/" + name + ".absmax.f32")) == 0);
  CHECK(differing(p.array(0), golden("bnb/" + name + ".packed.u8")) == 0);
}

TEST_CASE("NF4 is bitsandbytes', short last blocks included") {
  check_four_bits<bnb::nf4_blocks<64>>("nf4_64", 4096);
  check_four_bits<bnb::nf4_blocks<128>>("nf4_128", 4096);
  check_four_bits<bnb::nf4_blocks<64>>("nf4_64_short", 1001);
}

TEST_CASE("FP4 is bitsandbytes' but for the sign of zero") {  // its CUDA kernel codes what is below 0 as -0
  const auto p = encoded<bnb::fp4_blocks<64>>(weights(4096), 1, 4096);
  CHECK(differing(p.array(1), golden("bnb/fp4_64.absmax.f32")) == 0);
  CHECK(decoded(p) == floats("bnb/fp4_64.decoded.f32"));
}

TEST_CASE("8-bit blocks are the nearest entries of the map; the CPU library's bins miss few") {
  const auto p = encoded<bnb::int8_blockwise>(weights(4096), 1, 4096);
  CHECK(differing(p.array(1), golden("bnb/dynamic8.absmax.f32")) == 0);
  CHECK(differing(p.array(0), golden("bnb/dynamic8.nearest.u8")) == 0);
  CHECK(differing(p.array(0), golden("bnb/dynamic8.codes.u8")) <= 83);  // as many as the package's two ways differ
}

// The mean is summed in double here and in f32 there, in an order that depends on the machine; what follows from it may
// be off by one, and only rarely.
TEST_CASE("compressed statistics are bitsandbytes' up to the last bit of the mean") {
  const std::vector<float> x = weights(36864);
  const auto p = encoded<bnb::nf4_double>(x, 1, x.size());
  CHECK(differing(p.array(0), golden("bnb/nf4_64_nested_all.packed.u8")) == 0);
  CHECK(differing(p.array(1), golden("bnb/nf4_64_nested_all.absmax.u8")) <= 2);
  const auto same_float = [](std::span<const std::byte> ours, const std::vector<std::byte>& theirs) {
    for (std::size_t i = 0; i < theirs.size() / 4; ++i)
      CHECK(std::abs(support::element<std::int32_t>(ours, i) - support::element<std::int32_t>(theirs, i)) <= 1);
  };
  same_float(p.array(2), golden("bnb/nf4_64_nested_all.nested.f32"));
  same_float(p.array(3), golden("bnb/nf4_64_nested_all.offset.f32"));
}

TEST_CASE("LLM.int8() rows are bitsandbytes'") {
  const std::vector<float> x = floats("bnb/input.f32");
  const auto p = encoded<bnb::llm_int8>(std::span(x).subspan(4096, 4096), 32, 128);
  CHECK(differing(p.array(0), golden("bnb/int8.codes.i8")) == 0);
  CHECK(differing(p.array(1), golden("bnb/int8.scales.f32")) == 0);
}

TEST_CASE("the stored statistic of LLM.int8() is the row's greatest magnitude itself, whatever it is") {
  std::vector<float> x = bell(20000, 1, 3);
  const auto p = encoded<bnb::llm_int8>(x, x.size(), 1);
  for (std::size_t r = 0; r < x.size(); ++r) CHECK(support::element<float>(p.array(1), r) == magnitude(x[r]));
}

}  // namespace
