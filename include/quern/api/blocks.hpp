// Codecs of one array as functions of spans: encode, decode, dot of a row.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/api/operations.hpp"

namespace quern::inline v0 {

// A row of x.size() weights, as one row of a matrix in the bytes of C, which has one array.
// Fail where the sizes do not fit, or a weight is not finite (its index is the failure's value); nothing is written then.
template <one_array_codec C>
requires encodable_codec<C>
result<void> try_encode(std::span<const float> x, std::span<std::byte> out) noexcept {
  const auto view = packed_span<typename C::base>::try_make(out, 1, x.size());
  if (!view) return view.error();
  const auto row = matrix_view<const float>::try_make(x.data(), 1, x.size());
  if (!row) return row.error();
  return operations_of<C>().encode(*row, *view, {}, nonfinite::refuse);
}

template <one_array_codec C>
result<void> try_decode(std::span<const std::byte> in, std::span<float> x) noexcept {
  const auto view = packed_view<typename C::base>::try_make(in, 1, x.size());
  if (!view) return view.error();
  const auto row = matrix_view<float>::try_make(x.data(), 1, x.size());
  if (!row) return row.error();
  operations_of<C>().decode(*view, *row);
  return {};
}

// The sum of w[i] * x[i], in f32 and any order: off by at most (n + 2) * 2^-24 times the sum of |w[i] * x[i]|.
template <one_array_codec C>
result<float> try_dot(std::span<const std::byte> w, std::span<const float> x) noexcept {
  const auto view = packed_view<typename C::base>::try_make(w, 1, x.size());
  if (!view) return view.error();
  return operations_of<C>().dot(*view, x.data());
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw quern::error.
template <one_array_codec C>
requires encodable_codec<C>
void encode(std::span<const float> x, std::span<std::byte> out) {
  value_or_throw(try_encode<C>(x, out));
}
template <one_array_codec C>
void decode(std::span<const std::byte> in, std::span<float> x) {
  value_or_throw(try_decode<C>(in, x));
}
template <one_array_codec C>
float dot(std::span<const std::byte> w, std::span<const float> x) {
  return value_or_throw(try_dot<C>(w, x));
}
#endif

}  // namespace quern::inline v0
