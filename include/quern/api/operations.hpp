// What a codec's kernels offer, as plain functions behind one ordinary symbol for each codec. Callers of the public
// functions need this header only; who defines the symbol compiles the kernels.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>

#include "quern/fit/default.hpp"
#include "quern/fit/region.hpp"
#include "quern/kernels.hpp"
#include "quern/storage/product.hpp"

namespace quern::inline v0 {

// Shapes are the caller's to check, except those of encode.
template <any_codec C>
struct operations {
  using base = typename C::base;
  void (*decode)(packed_view<base> w, matrix_view<float> out) noexcept;
  void (*decode_rows)(packed_view<base> w, std::span<const std::uint32_t> rows, matrix_view<float> out) noexcept;
  float (*dot)(packed_view<base> w, const float* x) noexcept;
  // As reference::encode with C's fit; null where C is no encodable_codec.
  result<void> (*encode)(matrix_view<const float> x, packed_span<base> out, std::span<const float> importance,
                         nonfinite policy) noexcept;
};

// ---- activations ----

// Chosen where a call names none: int8 where it multiplies integers, else f32.
struct automatic {};

template <any_codec C>
consteval auto default_activation() {
  if constexpr (as_bytes<typename C::number>.rule != byte_rule::none) {
    using small = int8<automatic_group<typename C::base>>;
    if constexpr (product_facts<product<typename C::base, small>>::integer_words) return small{};
    else return f32{};
  } else {
    return f32{};
  }
}
template <any_codec C, class Activation>
using activation_for =
    std::conditional_t<std::same_as<Activation, automatic>, decltype(default_activation<C>()), Activation>;

template <any_codec C, class Activation = automatic>
using product_of = product<typename C::base, activation_for<C, Activation>>;

template <any_codec C, class Activation>
struct product_operations {
  using base = typename C::base;
  void (*prepare_rows)(matrix_view<const float> x, std::size_t first, std::size_t total, std::byte* prepared) noexcept;
  void (*matmul)(packed_view<base> w, const std::byte* prepared, matrix_view<float> y) noexcept;
};

// ---- the symbols ----

// QUERN_INSTANTIATE(codec), in exactly one translation unit, defines those of a codec and of its tiles, with activations
// `automatic` and f32; a missing or a second definition is a link error that names the codec. In a translation unit that
// includes quern/simd.hpp they are defined as they are used, with any activations.
template <any_codec C>
const operations<C>& operations_of() noexcept;
template <any_codec C, class Activation>
const product_operations<C, Activation>& product_operations_of() noexcept;

}  // namespace quern::inline v0
