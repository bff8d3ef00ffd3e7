// A kernel of each kind, for every target that is compiled: where the other tests are compiled for a few targets, this one
// file is compiled for all. Each codec stands for a way through the kernels.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "quern/catalog/bnb.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/catalog/gptq.hpp"
#include "simd/encode_check.hpp"
#include "simd/matmul_check.hpp"

using namespace quern;

namespace {

// Groups that divide no vector, and blocks of several rows.
using groups_of_6 = codec<offset_integer<3>, levels<group<6, f16>>, zero_point<group<6, unsigned_integer<4>>>>;
using low_blocks = codec<integer<4>, levels<block<4, 64, f16>>, minimum<block<4, 64, f16>>>;
using channels = codec<e4m3_nan, levels<channel<bf16>>>;

template <class C, class A>
void check_tiled(shape size, std::size_t most) {
  support::check_product<C, tiled<C>, A>(size, most);
}

}  // namespace

TEST_CASE("blocks of planes, grids, words of rows, tables and tiles are decoded to the reference's bits") {
  support::check_decode<gguf::q4_k>({3, 1536});
  support::check_decode<gguf::q3_k>({3, 768});
  support::check_decode<gguf::iq3_xxs>({3, 768});
  support::check_decode<gguf::iq4_nl>({5, 1056});
  support::check_decode<gptq::v1<3>>({32, 1152});
  support::check_decode<tiled<gguf::q5_0>>({33, 601});
  support::check_decode<groups_of_6>({9, 601});
}

TEST_CASE("regions by statistics and by searches, and grids, are encoded to the reference's bytes") {
  support::check_encode<gguf::q8_0>();
  support::check_encode<groups_of_6>();
  support::check_encode<channels>();
  support::check_encode<tiled<gguf::q5_0>>();
  support::check_encode<gguf::q4_k>({3, 768}, support::weights::uniform);
  support::check_important<gguf::q3_k>({3, 768}, support::weights::uniform);
  support::check_important<gguf::iq4_xs>({3, 768}, support::weights::ties);
  support::check_encode<gguf::iq2_xs>({2, 512}, support::weights::uniform);
  support::check_important<gguf::iq1_s>({2, 512}, support::weights::uniform);
}

TEST_CASE("products over tiles are within the bound") {
  check_tiled<gguf::q4_0, int8<32>>({37, 601}, 9);
  check_tiled<gguf::q6_k, int8<32>>({33, 300}, 5);
  check_tiled<gguf::iq2_xxs, int8<32>>({33, 520}, 5);
  check_tiled<gguf::q4_k, quern::f32>({37, 601}, 9);
  check_tiled<gguf::q4_k, quern::bf16>({33, 300}, 5);
  check_tiled<bnb::nf4, quern::f32>({33, 300}, 5);
  check_tiled<groups_of_6, quern::bf16>({33, 130}, 5);
}

TEST_CASE("products over rows as they lie are within the bound") {
  support::check_product<gguf::q4_k, gguf::q4_k, int8<32>>({9, 601}, 5);
  support::check_product<low_blocks, low_blocks, int8<64>>({9, 300}, 5);
  support::check_product<gguf::q4_0, gguf::q4_0, quern::f32>({9, 601}, 5);
}
