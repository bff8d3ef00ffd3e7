// Encoding of grids, whose fits choose whole blocks, by the kernels' entry: the reference's bytes, whatever the host's mode
// of floating point.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <algorithm>

#include "quern/api/matrices.hpp"
#include "quern/catalog/gguf.hpp"
#include "simd/encode_check.hpp"

using namespace quern;

TEST_CASE("grids are encoded to the reference's bytes") {
  using support::weights;
  for (const weights kind : {weights::uniform, weights::zeros, weights::subnormal, weights::huge}) {
    support::check_encode<gguf::iq2_xs>({3, 512}, kind);
    support::check_encode<gguf::iq3_s>({3, 512}, kind);
    support::check_important<gguf::iq1_m>({3, 512}, kind);
  }
}

TEST_CASE("a matrix of a grid is quantized by the public function") {
  const support::weight_matrix x({5, 512}, 512, support::weights::uniform, support::edge::end);
  const packed<gguf::iq2_xxs> p = quantize<gguf::iq2_xxs>(x.view());
  packed<gguf::iq2_xxs> want(5, 512);
  REQUIRE(reference::encode<gguf::iq2_xxs>(x.view(), want.span()));
  CHECK(std::ranges::equal(p.array(0), want.array(0)));
}
