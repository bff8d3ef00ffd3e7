// Definitions of the kernels: compiles them for every SIMD target of this translation unit and picks the best one of the
// CPU at run time. A program needs this header in the translation units that use or instantiate kernels, and no others.
//
// Include order (Highway's own rule): before any "hwy/highway.h". A translation unit with SIMD code of its own includes
// "hwy/foreach_target.h" first, as Highway prescribes, then this; the kernels then join its per-target passes, and
// quern::HWY_NAMESPACE::Decode and its kind inline into its loops without dispatch.
// SPDX-License-Identifier: Apache-2.0
#include "quern/kernels.hpp"

#if defined(HWY_HIGHWAY_INCLUDED) && !defined(HIGHWAY_HWY_FOREACH_TARGET_H_)
#error "quern/simd.hpp must precede hwy/highway.h, or follow hwy/foreach_target.h"
#endif

#ifndef HIGHWAY_HWY_FOREACH_TARGET_H_  // nobody drives the per-target passes yet: drive them here
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quern/simd/kernels-inl.hpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#endif
#include "quern/simd/kernels-inl.hpp"  // the static target, or the current pass of the including file

#if HWY_ONCE && !defined(QUERN_SIMD_HPP_)
#define QUERN_SIMD_HPP_

namespace quern::inline v0 {

template <any_codec C, std::int64_t Targets>
void kernels<C, Targets>::decode(packed_view<C> w, matrix_view<float> out) noexcept {
  HWY_EXPORT_T(Table, Decode<C>);
  HWY_DYNAMIC_DISPATCH_T(Table)(w, out);
}

template <any_codec C, std::int64_t Targets>
void kernels<C, Targets>::decode_rows(packed_view<C> w, std::span<const std::uint32_t> rows, matrix_view<float> out) noexcept {
  HWY_EXPORT_T(Table, DecodeRows<C>);
  HWY_DYNAMIC_DISPATCH_T(Table)(w, rows, out);
}

template <any_codec C, std::int64_t Targets>
std::int64_t kernels<C, Targets>::target() noexcept {
  HWY_EXPORT_T(Table, Target);
  return HWY_DYNAMIC_DISPATCH_T(Table)();
}

template <class Product, std::int64_t Targets>
void product_kernels<Product, Targets>::prepare(matrix_view<const float> x, std::byte* prepared) noexcept {
  HWY_EXPORT_T(Table, Prepare<Product>);
  HWY_DYNAMIC_DISPATCH_T(Table)(x, prepared);
}

template <class Product, std::int64_t Targets>
void product_kernels<Product, Targets>::matmul(packed_view<C> w, const std::byte* prepared, matrix_view<float> y) noexcept {
  HWY_EXPORT_T(Table, Matmul<Product>);
  HWY_DYNAMIC_DISPATCH_T(Table)(w, prepared, y);
}

}  // namespace quern::inline v0

#endif  // HWY_ONCE
