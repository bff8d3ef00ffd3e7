// How far decoded weights are from the original ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "quern/base/executor.hpp"
#include "quern/base/matrix_view.hpp"
#include "quern/measure/exact_sum.hpp"

namespace quern::inline v0 {

// The greatest |original - decoded|, and the index of the first element that has it.
struct largest_error {
  static constexpr std::uint64_t nowhere = ~std::uint64_t{0};
  double value = 0;
  std::uint64_t index = nowhere;
};

// Measures of the pairs (x, y) of an original and a decoded element, fed one by one, in pieces, or merged from others.
// An error d = x - y is rounded to double, and so is d^2; all sums are exact and rounded once. So a measure depends on
// the pairs alone, not on their order, on how they are cut into pieces or on threads. Computes in the host's
// floating-point mode, which is assumed to be that of IEEE. Allocates nothing; about 500 bytes.
//
// Where a pair holds infinity or NaN, it is counted in nonfinite() and every measure is NaN.
class difference {
 public:
  constexpr difference() noexcept = default;
  // For a piece of a whole: the first pair added is that of element `first`.
  constexpr explicit difference(std::uint64_t first) noexcept : next_(first) {}

  // The element after the last one added or merged gets the next index.
  template <real X, real Y>
  constexpr void add(X original, Y decoded) noexcept {
    const float x = to_float(original), y = to_float(decoded);
    const std::uint64_t index = next_++;
    ++count_;
    if (!is_finite(x) || !is_finite(y)) {
      first_nonfinite_ = std::min(first_nonfinite_, index);
      ++nonfinite_;
      return;
    }
    const double a = x, b = y, d = a - b, size = d < 0 ? -d : d, product = a * b;
    if (size > largest_.value || largest_.index == largest_error::nowhere) largest_ = {size, index};
    original_.add(a * a);
    decoded_.add(b * b);
    (product < 0 ? negative_ : positive_).add(product < 0 ? -product : product);
    error_.add(d * d);
  }

  // Fails, and adds nothing, where the two are not equally long.
  template <class X, class Y>
  constexpr result<void> try_add(std::span<X> original, std::span<Y> decoded) noexcept {
    if (original.size() != decoded.size())
      return failure{"the numbers of elements differ", "difference, original and decoded", original.size(),
                     decoded.size()};
    for (std::size_t i = 0; i < original.size(); ++i) add(original[i], decoded[i]);
    return {};
  }
  // Elements in the order of rows. Fails, and adds nothing, where the shapes differ.
  template <class X, class Y>
  constexpr result<void> try_add(matrix_view<X> original, matrix_view<Y> decoded) noexcept {
    if (original.rows() != decoded.rows())
      return failure{"the numbers of rows differ", "difference, original and decoded", original.rows(), decoded.rows()};
    if (original.cols() != decoded.cols())
      return failure{"the numbers of columns differ", "difference, original and decoded", original.cols(),
                     decoded.cols()};
    for (std::size_t r = 0; r < original.rows(); ++r)
      for (std::size_t c = 0; c < original.cols(); ++c) add(original(r, c), decoded(r, c));
    return {};
  }

  // Adds the pairs of another difference, which keep their indices. The next index becomes the greater one of both.
  constexpr void merge(const difference& other) noexcept {
    const largest_error theirs = other.largest_;
    const bool replaces =
        theirs.value != largest_.value ? theirs.value > largest_.value : theirs.index < largest_.index;
    if (replaces) largest_ = theirs;
    original_.merge(other.original_);
    decoded_.merge(other.decoded_);
    positive_.merge(other.positive_);
    negative_.merge(other.negative_);
    error_.merge(other.error_);
    count_ += other.count_;
    nonfinite_ += other.nonfinite_;
    first_nonfinite_ = std::min(first_nonfinite_, other.first_nonfinite_);
    next_ = std::max(next_, other.next_);
  }

