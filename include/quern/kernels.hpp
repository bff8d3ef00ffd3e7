// The kernels of a codec, declared. Light: of Highway, only the names of its targets. Definitions: quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>

#include "hwy/detect_targets.h"
#include "quern/base/matrix_view.hpp"
#include "quern/codec/activation.hpp"
#include "quern/storage/view.hpp"

namespace quern::inline v0 {

// Kernels trust shapes, which their callers have checked, and no content: every pattern of bytes in codes and scales has
// the result that reference/ gives it. They touch no byte outside their operands, allocate nothing, and are re-entrant.
// `Targets`, the set of instruction sets compiled for, is part of the type: translation units built with other flags
// instantiate other kernels and cannot violate the one-definition rule.
template <any_codec C, std::int64_t Targets = HWY_TARGETS>
struct kernels {
  // out = the weights of w's rows, bit for bit those of reference::decode. out has w's shape and does not overlap w.
  static void decode(packed_view<C> w, matrix_view<float> out) noexcept;

  // out's row i = the weights of w's row rows[i]. Every index is below w.rows(); out is rows.size() x w.cols().
  static void decode_rows(packed_view<C> w, std::span<const std::uint32_t> rows, matrix_view<float> out) noexcept;

  // The sum of w[0, i] * x[i] over w's one row, in f32.
  static float dot(packed_view<C> w, const float* x) noexcept;

  // The bit of the Highway target that the calls above run on.
  static std::int64_t target() noexcept;
};

// A codec and the form that activations take before they meet its weights: one template parameter, as dispatch wants.
template <any_codec C, class Activation>
struct product {
  using codec_type = C;
  using activation = Activation;
};

// The product y[m, n] = sum over k of x[m, k] * w[n, k].
template <class Product, std::int64_t Targets = HWY_TARGETS>
struct product_kernels {
  using C = typename Product::codec_type;

  // Puts x (m x w.cols) into the form and order that the kernel reads; `prepared` has prepared_bytes(m, cols) bytes,
  // 64-byte aligned.
  static void prepare(matrix_view<const float> x, std::byte* prepared) noexcept;

  // The same for some rows of x: those from `first` on of `total`. Calls for different rows may run at once.
  static void prepare_rows(matrix_view<const float> x, std::size_t first, std::size_t total,
                           std::byte* prepared) noexcept;

  // y (m x w.rows) = the product; y overlaps neither w nor prepared.
  static void matmul(packed_view<C> w, const std::byte* prepared, matrix_view<float> y) noexcept;
};

// A codec and the fit that chooses its scales.
template <any_codec C, class Fit>
struct encoding {
  using codec_type = C;
  using fit = Fit;
};

template <class Encoding, std::int64_t Targets = HWY_TARGETS>
struct encoding_kernels {
  using C = typename Encoding::codec_type;

  // out = x encoded, to the byte as reference::encode. out has x's shape, no region of rows is cut by it, x's weights are
  // finite, and the two do not overlap. importance: none, or one number for each column, finite and not negative.
  static void encode(matrix_view<const float> x, packed_span<C> out, std::span<const float> importance = {}) noexcept;

  // The index, row * cols + col, of the first weight that is infinite or not a number; rows * cols if there is none.
  static std::size_t first_nonfinite(matrix_view<const float> x) noexcept;

  static std::int64_t target() noexcept;
};

}  // namespace quern::inline v0
