// Encoding of grids, whose fits choose whole blocks, by the kernels' entry: the reference's bytes, whatever the host's mode
// of floating point.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <algorithm>
#include <vector>

#include "quern/api/matrices.hpp"
#include "quern/catalog/gguf.hpp"
#include "simd/encode_check.hpp"

using namespace quern;

TEST_CASE("grids are encoded to the reference's bytes") {
  using support::weights;
  for (const weights kind : {weights::uniform, weights::zeros, weights::subnormal, weights::huge}) {
    support::check_encode<gguf::iq2_xs>({3, 512}, kind);
    support::check_encode<gguf::iq3_s>({3, 512}, kind);
    support::check_encode<gguf::iq1_s>({2, 512}, kind);
    support::check_important<gguf::iq1_m>({3, 512}, kind);
    support::check_important<gguf::iq2_xxs>({2, 512}, kind);
    support::check_important<gguf::iq2_s>({2, 512}, kind);
    support::check_important<gguf::iq3_xxs>({2, 512}, kind);
  }
}

// Splits that explain the same, and scales that give the same points.
TEST_CASE("grids of weights with many equals are encoded to the reference's bytes") {
  for_each_type(type_list<gguf::iq1_s, gguf::iq1_m, gguf::iq2_xxs, gguf::iq3_s>{}, []<class C>() {
    std::vector<float> x(4 * 256);
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] = i < 256 ? 1.0f : static_cast<float>(i * 7 % (i < 512 ? 2 : i < 768 ? 3 : 5)) - 1;
    const matrix_view<const float> rows(x.data(), 4, 256);
    packed<C> p(4, 256), want(4, 256);
    REQUIRE(operations_of<C>().encode(rows, p.span(), {}, nonfinite::refuse));
    REQUIRE(reference::encode<C>(rows, want.span()));
    CHECK(std::ranges::equal(p.array(0), want.array(0)));
  });
}

TEST_CASE("a matrix of a grid is quantized by the public function") {
  const support::weight_matrix x({5, 512}, 512, support::weights::uniform, support::edge::end);
  const packed<gguf::iq2_xxs> p = quantize<gguf::iq2_xxs>(x.view());
  packed<gguf::iq2_xxs> want(5, 512);
  REQUIRE(reference::encode<gguf::iq2_xxs>(x.view(), want.span()));
  CHECK(std::ranges::equal(p.array(0), want.array(0)));
}