  constexpr std::uint64_t count() const noexcept { return count_; }
  // How many pairs hold infinity or NaN.
  constexpr std::uint64_t nonfinite() const noexcept { return nonfinite_; }

  // The mean of d^2; 0 without pairs.
  constexpr double mse() const noexcept {
    if (nonfinite_ != 0) return nan;
    return count_ == 0 ? 0 : error_.value() / static_cast<double>(count_);
  }
  // sqrt(sum of d^2 / sum of x^2). 0 where all errors are 0; infinity where the original is all 0 and an error is not.
  double relative_rmse() const noexcept {
    if (nonfinite_ != 0) return nan;
    const double error = error_.value(), original = original_.value();
    return error == 0 ? 0 : original == 0 ? infinity : std::sqrt(error / original);
  }
  // 10 log10(sum of x^2 / sum of d^2), in dB. Infinity where all errors are 0; -infinity where the original is all 0
  // and an error is not.
  double sqnr_db() const noexcept {
    if (nonfinite_ != 0) return nan;
    const double error = error_.value(), original = original_.value();
    return error == 0 ? infinity : original == 0 ? -infinity : 10 * std::log10(original / error);
  }
  // The greatest |d|. Without pairs 0, nowhere; NaN at the first pair that holds infinity or NaN.
  constexpr largest_error largest() const noexcept {
    return nonfinite_ != 0 ? largest_error{nan, first_nonfinite_} : largest_;
  }
  // Sum of x y / sqrt(sum of x^2 * sum of y^2), in -1 ... 1. 1 where all errors are 0; 0 where just one side is all 0.
  double cosine() const noexcept {
    if (nonfinite_ != 0) return nan;
    if (error_.value() == 0) return 1;
    const double sizes = original_.value() * decoded_.value();
    return sizes == 0 ? 0 : std::clamp(positive_.minus(negative_) / std::sqrt(sizes), -1.0, 1.0);
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity(),
                          nan = std::numeric_limits<double>::quiet_NaN();

  exact_sum original_, decoded_, error_;  // of x^2, y^2, d^2
  exact_sum positive_, negative_;         // of |x y|, where x y has this sign
  largest_error largest_;
  std::uint64_t count_ = 0, nonfinite_ = 0, next_ = 0, first_nonfinite_ = largest_error::nowhere;
};

// The difference of two matrices of one shape; an element's index is row * cols + col. The result does not depend on
// the executor.
template <class X, class Y>
result<difference> try_measure(matrix_view<X> original, matrix_view<Y> decoded, executor ex = {}) noexcept {
  constexpr std::size_t most = 32;
  const std::size_t rows = original.rows(), cols = original.cols();
  difference whole;
  if (ex.concurrency() == 1 || rows != decoded.rows() || cols != decoded.cols()) {
    if (const auto ok = whole.try_add(original, decoded); !ok) return ok.error();
    return whole;
  }
  const std::size_t count = std::max<std::size_t>(ceil_div(rows, 4 * std::min(ex.concurrency(), most / 4)), 1),
                    tasks = ceil_div(rows, count);
  std::array<difference, most> parts;
  ex.for_each(tasks, [&](std::size_t i) {
    const std::size_t first = i * count, n = std::min(count, rows - first);
    parts[i] = difference(static_cast<std::uint64_t>(first) * cols);
    // Rows of the two views, of one shape: neither fails.
    static_cast<void>(parts[i].try_add(*matrix_view<X>::try_make(original.row(first), n, cols, original.row_stride()),
                                       *matrix_view<Y>::try_make(decoded.row(first), n, cols, decoded.row_stride())));
  });
  for (std::size_t i = 0; i < tasks; ++i) whole.merge(parts[i]);
  return whole;
}

#if defined(__cpp_exceptions)
// As try_measure; throws quern::error.
template <class X, class Y>
difference measure(matrix_view<X> original, matrix_view<Y> decoded, executor ex = {}) {
  return value_or_throw(try_measure(original, decoded, ex));
}
#endif

}  // namespace quern::inline v0
