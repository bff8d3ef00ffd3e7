// Encode kernels of presets of every family but GGUF, one of each kind of number, scale, layout and fit, on every target.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "quern/catalog/catalog.hpp"
#include "simd/encode_check.hpp"

using namespace quern;

template <class... P>
void check_all(type_list<P...>) {
  (
      [] {
        CAPTURE(P::name);
        static_assert(encodes_by_regions<typename P::base, fit_of<P>>);
        support::check_encode<P>();
      }(),
      ...);
}

TEST_CASE("floats with power-of-two, E4M3 and f32 scales are encoded to the reference's bytes") {
  check_all(type_list<mx::mxfp8_e4m3, mx::mxfp6_e3m2, mx::mxfp4_swizzled, mx::mxint8, nv::nvfp4, nv::nvfp4_inverse,
                      fp8::e4m3_block, fp8::e5m2_channel, mlx::mxfp4>{});
}

TEST_CASE("codebooks and integers with one scale are encoded to the reference's bytes") {
  check_all(type_list<bnb::nf4, bnb::fp4_double, bnb::int8_blockwise, bnb::llm_int8, integers::int_group<4>,
                      compressed_tensors::padded_int3<>, bitnet::hf_inverse>{});
}

TEST_CASE("formats with an offset are encoded to the reference's bytes") {
  check_all(type_list<integers::uint_group<4>, integers::uint_tensor<8>, gptq::v1<4>, mlx::affine<3>, hqq::axis1<3>,
                      hqq::axis1<2>, awq::gemm<64>, awq::gemv_fast<128>, marlin::w4<128>, gptq::v2<3>,
                      compressed_tensors::pack_quantized_asymmetric<4>, torchao::tinygemm<32>>{});
}
