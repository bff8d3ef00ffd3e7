// Encoding on every target against reference::encode: byte for byte, between guard pages, into whole matrices and into rows
// of one, and with subnormals flushed by the host. Include after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "simd/decode_check.hpp"

namespace support {

// What weights a matrix has.
enum class weights { uniform, ties, zeros, subnormal, huge, positive, spread };

class weight_matrix {
 public:
  weight_matrix(quern::shape size, std::size_t stride, weights kind, edge at)
      : size_(size),
        stride_(stride),
        memory_(size.count() == 0 ? 0 : ((size.rows - 1) * stride + size.cols) * sizeof(float), at) {
    random_source random(size.count() + static_cast<std::size_t>(kind));
    const auto data = reinterpret_cast<float*>(memory_.bytes().data());
    for (std::size_t r = 0; r < size.rows; ++r)
      for (std::size_t c = 0; c < size.cols; ++c) data[r * stride + c] = weight(random, kind, c);
  }
  quern::matrix_view<const float> view() const {
    return {reinterpret_cast<const float*>(memory_.bytes().data()), size_.rows, size_.cols, stride_};
  }
  quern::matrix_view<float> writable() const {
    return {reinterpret_cast<float*>(memory_.bytes().data()), size_.rows, size_.cols, stride_};
  }

 private:
  static float weight(random_source& random, weights kind, std::size_t col) {
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
      case weights::spread:  // magnitudes of neighbouring blocks of 256, and of some groups in them, far from each other
        return std::ldexp(x, static_cast<int>(col / 256 % 9) * 9 - 60 + (col / 32 % 5 == 0 ? 12 : 0));
      default:
        return x;
    }
  }
  quern::shape size_;
  std::size_t stride_;
  guarded memory_;
};

// An encoder's reference and kernels, their types forgotten, so that what checks them is compiled once. Of a matrix of
// `size`, the rows from `first` on become those of x.
struct encoder {
  std::int64_t targets;  // that the kernels are compiled for
  std::int64_t (*target)() noexcept;
  guarded_arrays (*random)(quern::shape size, edge at, std::uint64_t seed);
  bool (*reference)(quern::matrix_view<const float> x, const guarded_arrays&, quern::shape size, std::size_t first,
                    std::span<const float> importance);
  void (*encode)(quern::matrix_view<const float> x, const guarded_arrays&, quern::shape size, std::size_t first,
                 std::span<const float> importance);
};
template <class C, class Fit>
constexpr encoder encoder_of() {
  using K = quern::encoding_kernels<quern::encoding<C, Fit>>;
  encoder e{HWY_TARGETS, &K::target, &random_arrays<C>, {}, {}};
  e.reference = [](quern::matrix_view<const float> x, const guarded_arrays& out, quern::shape size, std::size_t first,
                   std::span<const float> importance) {
    return bool(quern::reference::encode<C, Fit>(x, *span_over<C>(out, size).try_rows(first, x.rows()), importance));
  };
  e.encode = [](quern::matrix_view<const float> x, const guarded_arrays& out, quern::shape size, std::size_t first,
                std::span<const float> importance) {
    K::encode(x, *span_over<C>(out, size).try_rows(first, x.rows()), importance);
  };
  return e;
}

// A matrix, and some rows of one.
inline void check_encode(const encoder& e, quern::shape size, weights kind, edge at,
                         std::span<const float> importance = {}) {
  const bool important = !importance.empty();
  CAPTURE(important);
  CAPTURE(size.rows);
  CAPTURE(size.cols);
  const int kind_of_weights = static_cast<int>(kind);
  CAPTURE(kind_of_weights);
  const weight_matrix x(size, size.cols, kind, at), spaced(size, size.cols + 3, kind, at);
  const guarded_arrays want = e.random(size, at, 1), window_want = e.random(size, at, 2);
  REQUIRE(e.reference(x.view(), want, size, 0, importance));
  const std::size_t first = size.rows / 3, count = size.rows - first;
  const quern::matrix_view<const float> some(spaced.view().row(first), count, size.cols, size.cols + 3);
  const bool window = first != 0 && e.reference(some, window_want, size, first, importance);
  on_every_target(e.targets, e.target, [&] {
    {
      const guarded_arrays out = e.random(size, at, 3);
      e.encode(x.view(), out, size, 0, importance);
      CHECK(out.differences(want) == 0);
    }
    {
      const flushing on;
      const guarded_arrays out = e.random(size, at, 4);
      e.encode(spaced.view(), out, size, 0, importance);
      CHECK(out.differences(want) == 0);
    }
    if (!window) return;
    const guarded_arrays out = e.random(size, at, 2);
    e.encode(some, out, size, first, importance);
    CHECK(out.differences(window_want) == 0);
  });
}
// A preset's fit, or a codec's default one.
template <class P, class Fit = quern::fit_of<P>>
void check_encode(quern::shape size, weights kind) {
  for (const edge at : {edge::begin, edge::end})
    check_encode(encoder_of<typename P::base, Fit>(), size, kind, at);
}
// The same with importance: of all magnitudes, some 0, and once with one that is huge.
template <class P, class Fit = quern::fit_of<P>>
void check_important(quern::shape size, weights kind) {
  random_source random(size.cols);
  std::vector<float> importance(size.cols);
  for (float& e : importance) e = random() % 7 == 0 ? 0 : std::ldexp(1.0f + random.uniform() / 2, static_cast<int>(random() % 12));
  check_encode(encoder_of<typename P::base, Fit>(), size, kind, edge::end, importance);
  if (kind != weights::uniform) return;
  importance[size.cols / 2] = 0x1p40f;
  check_encode(encoder_of<typename P::base, Fit>(), size, kind, edge::end, importance);
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
