// The product y[m, n] = sum over k of x[m, k] * w[n, k]; with one row of x, the matrix-vector product.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/api/matrices.hpp"

namespace quern::inline v0 {

// Bytes that prepare needs for m rows of x.
template <class Activation = automatic, packed_weights W>
constexpr std::size_t scratch_bytes(const W& w, std::size_t m) noexcept {
  const std::size_t cols = packed_view<codec_of<W>>(w).cols();
  return prepared_bytes<product_of<codec_of<W>, Activation>>(m, cols) + aligned_bytes::alignment +
         round_up(cols * sizeof(float), aligned_bytes::alignment);
}

// Rows of x in the form that products with weights of codec C and so many columns read. Refers to the scratch that it was
// made in, or owns its bytes.
template <any_codec C, class Activation>
class prepared {
 public:
  using product_type = product_of<C, Activation>;
  std::size_t rows() const noexcept { return rows_; }
  std::size_t cols() const noexcept { return cols_; }
  const std::byte* data() const noexcept { return data_; }

  // x: m x cols. scratch: at least scratch_bytes(w, m), at any alignment; none: it allocates.
  template <real T>
  static result<prepared> try_make(matrix_view<const T> x, std::span<std::byte> scratch, executor ex) noexcept {
    prepared p;
    p.rows_ = x.rows(), p.cols_ = x.cols();
    const std::size_t row_bytes = round_up(x.cols() * sizeof(float), aligned_bytes::alignment);
    const std::size_t bytes = prepared_bytes<product_type>(x.rows(), x.cols());
    std::byte* at = nullptr;
    if (scratch.empty()) {
      p.own_ = aligned_bytes::try_make(bytes + row_bytes);
      at = p.own_.span().data();
      if (at == nullptr) return failure{"out of memory", "prepare, bytes", bytes};
    } else {
      const std::size_t skip = (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) % 64;
      if (scratch.size() < skip + bytes + row_bytes)
        return failure{"the scratch is too small; scratch_bytes tells what is needed", "prepare, scratch",
                       scratch.size(), skip + bytes + row_bytes};
      at = scratch.data() + skip;
    }
    p.data_ = at;
    const auto& op = product_operations_of<C, Activation>();
    if constexpr (std::same_as<T, float>) {
      const std::size_t count = rows_of_task(x.rows(), x.cols(), 1, ex);
      const auto ok = for_each_window(x.rows(), count, ex, [&](std::size_t first, std::size_t n) -> result<void> {
        op.prepare_rows(*matrix_view<const float>::try_make(x.row(first), n, x.cols(), x.row_stride()), first, x.rows(),
                        at);
        return {};
      });
      if (!ok) return ok.error();
    } else {
      auto* const row = reinterpret_cast<float*>(at + bytes);
      for (std::size_t r = 0; r < x.rows(); ++r) {
        for (std::size_t c = 0; c < x.cols(); ++c) row[c] = to_float(x(r, c));
        op.prepare_rows(*matrix_view<const float>::try_make(row, 1, x.cols()), r, x.rows(), at);
      }
    }
    return result<prepared>(std::move(p));
  }

 private:
  aligned_bytes own_;
  const std::byte* data_ = nullptr;
  std::size_t rows_ = 0, cols_ = 0;
};

// x, made ready once for products with many w of one codec and so many columns.
template <class Activation = automatic, class T, packed_weights W>
result<prepared<codec_of<W>, Activation>> try_prepare(matrix_view<T> x, const W& weights,
                                                      std::span<std::byte> scratch = {}, executor ex = {}) noexcept {
  const packed_view<codec_of<W>> w = weights;
  if (x.cols() != w.cols()) return failure{"x has as many columns as w", "prepare, x and w", x.cols(), w.cols()};
  return prepared<codec_of<W>, Activation>::template try_make<std::remove_const_t<T>>(x, scratch, ex);
}

// y = the product. y is x.rows() x w.rows() and overlaps neither x nor w. The same result for every executor.
// With f32, y is off by at most (k + 10) * 2^-24 times the sum of |s| * (|v| + |o|) * |x|, where s, v and o are a weight's
// scale, value and offset (o as far as the weight is s * (v - o); s * v - o counts |s * v| + |o|). With int8<G>, that holds
// for x rounded to its group's 255 steps, which differs from x by at most amax / 254 in each element.
template <packed_weights W, class Activation>
result<void> try_matmul(const W& weights, const prepared<codec_of<W>, Activation>& x, matrix_view<float> y,
                        executor ex = {}) noexcept {
  using C = codec_of<W>;
  const packed_view<typename C::base> w = packed_view<C>(weights);
  if (x.cols() != w.cols()) return failure{"x has as many columns as w", "matmul, x and w", x.cols(), w.cols()};
  if (y.rows() != x.rows()) return failure{"y has as many rows as x", "matmul, y and x", y.rows(), x.rows()};
  if (y.cols() != w.rows()) return failure{"y has a column for each row of w", "matmul, y and w", y.cols(), w.rows()};
  if (y.rows() == 0 || y.cols() == 0) return {};
  const auto& op = product_operations_of<C, Activation>();
  // Tasks are whole panels; one product of a row of x is worth a thread from some 100,000 weights on.
  const std::size_t work = w.cols() * (1 + y.rows() / 4);
  const std::size_t count = rows_of_task(w.rows(), work, tile_rows, ex);
  return for_each_window(w.rows(), count, ex, [&](std::size_t first, std::size_t n) -> result<void> {
    op.matmul(*w.try_rows(first, n), x.data(),
              *matrix_view<float>::try_make(y.data() + first, y.rows(), n, y.row_stride()));
    return {};
  });
}
template <class Activation = automatic, packed_weights W, class T>
result<void> try_matmul(const W& w, matrix_view<T> x, matrix_view<float> y, std::span<std::byte> scratch = {},
                        executor ex = {}) noexcept {
  const auto a = try_prepare<Activation>(x, w, scratch, ex);
  if (!a) return a.error();
  return try_matmul(w, *a, y, ex);
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw quern::error.
template <class Activation = automatic, class T, packed_weights W>
auto prepare(matrix_view<T> x, const W& w, std::span<std::byte> scratch = {}, executor ex = {}) {
  return value_or_throw(try_prepare<Activation>(x, w, scratch, ex));
}
template <packed_weights W, class Activation>
void matmul(const W& w, const prepared<codec_of<W>, Activation>& x, matrix_view<float> y, executor ex = {}) {
  value_or_throw(try_matmul(w, x, y, ex));
}
template <class Activation = automatic, packed_weights W, class T>
void matmul(const W& w, matrix_view<T> x, matrix_view<float> y, std::span<std::byte> scratch = {}, executor ex = {}) {
  value_or_throw(try_matmul<Activation>(w, x, y, scratch, ex));
}
#endif

}  // namespace quern::inline v0
