// Whole matrices: quantize, dequantize, rows by index.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

#include "quern/api/operations.hpp"
#include "quern/base/executor.hpp"
#include "quern/storage/packed.hpp"

namespace quern::inline v0 {

// The first method: every weight to the nearest value, with the codec's own fit of scales.
struct round_to_nearest {
  // One number for each column, or none: how much an error there matters. Fits without a use for it ignore it.
  std::span<const float> importance = {};
  nonfinite policy = nonfinite::refuse;
};

// The fewest rows whose bytes and scales are apart from those of their neighbours; `all` where there are none.
template <any_codec C>
inline constexpr std::size_t independent_rows = [] {
  std::size_t rows = 1;
  const auto take = [&](std::size_t n) { rows = rows == all || n == all ? all : std::lcm(rows, n); };
  each_part<C>([&]<std::size_t K>() { take(parts<C>[K].region.rows); });
  each_array<C>([&]<std::size_t I>() { take(array_of<C, I>::unit.rows); });
  return rows;
}();

// Rows of a task: a multiple of `unit`, a few tasks for each thread, and not less work than a thread is woken for.
inline std::size_t rows_of_task(std::size_t rows, std::size_t cols, std::size_t unit, const executor& ex) {
  if (unit == all || ex.concurrency() == 1) return rows;
  const std::size_t fair = ceil_div(rows, 4 * ex.concurrency()),
                    least = ceil_div(std::size_t{1} << 15, std::max<std::size_t>(cols, 1));
  return round_up(std::max({fair, least, std::size_t{1}}), unit);
}

// f(first, count) for windows of rows, by the executor. f returns a result; the first failure of the lowest
// window is returned.
template <class F>
result<void> for_each_window(std::size_t rows, std::size_t count, const executor& ex, F f) {
  const std::size_t tasks = rows == 0 ? 0 : ceil_div(rows, count);
  for (std::size_t batch = 0; batch < tasks;) {  // failures of a batch are kept without allocating
    constexpr std::size_t most = 256;
    const std::size_t n = std::min(most, tasks - batch);
    std::array<result<void>, most> results;
    ex.for_each(n, [&](std::size_t i) {
      const std::size_t first = (batch + i) * count;
      results[i] = f(first, std::min(count, rows - first));
    });
    for (std::size_t i = 0; i < n; ++i)
      if (!results[i]) return results[i];
    batch += n;
  }
  return {};
}

// Rows of a matrix of any element type as f32: the matrix itself, or a copy.
template <real T>
class float_rows {
 public:
  static result<float_rows> try_make(matrix_view<const T> m, std::size_t first, std::size_t count) noexcept {
    float_rows f;
    if constexpr (std::same_as<T, float>) {
      f.view_ = *matrix_view<const float>::try_make(m.data() + first * m.row_stride(), count, m.cols(), m.row_stride());
    } else {
      f.copy_ = aligned_bytes::try_make(count * m.cols() * sizeof(float));
      auto* const to = reinterpret_cast<float*>(f.copy_.span().data());
      if (to == nullptr && count * m.cols() != 0)
        return failure{"out of memory", "float_rows, bytes", count * m.cols() * sizeof(float)};
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t c = 0; c < m.cols(); ++c) to[r * m.cols() + c] = to_float(m(first + r, c));
      f.view_ = *matrix_view<const float>::try_make(to, count, m.cols());
    }
    return result<float_rows>(std::move(f));
  }
  matrix_view<const float> view() const { return view_; }

 private:
  aligned_bytes copy_;
  matrix_view<const float> view_;
};

// ---- quantize ----

// out = x, of the same shape; they do not overlap. Bits of out that stand for no weight become 0 where it is a whole
// matrix. Fails, with the index of the element as the value, at a weight that is not finite, the first of all; some rows
// may have been written then. The bytes do not depend on the executor.
template <encodable_codec C, class T>
result<void> try_quantize_into(packed_span<C> out, matrix_view<T> x, const round_to_nearest& method = {},
                               executor ex = {}) noexcept {
  if (x.rows() != out.rows()) return failure{"the numbers of rows differ", "quantize, x and out", x.rows(), out.rows()};
  if (x.cols() != out.cols())
    return failure{"the numbers of columns differ", "quantize, x and out", x.cols(), out.cols()};
  constexpr std::size_t unit = independent_rows<C>;
  const bool whole = out.rows() == out.matrix().rows;
  const std::size_t count = whole ? rows_of_task(x.rows(), x.cols(), unit, ex) : x.rows();
  if (whole && count < x.rows())  // otherwise the encoder sees the whole matrix and clears it itself
    for (std::size_t i = 0; i < C::layout::arrays; ++i) std::ranges::fill(out.array(i), std::byte{0});
  return for_each_window(x.rows(), count, ex, [&](std::size_t first, std::size_t n) -> result<void> {
    const auto rows = float_rows<std::remove_const_t<T>>::try_make(x, first, n);
    if (!rows) return rows.error();
    const auto window = out.try_rows(first, n);
    if (!window) return window.error();
    result<void> ok = operations_of<C>().encode(rows->view(), *window, method.importance, method.policy);
    if (!ok && std::string_view(ok.error().where) == "encode, x") {  // an index into the window
      failure f = ok.error();
      f.value += first * x.cols();
      return f;
    }
    return ok;
  });
}

