// An engine with vector code of its own, into whose passes the kernels go: no dispatch between its loop and theirs.
// SPDX-License-Identifier: Apache-2.0
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "program/engine.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "program/shared.hpp"
#include "quern/simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace program {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void MultiplyRelu(weights w, const std::byte* prepared, quern::matrix_view<float> y) {
  quern::HWY_NAMESPACE::Matmul<quern::product<log4_32::base, quern::f32>>(w, prepared, y);
  const hn::CappedTag<float, 16> d;
  for (std::size_t r = 0; r < y.rows(); ++r) {
    std::size_t c = 0;
    for (; c + hn::Lanes(d) <= y.cols(); c += hn::Lanes(d))
      hn::StoreU(hn::Max(hn::LoadU(d, y.row(r) + c), hn::Zero(d)), d, y.row(r) + c);
    for (; c < y.cols(); ++c) y(r, c) = y(r, c) > 0 ? y(r, c) : 0;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace program
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace program {

HWY_EXPORT(MultiplyRelu);

void engine(weights w, quern::matrix_view<const float> x, quern::matrix_view<float> y) {
  using P = quern::product<log4_32::base, quern::f32>;
  auto prepared = quern::aligned_bytes::try_make(quern::prepared_bytes<P>(x.rows(), x.cols()));
  quern::product_kernels<P>::prepare(x, prepared.span().data());  // the dispatched way in works here, too
  HWY_DYNAMIC_DISPATCH(MultiplyRelu)(w, prepared.span().data(), y);
}

}  // namespace program
#endif
