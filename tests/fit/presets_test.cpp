// Presets with their own fits, one of each kind: what decoding gives is encoded to itself, and no scale is ever
// infinite.
// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "fit/encoding.hpp"
#include "quern/catalog/catalog.hpp"

namespace {

using namespace encoding;

// 16 x 256 where the owner's shapes allow, else larger, else one row.
template <class C>
shape shape_for() {
  for (const shape s : {shape{16, 256}, shape{32, 256}, shape{256, 128}, shape{1, 16384}})
    if (packed<C>::try_make(s.rows, s.cols)) return s;
  return {0, 0};
}

using presets = type_list<gguf::q4_0, gguf::q4_1, gguf::q8_0, gguf::q2_k, gguf::q3_k, gguf::q4_k, gguf::q6_k,
                          gguf::iq4_nl, gguf::iq4_xs, gguf::mxfp4, gguf::nvfp4, gguf::q1_0, gguf::tq1_0, gguf::bf16,
                          mx::mxfp8_e5m2, mx::mxfp6_e2m3, mx::mxfp4, mx::mxint8, nv::nvfp4, nv::nvfp4_inverse, bnb::nf4,
                          bnb::fp4, bnb::nf4_double, bnb::int8_blockwise, bnb::llm_int8, gptq::v1<4>, gptq::v2<3>,
                          awq::gemm<128>, mlx::affine<4>, mlx::mxfp8, mlx::nvfp4, compressed_tensors::pack_quantized<4>,
                          compressed_tensors::pack_quantized_asymmetric<4>, compressed_tensors::mxfp4, hqq::axis1<2>,
                          torchao::tinygemm<128>, marlin::w4<128>, bitnet::hf, fp8::e4m3_block, ik::iq4_k>;

// f(packed) for every preset, of these weights as its own fit encodes them.
void each_preset(auto weights, auto f) {
  for_each_type(presets{}, [&]<class C>() {
    const shape s = shape_for<C>();
    REQUIRE_MESSAGE(s.count() > 0, C::name);
    const std::vector<float> x = weights(s.count());
    INFO(C::name);
    f(encoded<C>(x, s.rows, s.cols));
  });
}

TEST_CASE("what decoding gives is encoded to itself with the stored scales") {
  each_preset([](std::size_t n) { return bell(n, 0.05f, 30); },
              []<class C>(const packed<C>& p) {
                std::size_t changed = 0;
                for (std::size_t r = 0; r < p.rows(); r += 3)
                  for (std::size_t c = 0; c < p.cols(); ++c) {
                    const affine stored{reference::scale_at(p.view(), {r, c}), reference::offset_at(p.view(), {r, c})};
                    const float y = reference::decode_one(p.view(), {r, c});
                    const std::uint32_t code = code_of<C, absmax>(y, map_of<C, absmax>(stored, stored));
                    changed += C::symmetry::weight(stored.scale, C::number::value(code), stored.offset) != y;
                  }
                CHECK(changed == 0);
              });
}

TEST_CASE("no preset stores a scale or an offset that is infinite or NaN") {
  const auto check = []<class C>(const packed<C>& p) {
    bool finite = true;
    each_part<C>([&]<std::size_t K>() {
      if constexpr (K > 0)
        for (std::size_t c = 0; c < p.cols(); ++c)
          finite = finite && is_finite(value<part_number<C, K>>(code_at<K>(p.view(), {0, c})));
    });
    CHECK(finite);
    CHECK_FALSE(is_nan(reference::decode_one(p.view(), {0, 0})));
  };
  for (const float v : {0.0f, 0.75f, 1e-41f, -1e30f, std::numeric_limits<float>::max()})
    each_preset([&](std::size_t n) { return std::vector<float>(n, v); }, check);
  each_preset([](std::size_t n) { return bell(n, 1e37f, 31); }, check);
}

}  // namespace
