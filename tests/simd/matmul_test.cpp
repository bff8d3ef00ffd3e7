// Products of weights and activations, on every target, against sums in double.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "quern/catalog/bnb.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/catalog/nv.hpp"
#include "simd/matmul_check.hpp"

using namespace quern;
using support::check_product;

namespace {

// Several levels and zero points, in groups that divide no vector.
using groups_of_48 = codec<offset_integer<5>, levels<group<48, f16>>>;
using groups_of_80 = codec<codebook<gguf::nl_values>, levels<group<80, f16>, tensor<quern::f32>>>;
using groups_of_6 = codec<offset_integer<3>, levels<group<6, f16>>, zero_point<group<6, unsigned_integer<4>>>>;
using a_channel = codec<integer<8>, levels<channel<quern::f32>>>;
using square_blocks = codec<e4m3, levels<block<128, 128, quern::f32>>>;
using low_blocks = codec<integer<4>, levels<block<4, 64, f16>>, minimum<block<4, 64, f16>>>;
using brains = codec<bf16, levels<group<64, f16>>>;

constexpr shape ragged{37, 601};

// C in tiles, and as it is.
template <class C, class A>
void check_tiled(shape size = ragged, std::size_t most = 9) {
  check_product<C, tiled<C>, A>(size, most);
}
template <class C>
using int8_of = int8<automatic_group<typename tiled<C>::base>>;

}  // namespace

// Few products, as each is compiled anew for every target; each stands for a way through the kernels.

TEST_CASE("int8 products over planes of tiles are within the bound on every target") {
  check_tiled<gguf::q4_0, int8<32>>();
  check_tiled<gguf::q4_k, int8<32>>();
  check_tiled<gguf::q6_k, int8<32>>();
  check_tiled<gguf::nvfp4, int8<32>>();
  check_tiled<a_channel, int8<32>>({150, 300}, 5);
  check_tiled<low_blocks, int8<64>>();
}

TEST_CASE("f32 products over planes of tiles are within the bound on every target") {
  check_tiled<gguf::q4_k, quern::f32>(ragged, 11);
  check_tiled<gguf::q2_k, quern::f32>({33, 300}, 5);
  check_tiled<gguf::q5_0, quern::f32>({33, 300}, 5);
  check_tiled<gguf::q6_k, quern::f32>({33, 300}, 5);
  check_tiled<square_blocks, quern::f32>({150, 300}, 5);
  check_tiled<bnb::nf4, quern::f32>();
}

TEST_CASE("bf16 products are those of rounded activations") {
  check_tiled<gguf::q4_k, quern::bf16>({150, 300}, 11);
  check_tiled<gguf::q5_0, quern::bf16>({33, 300}, 5);
  check_tiled<gguf::q6_k, quern::bf16>({33, 300}, 5);
  check_tiled<square_blocks, quern::bf16>({150, 300}, 5);
  check_tiled<bnb::nf4, quern::bf16>({33, 300}, 5);
  check_tiled<groups_of_6, quern::bf16>({33, 130}, 5);
  check_product<gguf::q4_0, gguf::q4_0, quern::bf16>(ragged, 5);
}

TEST_CASE("more rows of x than meet one slice of weights") {
  check_tiled<gguf::q4_0, quern::bf16>({20, 70}, 200);
}

TEST_CASE("products over expanded tiles are within the bound on every target") {
  check_tiled<groups_of_48, int8_of<groups_of_48>>();
  check_tiled<groups_of_80, quern::f32>();
  check_tiled<groups_of_6, int8_of<groups_of_6>>();
  check_tiled<gguf::iq2_xxs, int8<32>>({37, 520}, 13);
  check_tiled<gguf::iq3_xxs, quern::f32>({33, 520}, 5);
  check_tiled<gguf::iq1_m, int8<32>>({33, 520}, 13);
}

TEST_CASE("products of decoded weights are within the bound on every target") {
  check_tiled<brains, quern::f32>(ragged, 5);
  check_product<gguf::q4_0, gguf::q4_0, quern::f32>(ragged);
  check_product<nv::nvfp4, nv::nvfp4, quern::f32>(ragged, 5);
}

TEST_CASE("products of matrices smaller than a tile are within the bound on every target") {
  for (const std::size_t cols : {1u, 3u, 7u, 31u, 33u}) {
    check_tiled<gguf::q4_0, int8<32>>({1, cols}, 2);
    check_tiled<gguf::q4_k, quern::f32>({16, cols}, 2);
    check_tiled<groups_of_6, int8_of<groups_of_6>>({17, cols}, 2);
    check_product<gguf::q4_0, gguf::q4_0, quern::f32>({3, cols}, 2);
  }
}

TEST_CASE("a matrix without rows gives nothing, and one without columns gives zeros") {
  using B = tiled<gguf::q4_0>::base;
  using P = product<B, int8<32>>;
  const packed<B> no_rows(0, 32), no_cols(5, 0);
  const support::some_product p = support::product_with<P>(no_rows);
  const support::some_product q = support::product_with<P>(no_cols);
  support::on_every_target(p, [&] {
    const std::vector<float> x = support::random_activations(3, 32, 1);
    CHECK(support::multiply(p, support::prepared_rows(p, x, 3, support::edge::end), 3).empty());
    std::vector<float> y(15, 1.0f);
    q.matmul(0, 5, support::prepared_rows(q, {}, 3, support::edge::end).data(), {y.data(), 3, 5});
    CHECK(y == std::vector<float>(15, 0.0f));
  });
}
