// Definitions of the kernels: compiles them for every SIMD target of this translation unit and picks the best one of the
// CPU at run time. A program needs this header in the translation units that use or instantiate kernels, and no others.
//
// Include order (Highway's own rule): before any "hwy/highway.h". A translation unit with SIMD code of its own includes
// "hwy/foreach_target.h" first, as Highway prescribes, then this; the kernels then join its per-target passes, and
// quern::HWY_NAMESPACE::Decode and its kind inline into its loops without dispatch.
// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "quern/api/any_packed.hpp"
#include "quern/api/operations.hpp"
#include "quern/reference/encode.hpp"

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
float kernels<C, Targets>::dot(packed_view<C> w, const float* x) noexcept {
  HWY_EXPORT_T(Table, Dot<C>);
  return HWY_DYNAMIC_DISPATCH_T(Table)(w, x);
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
void product_kernels<Product, Targets>::prepare_rows(matrix_view<const float> x, std::size_t first, std::size_t total,
                                                     std::byte* prepared) noexcept {
  HWY_EXPORT_T(Table, PrepareRows<Product>);
  HWY_DYNAMIC_DISPATCH_T(Table)(x, first, total, prepared);
}

template <class Product, std::int64_t Targets>
void product_kernels<Product, Targets>::matmul(packed_view<C> w, const std::byte* prepared, matrix_view<float> y) noexcept {
  HWY_EXPORT_T(Table, Matmul<Product>);
  HWY_DYNAMIC_DISPATCH_T(Table)(w, prepared, y);
}

template <class Encoding, std::int64_t Targets>
void encoding_kernels<Encoding, Targets>::encode(matrix_view<const float> x, packed_span<C> out,
                                                 std::span<const float> importance) noexcept {
  HWY_EXPORT_T(Table, Encode<Encoding>);
  HWY_DYNAMIC_DISPATCH_T(Table)(x, out, importance);
  if constexpr (reference::has_sums<C> && stores_sums<typename Encoding::fit, C>) {
    const ieee_mode mode;
    reference::write_sums<typename Encoding::fit>({x, importance, {out.matrix(), out.first_row(), out.rows()}}, out);
  }
}

template <class Encoding, std::int64_t Targets>
std::size_t encoding_kernels<Encoding, Targets>::first_nonfinite(matrix_view<const float> x) noexcept {
  HWY_EXPORT_T(Table, FirstNonFinite);
  return HWY_DYNAMIC_DISPATCH_T(Table)(x);
}

template <class Encoding, std::int64_t Targets>
std::int64_t encoding_kernels<Encoding, Targets>::target() noexcept {
  HWY_EXPORT_T(Table, Target);
  return HWY_DYNAMIC_DISPATCH_T(Table)();
}

// ---- the symbols of api/operations.hpp ----

// reference::encode, by kernels where weights are finite.
template <any_codec C, class Fit, std::int64_t Targets>
result<void> encode_by_kernels(matrix_view<const float> x, packed_span<C> out, std::span<const float> importance,
                               nonfinite policy) noexcept {
  if constexpr (has_weighted_form<Fit>)
    if (!importance.empty())
      return encode_by_kernels<C, typename Fit::with_importance, Targets>(x, out, importance, policy);
  using K = encoding_kernels<encoding<C, Fit>, Targets>;
  if (policy != nonfinite::refuse || x.size() != out.size() || !reference::try_importance(importance, x.cols()))
    return reference::encode<C, Fit>(x, out, importance, policy);
  const std::size_t index = K::first_nonfinite(x);
  if (index != x.size().count()) return failure{"a weight is infinite or not a number", "encode, x", index};
  if (auto ok = reference::try_whole_regions<C>({out.matrix(), out.first_row(), out.rows()}); !ok) return ok;
  if (index != 0) K::encode(x, out, importance);
  return {};
}

// C's encoder, if it can be encoded.
template <any_codec C, std::int64_t Targets>
consteval auto encode_operation() {
  decltype(operations<C>::encode) f = nullptr;
  if constexpr (encodable_codec<C>) f = &encode_by_kernels<typename C::base, fit_of<C>, Targets>;
  return f;
}

template <any_codec C, std::int64_t Targets>
const operations<C>& make_operations() noexcept {
  using K = kernels<typename C::base, Targets>;
  static constexpr operations<C> table{&K::decode, &K::decode_rows, &K::dot, encode_operation<C, Targets>()};
  return table;
}
template <any_codec C, class Activation, std::int64_t Targets>
const product_operations<C, Activation>& make_product_operations() noexcept {
  using K = product_kernels<product_of<C, Activation>, Targets>;
  static constexpr product_operations<C, Activation> table{&K::prepare_rows, &K::matmul};
  return table;
}

template <any_codec C>
const operations<C>& operations_of() noexcept {
  return make_operations<C, HWY_TARGETS>();
}
template <any_codec C, class Activation>
const product_operations<C, Activation>& product_operations_of() noexcept {
  return make_product_operations<C, Activation, HWY_TARGETS>();
}
template <any_codec C>
const any_operations& any_operations_of() noexcept {
  return any_codec_operations<C>::table;
}

// ---- targets ----

// Templates, since what translation units are compiled for differs; call them without arguments.

// The name of the instruction set that kernels of this translation unit run on, such as "AVX2".
template <std::int64_t Targets = HWY_TARGETS>
const char* target_name() noexcept {
  HWY_EXPORT_T(Table, Target);
  return hwy::TargetName(HWY_DYNAMIC_DISPATCH_T(Table)());
}

// Makes the whole process use the instruction set of that name; "" takes the restriction back. Fails where this CPU lacks
// it or this translation unit was not compiled for it. For tests and measurements: not while kernels run.
template <std::int64_t Targets = HWY_TARGETS>
result<void> try_force_target(std::string_view name) noexcept {
  const std::int64_t before = hwy::SupportedTargets();
  hwy::SetSupportedTargetsForTest(0);  // what the CPU has, not what was forced
  if (name.empty()) return {};
  for (std::int64_t left = hwy::SupportedTargets() & Targets; left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    if (hwy::TargetName(target) == name) {
      hwy::SetSupportedTargetsForTest(target);
      return {};
    }
  }
  hwy::SetSupportedTargetsForTest(before);
  return failure{"no such target on this CPU, or not compiled for", "force_target"};
}
#if defined(__cpp_exceptions)
template <std::int64_t Targets = HWY_TARGETS>
void force_target(std::string_view name) {
  value_or_throw(try_force_target<Targets>(name));
}
#endif

}  // namespace quern::inline v0

