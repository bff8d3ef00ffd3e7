// Decoding on every target against reference::decode: bit for bit, between guard pages, and with subnormals flushed by the
// host. Include after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "quern/reference/decode.hpp"
#include "simd/guarded.hpp"
#include "simd/targets.hpp"
#include "support.hpp"

namespace support {

// Flush to zero, subnormals are zero.
class flushing {
 public:
#if defined(__SSE2__)
  flushing() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~flushing() {
    CHECK((_mm_getcsr() & 0x8040) == 0x8040);
    _mm_setcsr(before_);
  }

 private:
  unsigned before_;
#endif
};

// A result between guard pages, in rows of `stride`.
class result_matrix {
 public:
  result_matrix(quern::shape size, std::size_t stride, edge at)
      : size_(size), stride_(stride), memory_(size.rows == 0 ? 0 : ((size.rows - 1) * stride + size.cols) * sizeof(float), at) {
    for (std::byte& b : memory_.bytes()) b = std::byte{0xa5};
  }
  quern::matrix_view<float> view() const {
    return {reinterpret_cast<float*>(memory_.bytes().data()), size_.rows, size_.cols, stride_};
  }
  // How many elements differ from `want`'s rows; elements between the rows must be untouched.
  std::size_t differences(const std::vector<float>& want, auto row_of) const {
    std::size_t n = 0;
    const float* const data = view().data();
    for (std::size_t r = 0; r < size_.rows; ++r) {
      for (std::size_t c = 0; c < size_.cols; ++c) n += !same(data[r * stride_ + c], want[row_of(r) * size_.cols + c]);
      for (std::size_t c = size_.cols; c < stride_ && r + 1 < size_.rows; ++c)
        n += std::bit_cast<std::uint32_t>(data[r * stride_ + c]) != 0xa5a5a5a5;
    }
    return n;
  }

 private:
  quern::shape size_;
  std::size_t stride_;
  guarded memory_;
};

// A codec's reference and kernels, its type forgotten, so that what checks them is compiled once. Matrices are made of
// their arrays at each call; `count` rows are decoded from row `first`.
struct decoder {
  std::int64_t targets;  // that the kernels are compiled for
  std::int64_t (*target)() noexcept;
  guarded_arrays (*random)(quern::shape size, edge at, std::uint64_t seed);
  void (*reference)(const guarded_arrays&, quern::shape size, quern::matrix_view<float> out);
  void (*decode)(const guarded_arrays&, quern::shape size, std::size_t first, std::size_t count,
                 quern::matrix_view<float> out);
  // Rows of those `count` rows; null where the kernel is not compiled.
  void (*decode_rows)(const guarded_arrays&, quern::shape size, std::size_t first, std::size_t count,
                      std::span<const std::uint32_t> rows, quern::matrix_view<float> out);
};
template <class C, std::int64_t Targets = HWY_TARGETS, bool Rows = true>
constexpr decoder decoder_of() {
  using K = quern::kernels<C, Targets>;
  decoder d{Targets, &K::target, &random_arrays<C>, {}, {}, {}};
  d.reference = [](const guarded_arrays& arrays, quern::shape size, quern::matrix_view<float> out) {
    quern::reference::decode<C>(span_over<C>(arrays, size), out);
  };
  d.decode = [](const guarded_arrays& arrays, quern::shape size, std::size_t first, std::size_t count,
                quern::matrix_view<float> out) { K::decode(*span_over<C>(arrays, size).try_rows(first, count), out); };
  if constexpr (Rows)
    d.decode_rows = [](const guarded_arrays& arrays, quern::shape size, std::size_t first, std::size_t count,
                       std::span<const std::uint32_t> rows, quern::matrix_view<float> out) {
      K::decode_rows(*span_over<C>(arrays, size).try_rows(first, count), rows, out);
    };
  return d;
}

// A matrix with random bytes in all arrays, whole and in windows of rows, and some of its rows.
inline void check_decode(const decoder& d, quern::shape size, edge at) {
  CAPTURE(size.rows);
  CAPTURE(size.cols);
  const guarded_arrays arrays = d.random(size, at, size.count() + (at == edge::end));
  std::vector<float> want(size.count());
  d.reference(arrays, size, quern::matrix_view<float>(want.data(), size.rows, size.cols));
  on_every_target(d.targets, d.target, [&] {
    {
      const result_matrix out(size, size.cols, at);
      d.decode(arrays, size, 0, size.rows, out.view());
      CHECK(out.differences(want, [](std::size_t r) { return r; }) == 0);
    }
    {
      const flushing on;
      const result_matrix out(size, size.cols + 3, at);
      d.decode(arrays, size, 0, size.rows, out.view());
      CHECK(out.differences(want, [](std::size_t r) { return r; }) == 0);
    }
    if (size.rows < 3) return;
    const std::size_t first = size.rows / 3, count = size.rows - first - 1;
    {
      const result_matrix out({count, size.cols}, size.cols, at);
      d.decode(arrays, size, first, count, out.view());
      CHECK(out.differences(want, [&](std::size_t r) { return first + r; }) == 0);
    }
    if (d.decode_rows != nullptr) {
      const std::vector<std::uint32_t> rows{static_cast<std::uint32_t>(count - 1), 0, static_cast<std::uint32_t>(count / 2), 0};
      const result_matrix out({rows.size(), size.cols}, size.cols, at);
      d.decode_rows(arrays, size, first, count, rows, out.view());
      CHECK(out.differences(want, [&](std::size_t r) { return first + rows[r]; }) == 0);
    }
  });
}
template <class C>
void check_decode(quern::shape size) {
  for (const edge at : {edge::begin, edge::end}) check_decode(decoder_of<typename C::base>(), size, at);
}

}  // namespace support
