// The fits of other owners against what their own packages made.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>

#include "quern/catalog/awq.hpp"
#include "quern/catalog/bitnet.hpp"
#include "quern/catalog/bnb.hpp"
#include "quern/catalog/compressed_tensors.hpp"
#include "quern/catalog/hqq.hpp"
#include "quern/catalog/mlx.hpp"
#include "quern/catalog/mx.hpp"
#include "quern/catalog/nv.hpp"
#include "quern/fit/absmean.hpp"
#include "quern/fit/bitsandbytes.hpp"
#include "quern/fit/half_range.hpp"
#include "quern/fit/mlx.hpp"
#include "quern/fit/mx.hpp"
#include "quern/fit/nvfp4.hpp"
#include "quern/fit/zero_point.hpp"
#include "quern/reference/encode.hpp"
#include "quern/storage/packed.hpp"
#include "support.hpp"

namespace {

using namespace quern;
using support::elements;
using support::golden;

template <class C, class Fit>
packed<C> encoded(std::span<const float> x, std::size_t rows, std::size_t cols) {
  packed<C> p(rows, cols);
  const auto ok = reference::encode<C, Fit>(matrix_view<const float>(x.data(), rows, cols), p.span());
  REQUIRE(ok);
  return p;
}
std::size_t differ(std::span<const std::byte> a, std::span<const std::byte> b) {
  REQUIRE(a.size() == b.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += a[i] != b[i];
  return n;
}

TEST_CASE("probe") {
  {
    const auto x = elements<float>(golden("mlx/input.f32"));
    auto go = [&]<unsigned B>() {
      const auto p = encoded<mlx::affine<B, 64, quern::f32>, mlx_affine>(x, 8, 256);
      const std::string n = "mlx/affine" + std::to_string(B);
      std::printf("mlx %u: %zu %zu %zu\n", B, differ(p.array(0), golden(n + ".packed.u32")), differ(p.array(1), golden(n + ".scales.f32")),
                  differ(p.array(2), golden(n + ".biases.f32")));
    };
    go.template operator()<2>(), go.template operator()<3>(), go.template operator()<4>(), go.template operator()<5>();
    go.template operator()<6>(), go.template operator()<8>();
    auto h = x;
    for (auto& v : h) v = to_float(to_f16(v));
    const auto p = encoded<mlx::affine<4, 64, quern::f16>, mlx_affine>(h, 8, 256);
    std::printf("mlx half: %zu %zu %zu\n", differ(p.array(0), golden("mlx/affine4_half.packed.u32")),
                differ(p.array(1), golden("mlx/affine4_half.scales.f16")), differ(p.array(2), golden("mlx/affine4_half.biases.f16")));
    const auto m4 = encoded<mlx::mxfp4, mlx_mxfp4>(x, 8, 256);
    const auto m8 = encoded<mlx::mxfp8, mlx_mxfp8>(x, 8, 256);
    const auto n4 = encoded<mlx::nvfp4, mlx_nvfp4>(x, 8, 256);
    std::printf("mlx mxfp4 %zu %zu mxfp8 %zu %zu nvfp4 %zu %zu\n", differ(m4.array(0), golden("mlx/mxfp4.packed.u8")),
                differ(m4.array(1), golden("mlx/mxfp4.scales.u8")), differ(m8.array(0), golden("mlx/mxfp8.packed.u8")),
                differ(m8.array(1), golden("mlx/mxfp8.scales.u8")), differ(n4.array(0), golden("mlx/nvfp4.packed.u8")),
                differ(n4.array(1), golden("mlx/nvfp4.scales.u8")));
  }
  {
    const auto x = elements<float>(golden("nvfp4/input.f32"));
    const auto p = encoded<nv::nvfp4, nvfp4_scales>(x, 8, 128);
    std::printf("torchao nvfp4 %zu %zu %zu\n", differ(p.array(0), golden("nvfp4/torchao.codes.u8")),
                differ(p.array(1), golden("nvfp4/torchao.scales.u8")), differ(p.array(2), golden("nvfp4/torchao.global.f32")));
    const auto o = encoded<mlx::nvfp4, nvfp4_scales>(x, 8, 128);
    std::printf("torchao one level %zu %zu\n", differ(o.array(0), golden("nvfp4/torchao_one_level.codes.u8")),
                differ(o.array(1), golden("nvfp4/torchao_one_level.scales.u8")));
    const auto c = encoded<compressed_tensors::nvfp4, nvfp4_scales_or_epsilon>(x, 8, 128);
    std::printf("ct nvfp4 %zu %zu %zu\n", differ(c.array(0), golden("nvfp4/ct.codes.u8")),
                differ(c.array(1), golden("nvfp4/ct.scales.u8")), differ(c.array(2), golden("nvfp4/ct.global.f32")));
  }
  {
    const auto x = elements<float>(golden("ct/weights.f32"));
    const auto p = encoded<compressed_tensors::pack_quantized<4, 32, quern::f32>, half_range>(x, 32, 128);
    std::printf("ct sym %zu %zu\n", differ(p.array(0), golden("ct/symmetric.packed.i32")),
                differ(p.array(1), golden("ct/symmetric.scales.f32")));
    const auto a = encoded<compressed_tensors::pack_quantized_asymmetric<4, 32, quern::f32>, stored_range>(x, 32, 128);
    std::printf("ct asym %zu %zu %zu\n", differ(a.array(0), golden("ct/asymmetric.packed.i32")),
                differ(a.array(1), golden("ct/asymmetric.scales.f32")), differ(a.array(2), golden("ct/asymmetric.zeros.i32")));
  }
  {
    const auto x = elements<float>(golden("hqq/input.f32"));
    auto go = [&]<unsigned B>() {
      const auto p = encoded<hqq::axis1<B, 64, quern::f32>, hqq_range>(x, 32, 192);
      const std::string n = "hqq/" + std::to_string(B);
      std::printf("hqq %u: %zu %zu %zu\n", B, differ(p.array(0), golden(n + ".packed.u8")), differ(p.array(1), golden(n + ".scales.f32")),
                  differ(p.array(2), golden(n + ".zeros.f32")));
    };
    go.template operator()<1>(), go.template operator()<2>(), go.template operator()<4>(), go.template operator()<8>();
  }
  {
    auto x = elements<float>(golden("bnb/input.f32"));
    const auto i8 = encoded<bnb::llm_int8, llm_int8_row>(std::span(x).subspan(4096, 4096), 32, 128);
    std::printf("llm int8 %zu %zu\n", differ(i8.array(0), golden("bnb/int8.codes.i8")), differ(i8.array(1), golden("bnb/int8.scales.f32")));
    const std::span<const float> head = std::span(x).first(4096);
    auto n = encoded<bnb::nf4_blocks<64>, blockwise>(head, 1, 4096);
    std::printf("nf4 %zu %zu\n", differ(n.array(0), golden("bnb/nf4_64.packed.u8")), differ(n.array(1), golden("bnb/nf4_64.absmax.f32")));
    auto f = encoded<bnb::fp4_blocks<64>, blockwise>(head, 1, 4096);
    std::printf("fp4 %zu %zu\n", differ(f.array(0), golden("bnb/fp4_64.packed.u8")), differ(f.array(1), golden("bnb/fp4_64.absmax.f32")));
    auto s = encoded<bnb::nf4_blocks<64>, blockwise>(std::span(x).first(1001), 1, 1001);
    std::printf("nf4 short %zu %zu\n", differ(s.array(0), golden("bnb/nf4_64_short.packed.u8")), differ(s.array(1), golden("bnb/nf4_64_short.absmax.f32")));
    auto d = encoded<bnb::nf4_double, blockwise>(head, 1, 4096);
    std::printf("nf4 double %zu %zu %zu %zu\n", differ(d.array(0), golden("bnb/nf4_64_nested.packed.u8")), differ(d.array(1), golden("bnb/nf4_64_nested.absmax.u8")),
                differ(d.array(2), golden("bnb/nf4_64_nested.nested.f32")), differ(d.array(3), golden("bnb/nf4_64_nested.offset.f32")));
    auto da = encoded<bnb::nf4_double, blockwise>(x, 1, x.size());
    std::printf("nf4 double all %zu %zu %zu %zu\n", differ(da.array(0), golden("bnb/nf4_64_nested_all.packed.u8")), differ(da.array(1), golden("bnb/nf4_64_nested_all.absmax.u8")),
                differ(da.array(2), golden("bnb/nf4_64_nested_all.nested.f32")), differ(da.array(3), golden("bnb/nf4_64_nested_all.offset.f32")));
    auto b = encoded<bnb::int8_blockwise, blockwise>(head, 1, 4096);
    std::printf("dynamic8 nearest %zu codes %zu absmax %zu\n", differ(b.array(0), golden("bnb/dynamic8.nearest.u8")), differ(b.array(0), golden("bnb/dynamic8.codes.u8")),
                differ(b.array(1), golden("bnb/dynamic8.absmax.f32")));
  }
  {
    const auto x = elements<float>(golden("mx/input.f32"));
    const auto sc = golden("mx/ct.scales.u8");
    auto go = [&]<class C, mx_rule R>(const char* e, std::size_t mode) {
      const auto p = encoded<C, mx_scale<R>>(x, 32, 32);
      const auto scales = golden(std::string("mx/") + e + ".scales.u8"), codes = golden(std::string("mx/") + e + ".codes.u8");
      const std::size_t per = codes.size() / 4 / 32;
      std::printf("mx %s mode %zu:", e, mode);
      // torchao keeps a 6-bit code in a byte
      for (std::size_t b = 0; b < 32; ++b) {
        std::size_t d = 0;
        for (std::size_t i = 0; i < 32; ++i) {
          const auto ours = code_at<quern::codes>(p.view(), {b, i});
          const auto at = codes[mode * 32 * per + b * per + i * per / 32];
          const auto theirs = per == 16 ? (std::to_integer<unsigned>(at) >> i % 2 * 4 & 15) : std::to_integer<unsigned>(at);
          d += ours != theirs;
        }
        const bool s = p.array(1)[b] != scales[mode * 32 + b];
        if (d || s) std::printf(" block %zu (%d vs %d): %zu;", b, int(p.array(1)[b]), int(scales[mode * 32 + b]), d);
      }
      std::printf("\n");
    };
    auto all4 = [&]<class C>(const char* e) {
      go.template operator()<C, mx_rule::floor>(e, 0), go.template operator()<C, mx_rule::ceil>(e, 1);
      go.template operator()<C, mx_rule::ceil_of_log2f>(e, 2), go.template operator()<C, mx_rule::even>(e, 3);
    };
    all4.template operator()<mx::mxfp8_e4m3>("e4m3"), all4.template operator()<mx::mxfp8_e5m2>("e5m2");
    all4.template operator()<mx::mxfp6_e3m2>("e3m2"), all4.template operator()<mx::mxfp6_e2m3>("e2m3");
    all4.template operator()<mx::mxfp4>("e2m1");
    const auto c4 = encoded<mx::mxfp4, mx_scale<mx_rule::even_fp4>>(x, 32, 32);
    const auto c8 = encoded<mx::mxfp8_e4m3, mx_scale<mx_rule::even_fp4>>(x, 32, 32);
    for (std::size_t b = 0; b < 32; ++b) {
      if (c4.array(1)[b] != sc[b]) std::printf("ct 4: block %zu %d vs %d\n", b, int(c4.array(1)[b]), int(sc[b]));
      if (c8.array(1)[b] != sc[64 + b]) std::printf("ct 8: block %zu %d vs %d\n", b, int(c8.array(1)[b]), int(sc[64 + b]));
    }
  }
}

}  // namespace
