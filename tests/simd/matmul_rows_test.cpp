// Products of int8 activations and rows as they lie in layouts that are no tiles, on every target, against sums in double.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "quern/catalog/gguf.hpp"
#include "quern/catalog/gptq.hpp"
#include "simd/matmul_check.hpp"

using namespace quern;

namespace {

// Levels and minimums of blocks of several rows.
using low_blocks = codec<integer<4>, levels<block<4, 64, f16>>, minimum<block<4, 64, f16>>>;

template <class C, class A = int8<32>>
void check(shape size, std::size_t most) {
  support::check_product<C, C, A>(size, most);
}

}  // namespace

TEST_CASE("int8 products over rows as they lie are within the bound on every target") {
  check<gguf::tq2_0>({33, 257}, 5);
  check<gguf::q4_k>({33, 601}, 5);
  check<gguf::q8_0>({9, 601}, 6);
  check<gguf::iq2_xxs>({9, 520}, 5);
  check<low_blocks, int8<64>>({9, 300}, 5);
  check<gptq::v1<4>>({33, 2320}, 5);
}

TEST_CASE("int8 products over rows of few columns are within the bound on every target") {
  for (const std::size_t cols : {1u, 3u, 7u, 31u, 33u}) check<gguf::q4_0>({3, cols}, 2);
}

TEST_CASE("rows that are laid beside each other for many rows of x give products within the bound on every target") {
  check<gguf::q4_k>({37, 601}, 21);
  check<gguf::q8_0>({35, 2201}, 13);
  check<gguf::iq2_xxs>({20, 520}, 13);
  check<low_blocks, int8<64>>({19, 300}, 13);
  check<gptq::v1<4>>({72, 256}, 13);
  check<gguf::q4_0>({17, 70}, 200);
}
