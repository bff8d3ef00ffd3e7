// Encoding on every target against reference::encode: byte for byte, between guard pages, into whole matrices and into rows
// of one, and with subnormals flushed by the host. Include after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <memory>

#include "simd/decode_check.hpp"

namespace support {

// What weights a matrix has.
enum class weights { uniform, ties, zeros, subnormal, huge, positive };

class weight_matrix {
 public:
  weight_matrix(quern::shape size, std::size_t stride, weights kind, edge at)
      : size_(size),
        stride_(stride),
        memory_(size.count() == 0 ? 0 : ((size.rows - 1) * stride + size.cols) * sizeof(float), at) {
    random_source random(size.count() + static_cast<std::size_t>(kind));
    const auto data = reinterpret_cast<float*>(memory_.bytes().data());
    for (std::size_t r = 0; r < size.rows; ++r)
      for (std::size_t c = 0; c < size.cols; ++c) data[r * stride + c] = weight(random, kind);
  }
  quern::matrix_view<const float> view() const {
    return {reinterpret_cast<const float*>(memory_.bytes().data()), size_.rows, size_.cols, stride_};
  }
  quern::matrix_view<float> writable() const {
    return {reinterpret_cast<float*>(memory_.bytes().data()), size_.rows, size_.cols, stride_};
  }

 private:
  static float weight(random_source& random, weights kind) {
    const float x = random.uniform();
    switch (kind) {
      case weights::ties:
        return static_cast<float>(static_cast<int>(x * 32)) * 0.25f;  // halves of the steps of many formats
      case weights::zeros:
        return random() & 3 ? (random() & 1 ? 0.0f : -0.0f) : x;
      case weights::subnormal:
        return x * 0x1p-133f;
      case weights::huge:
        return x * 0x1.fffffep127f;
      case weights::positive:
        return x < 0 ? -x : x;
      default:
        return x;
    }
  }
  quern::shape size_;
  std::size_t stride_;
  guarded memory_;
};

template <class C>
std::size_t differences(const random_arrays<C>& a, const random_arrays<C>& b) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < C::layout::arrays; ++i)
    for (std::size_t k = 0; k < a.view().array(i).size(); ++k) n += a.view().array(i)[k] != b.view().array(i)[k];
  return n;
}
// Bytes of arrays that a view reads, to be written.
template <class C>
quern::packed_span<C> span_of(const quern::packed_view<C>& v) {
  typename quern::packed_span<C>::spans s;
  for (std::size_t i = 0; i < s.size(); ++i) s[i] = {const_cast<std::byte*>(v.array(i).data()), v.array(i).size()};
  return quern::packed_span<C>(s, v.matrix().rows, v.matrix().cols);
}

// A preset's fit, or a codec's default one, for a matrix, and for some rows of one.
template <class P, class Fit = quern::fit_of<P>>
void check_encode(quern::shape size, weights kind) {
  CAPTURE(size.rows);
  CAPTURE(size.cols);
  const int kind_of_weights = static_cast<int>(kind);
  CAPTURE(kind_of_weights);
  using C = typename P::base;
  using kernels = quern::encoding_kernels<quern::encoding<C, Fit>>;
  for (const edge at : {edge::begin, edge::end}) {
    const weight_matrix x(size, size.cols, kind, at), spaced(size, size.cols + 3, kind, at);
    const random_arrays<C> want(size, at, 1), window_want(size, at, 2);
    REQUIRE(quern::reference::encode<C, Fit>(x.view(), span_of(want.view())));
    const std::size_t first = size.rows / 3, count = size.rows - first;
    const quern::matrix_view<const float> some(spaced.view().row(first), count, size.cols, size.cols + 3);
    const bool window = first != 0 &&
                        quern::reference::encode<C, Fit>(some, *span_of(window_want.view()).try_rows(first, count));
    on_every_target<kernels>([&](std::int64_t) {
      {
        const random_arrays<C> out(size, at, 3);
        kernels::encode(x.view(), span_of(out.view()));
        CHECK(differences(out, want) == 0);
      }
      {
        const flushing on;
        const random_arrays<C> out(size, at, 4);
        kernels::encode(spaced.view(), span_of(out.view()));
        CHECK(differences(out, want) == 0);
      }
      if (!window) return;
      const random_arrays<C> out(size, at, 2);
      kernels::encode(some, *span_of(out.view()).try_rows(first, count));
      CHECK(differences(out, window_want) == 0);
    });
  }
}

// All kinds of weights, whole windows and cut ones.
template <class P, class Fit = quern::fit_of<P>>
void check_encode() {
  static constexpr bool any_shape = !requires { requires P::whole_blocks; }
  &&!requires { P::refusal(quern::shape{}); };
  for (const weights kind :
       {weights::uniform, weights::ties, weights::zeros, weights::subnormal, weights::huge, weights::positive})
    check_encode<P, Fit>({3, 768}, kind);
  check_encode<P, Fit>({64, 512}, weights::uniform);
  check_encode<P, Fit>({4, 2304}, weights::uniform);
  if constexpr (any_shape) {
    for (const std::size_t cols : {1u, 7u, 33u, 300u, 1111u})
      check_encode<P, Fit>({5, cols}, cols == 33 ? weights::zeros : weights::uniform);
    check_encode<P, Fit>({130, 140}, weights::uniform);
  }
}

}  // namespace support