// Defines, in exactly one translation unit and outside of any namespace, what the public functions call for a codec and
// for its tiles, with activations f32 and `automatic`. It precedes whatever else there uses the codec.
#define QUERN_INSTANTIATE(...)                \
  namespace quern::inline v0 {                \
  QUERN_INSTANTIATE_CODEC(tiled<__VA_ARGS__>) \
  QUERN_INSTANTIATE_CODEC(__VA_ARGS__)        \
  }                                           \
  static_assert(true, "")
#define QUERN_INSTANTIATE_CODEC(...)                                     \
  template <>                                                            \
  const operations<__VA_ARGS__>& operations_of<__VA_ARGS__>() noexcept { \
    return make_operations<__VA_ARGS__, HWY_TARGETS>();                  \
  }                                                                      \
  QUERN_INSTANTIATE_PRODUCT(f32, __VA_ARGS__)                            \
  QUERN_INSTANTIATE_PRODUCT(automatic, __VA_ARGS__)                      \
  template <>                                                            \
  const any_operations& any_operations_of<__VA_ARGS__>() noexcept {      \
    return any_codec_operations<__VA_ARGS__>::table;                     \
  }
#define QUERN_INSTANTIATE_PRODUCT(ACTIVATION, ...)                                                               \
  template <>                                                                                                    \
  const product_operations<__VA_ARGS__, ACTIVATION>& product_operations_of<__VA_ARGS__, ACTIVATION>() noexcept { \
    return make_product_operations<__VA_ARGS__, ACTIVATION, HWY_TARGETS>();                                      \
  }

#endif  // HWY_ONCE
