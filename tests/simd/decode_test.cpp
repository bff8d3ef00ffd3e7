// Decode kernels of GGUF's presets, on every target.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "quern/catalog/awq.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/catalog/gptq.hpp"
#include "quern/catalog/hqq.hpp"
#include "quern/catalog/marlin.hpp"
#include "quern/catalog/torchao.hpp"
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

TEST_CASE("formats whose arrays lie by columns, in words of rows or in slabs decode to the reference's bits") {
  for_each_type(type_list<gptq::v1<3>, gptq::v1<8>, gptq::v2<4, 32>, gptq::v1<4, all>, awq::gemm<32>, awq::gemv_fast<64>,
                          torchao::tinygemm<32>, hqq::axis1<3>, hqq::axis1<4>>(),
                []<class C>() {
                  CAPTURE(C::name);
                  support::check_decode<C>({32, 1152});
                  support::check_decode<C>({96, 128});
                });
  for_each_type(marlin::presets{}, []<class C>() { support::check_decode<C>({256, 640}); });
}

TEST_CASE("a matrix without elements is decoded to nothing") {
  support::check_decode<gguf::q4_k>({0, 256});
  support::check_decode<gguf::q4_k>({4, 0});
}