template <encodable_codec C, class T>
result<packed<C>> try_quantize(matrix_view<T> x, const round_to_nearest& method = {}, executor ex = {}) noexcept {
  auto out = packed<C>::try_make(x.rows(), x.cols());
  if (!out) return out;
  if (const auto ok = try_quantize_into<C>(out->span(), x, method, ex); !ok) return ok.error();
  return out;
}

// ---- dequantize ----

// out = the weights, rounded to T. Bit for bit those of reference::decode where T is float.
template <packed_weights W, real T>
result<void> try_dequantize(const W& weights, matrix_view<T> out, executor ex = {}) noexcept {
  using C = codec_of<W>;
  const packed_view<C> w = weights;
  if (w.rows() != out.rows())
    return failure{"the numbers of rows differ", "dequantize, w and out", w.rows(), out.rows()};
  if (w.cols() != out.cols())
    return failure{"the numbers of columns differ", "dequantize, w and out", w.cols(), out.cols()};
  return for_each_window(
      w.rows(), rows_of_task(w.rows(), w.cols(), 1, ex), ex, [&](std::size_t first, std::size_t n) -> result<void> {
        const packed_view<typename C::base> rows = *w.try_rows(first, n);
        if constexpr (std::same_as<T, float>) {
          operations_of<C>().decode(rows,
                                    *matrix_view<float>::try_make(out.row(first), n, out.cols(), out.row_stride()));
        } else {
          const aligned_bytes bytes = aligned_bytes::try_make(w.cols() * sizeof(float));
          auto* const row = const_cast<float*>(reinterpret_cast<const float*>(bytes.span().data()));
          if (row == nullptr && w.cols() != 0)
            return failure{"out of memory", "dequantize, bytes", w.cols() * sizeof(float)};
          for (std::size_t r = 0; r < n; ++r) {
            operations_of<C>().decode(*rows.try_rows(r, 1), *matrix_view<float>::try_make(row, 1, w.cols()));
            for (std::size_t c = 0; c < w.cols(); ++c) out(first + r, c) = from_float<T>(row[c]);
          }
        }
        return {};
      });
}

// out's row i = the weights of row rows[i]: the look-up of embeddings. An index beyond the rows fails, before anything is
// written.
template <packed_weights W>
result<void> try_decode_rows(const W& weights, std::span<const std::uint32_t> rows, matrix_view<float> out) noexcept {
  using C = codec_of<W>;
  const packed_view<C> w = weights;
  if (rows.size() != out.rows())
    return failure{"one row of out for each index", "decode_rows, rows and out", rows.size(), out.rows()};
  if (w.cols() != out.cols())
    return failure{"the numbers of columns differ", "decode_rows, w and out", w.cols(), out.cols()};
  for (const std::uint32_t r : rows)
    if (r >= w.rows()) return failure{"an index is beyond the rows", "decode_rows, rows", r, w.rows()};
  operations_of<C>().decode_rows(w, rows, out);
  return {};
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw quern::error.
template <any_codec C, class T>
void quantize_into(packed_span<C> out, matrix_view<T> x, const round_to_nearest& method = {}, executor ex = {}) {
  value_or_throw(try_quantize_into<C>(out, x, method, ex));
}
template <any_codec C, class T>
packed<C> quantize(matrix_view<T> x, const round_to_nearest& method = {}, executor ex = {}) {
  return value_or_throw(try_quantize<C>(x, method, ex));
}
template <packed_weights W, real T>
void dequantize(const W& w, matrix_view<T> out, executor ex = {}) {
  value_or_throw(try_dequantize(w, out, ex));
}
template <packed_weights W>
void decode_rows(const W& w, std::span<const std::uint32_t> rows, matrix_view<float> out) {
  value_or_throw(try_decode_rows(w, rows, out));
}
#endif

}  // namespace quern::inline v0
