// A matrix somewhere in memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <type_traits>

#include "quern/base/error.hpp"
#include "quern/base/half.hpp"
#include "quern/base/shape.hpp"

namespace quern::inline v0 {

// Row-major: element (r, c) at data[r * row_stride + c]. T is float, f16_t or bf16_t, const for a matrix that is only
// read. Invariant: the extents and the last element's offset in bytes fit into std::size_t, and row_stride >= cols. Data
// need only be aligned as T is.
template <class T>
  requires real<std::remove_const_t<T>>
class matrix_view {
 public:
  constexpr matrix_view() noexcept = default;

  // Fails where an extent overflows, a stride is shorter than a row, or data is null though there are elements.
  static constexpr result<matrix_view> try_make(T* data, std::size_t rows, std::size_t cols,
                                                std::size_t row_stride) noexcept {
    std::size_t bytes = 0;
    if (row_stride < cols) return failure{"the row stride must be at least the number of columns", "matrix_view", row_stride, cols};
    if (!multiply(rows, row_stride, bytes) || !multiply(bytes, sizeof(T), bytes))
      return failure{"rows x row stride overflows", "matrix_view", rows, row_stride};
    if (data == nullptr && rows != 0 && cols != 0) return failure{"data is null", "matrix_view", rows, cols};
    matrix_view m;
    m.data_ = data, m.rows_ = rows, m.cols_ = cols, m.row_stride_ = row_stride;
    return m;
  }
  static constexpr result<matrix_view> try_make(T* data, std::size_t rows, std::size_t cols) noexcept {
    return try_make(data, rows, cols, cols);
  }
#if defined(__cpp_exceptions)
  // As try_make; throws quern::error.
  constexpr matrix_view(T* data, std::size_t rows, std::size_t cols, std::size_t row_stride)
      : matrix_view(value_or_throw(try_make(data, rows, cols, row_stride))) {}
  constexpr matrix_view(T* data, std::size_t rows, std::size_t cols) : matrix_view(data, rows, cols, cols) {}
#endif

  // A matrix that may be written is one that may be read.
  template <class U>
    requires(std::is_same_v<const U, T> && !std::is_const_v<U>)
  constexpr matrix_view(matrix_view<U> m) noexcept
      : data_(m.data()), rows_(m.rows()), cols_(m.cols()), row_stride_(m.row_stride()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr std::size_t rows() const noexcept { return rows_; }
  constexpr std::size_t cols() const noexcept { return cols_; }
  constexpr std::size_t row_stride() const noexcept { return row_stride_; }
  constexpr shape size() const noexcept { return {rows_, cols_}; }
  // Precondition: r < rows(), c < cols().
  constexpr T* row(std::size_t r) const noexcept { return data_ + r * row_stride_; }
  constexpr T& operator()(std::size_t r, std::size_t c) const noexcept { return row(r)[c]; }

 private:
  T* data_ = nullptr;
  std::size_t rows_ = 0, cols_ = 0, row_stride_ = 0;
};

}  // namespace quern::inline v0
