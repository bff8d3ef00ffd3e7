// Decode kernels of GGUF's presets, on every target.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "quern/catalog/gguf.hpp"
#include "simd/decode_check.hpp"

using namespace quern;

TEST_CASE("every GGUF format decodes to the reference's bits on every target") {
  for_each_type(gguf::presets{}, []<class C>() {
    CAPTURE(C::name);
    constexpr std::size_t block = block_elements<C>;
    support::check_decode<C>({5, block == 1 ? 1041 : block < 256 ? 1024 + block : 1536});
    support::check_decode<C>({3, block == 1 ? 7 : block});
  });
}

TEST_CASE("a matrix without elements is decoded to nothing") {
  support::check_decode<gguf::q4_k>({0, 256});
  support::check_decode<gguf::q4_k>({4, 0});
}
