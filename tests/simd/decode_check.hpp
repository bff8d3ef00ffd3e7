// Decoding on every target against reference::decode: bit for bit, between guard pages, and with subnormals flushed by the
// host. Include after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
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

// Arrays of C for a matrix, filled with random bytes.
template <class C>
class random_arrays {
 public:
  random_arrays(quern::shape size, edge at, std::uint64_t seed) : size_(size) {
    std::array<std::size_t, C::layout::arrays> need{};
    REQUIRE(quern::try_array_bytes<C>(size, need));
    random_source random(seed);
    for (std::size_t i = 0; i < need.size(); ++i) {
      arrays_[i] = std::make_unique<guarded>(need[i], at);
      random.fill(arrays_[i]->bytes());
    }
  }
  quern::packed_view<C> view() const {
    typename quern::packed_view<C>::spans s;
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = arrays_[i]->bytes();
    return quern::packed_view<C>(s, size_.rows, size_.cols);
  }

 private:
  quern::shape size_;
  std::array<std::unique_ptr<guarded>, C::layout::arrays> arrays_;
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

// A matrix of C with random bytes in all arrays, whole and in windows of rows, and some of its rows.
template <class C>
void check_decode(quern::shape size) {
  CAPTURE(size.rows);
  CAPTURE(size.cols);
  using kernels = quern::kernels<typename C::base>;
  std::vector<float> want(size.count());
  for (const edge at : {edge::begin, edge::end}) {
    const random_arrays<typename C::base> arrays(size, at, size.count() + (at == edge::end));
    const auto view = arrays.view();
    quern::reference::decode(view, quern::matrix_view<float>(want.data(), size.rows, size.cols));
    on_every_target<kernels>([&](std::int64_t) {
      {
        const result_matrix out(size, size.cols, at);
        kernels::decode(view, out.view());
        CHECK(out.differences(want, [](std::size_t r) { return r; }) == 0);
      }
      {
        const flushing on;
        const result_matrix out(size, size.cols + 3, at);
        kernels::decode(view, out.view());
        CHECK(out.differences(want, [](std::size_t r) { return r; }) == 0);
      }
      if (size.rows < 3) return;
      const std::size_t first = size.rows / 3, count = size.rows - first - 1;
      const auto window = *view.try_rows(first, count);
      {
        const result_matrix out({count, size.cols}, size.cols, at);
        kernels::decode(window, out.view());
        CHECK(out.differences(want, [&](std::size_t r) { return first + r; }) == 0);
      }
      {
        const std::vector<std::uint32_t> rows{static_cast<std::uint32_t>(count - 1), 0, static_cast<std::uint32_t>(count / 2), 0};
        const result_matrix out({rows.size(), size.cols}, size.cols, at);
        kernels::decode_rows(window, rows, out.view());
        CHECK(out.differences(want, [&](std::size_t r) { return first + rows[r]; }) == 0);
      }
    });
  }
}

}  // namespace support
