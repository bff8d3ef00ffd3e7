// The same codes in another layout. Moves bits, never floats, so nothing is lost.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/executor.hpp"
#include "quern/storage/codes.hpp"
#include "quern/storage/packed.hpp"

namespace quern::inline v0 {

// The row of part K's grid of codes that a row of the matrix is in.
template <class C, std::size_t K>
constexpr std::size_t code_row(std::size_t row) {
  if constexpr (parts<C>[K].region.rows == all) return 0;
  else return row / parts<C>[K].region.rows;
}

// Whether a region of part K begins at a row of the matrix; and whether a window of rows is whole regions, so that its codes
// can be written.
template <class C, std::size_t K>
constexpr bool region_begins(std::size_t row) {
  if constexpr (parts<C>[K].region.rows == all) return true;
  else return row % parts<C>[K].region.rows == 0;
}
template <class C, std::size_t K>
constexpr bool is_whole_regions(shape matrix, std::size_t first_row, std::size_t rows) {
  if constexpr (parts<C>[K].region.rows == all) return rows == matrix.rows;
  else return region_begins<C, K>(first_row) && (region_begins<C, K>(rows) || first_row + rows == matrix.rows);
}

// What is read before it is written: rows and columns of codes that fit into a few pages of the stack.
inline constexpr shape transcode_step{16, 256};

// f(to's corner, from's corner, extent) for rectangles of part K's grid that together are the window; those of one unit of
// To in one task.
template <std::size_t K, class To>
void for_each_rectangle(const packed_span<To>& to, std::size_t from_first_row, executor ex, auto f) {
  const std::size_t first = code_row<To, K>(to.first_row()), from_first = code_row<To, K>(from_first_row);
  const std::size_t end = to.rows() == 0 ? first : code_row<To, K>(to.first_row() + to.rows() - 1) + 1;
  const std::size_t cols = codes_in_matrix<To, K>(to.matrix()).cols;
  if (first == end || cols == 0) return;
  const std::size_t unit = codes_in_unit<To, K>(to.matrix()).rows;
  const std::size_t first_unit = first / unit, units = ceil_div(end, unit) - first_unit;
  const std::size_t batch = std::max(ceil_div(units, 4 * ex.concurrency()), ceil_div(transcode_step.rows, unit));
  ex.for_each(ceil_div(units, batch), [&](std::size_t task) {
    const std::size_t top = std::max(first, (first_unit + task * batch) * unit);
    const std::size_t bottom = std::min(end, (first_unit + std::min(units, (task + 1) * batch)) * unit);
    for (std::size_t row = top; row < bottom; row += transcode_step.rows)
      for (std::size_t col = 0; col < cols; col += transcode_step.cols)
        f(coord{row, col}, coord{row - first + from_first, col},
          shape{std::min(transcode_step.rows, bottom - row), std::min(transcode_step.cols, cols - col)});
  });
}

// to = from, code by code. The two have the same shape and do not overlap. Bits of `to` that hold no code of the matrix
// (padding, `nothing`) become 0 if it is a whole matrix, and stay as they are if it is a window of rows.
// Base 3: of a byte, the digits are kept and not the byte, where several bytes have the same five digits. A code that is
// no digit, 3 of a ternary number of two bits, cannot be stored there.
// Fails, with `to` untouched, where shapes differ, where a window cuts through the rows that share a scale or an offset,
// and where a code is no digit.
template <any_codec To, packed_weights W>
result<void> try_transcode_into(const W& weights, const packed_span<To>& to, executor ex = {}) noexcept {
  using From = codec_of<W>;
  static_assert(same_numbers<To, From>,
                "transcode: the two codecs must differ in layout alone; to change numbers, dequantize and quantize");
  if constexpr (same_numbers<To, From>) {
    const packed_view<From> from = weights;
    if (from.rows() != to.rows())
      return failure{"source and target differ in rows", "transcode", from.rows(), to.rows()};
    if (from.cols() != to.cols())
      return failure{"source and target differ in columns", "transcode", from.cols(), to.cols()};
    bool whole_regions = true;
    std::uint32_t greatest = 0;
    each_part<To>([&]<std::size_t K>() {
      whole_regions = whole_regions && region_begins<From, K>(from.first_row()) &&
                      is_whole_regions<To, K>(to.matrix(), to.first_row(), to.rows());
    });
    if (!whole_regions)
      return failure{"a window must not cut through rows that share a scale or an offset", "transcode, first row",
                     from.first_row(), to.first_row()};
    each_part<To>([&]<std::size_t K>() {
      if constexpr (in_base_3<To, K> && !in_base_3<From, K>) {
        for_each_rectangle<K>(to, from.first_row(), {}, [&](coord, coord there, shape extent) {
          std::array<std::uint32_t, transcode_step.count()> moved;
          read_codes<K>(from, there, extent, moved);
          for (std::size_t i = 0; i < extent.count(); ++i) greatest = std::max(greatest, moved[i]);
        });
      }
    });
    if (greatest > 2) return failure{"a code is no digit in base 3", "transcode, code", greatest, 3};
    if (to.size() == to.matrix())
      for (std::size_t i = 0; i < To::layout::arrays; ++i)
        std::fill(to.array(i).begin(), to.array(i).end(), std::byte{0});
    each_part<To>([&]<std::size_t K>() {
      for_each_rectangle<K>(to, from.first_row(), ex, [&](coord here, coord there, shape extent) {
        std::array<std::uint32_t, transcode_step.count()> moved;
        read_codes<K>(from, there, extent, moved);
        write_codes<K>(to, here, extent, moved);
      });
    });
  }
  return {};
}

// The weights of a view, in the layout of To.
template <any_codec To, packed_weights W>
result<packed<To>> try_transcode(const W& weights, executor ex = {}) noexcept {
  const packed_view<codec_of<W>> from = weights;
  auto to = packed<To>::try_make(from.rows(), from.cols());
  if (!to) return to;
  if (const auto moved = try_transcode_into<To>(from, to->span(), ex); !moved) return moved.error();
  return to;
}

#if defined(__cpp_exceptions)
// As the try_ spellings; throw quern::error.
template <any_codec To, packed_weights W>
void transcode_into(const W& weights, const packed_span<To>& to, executor ex = {}) {
  value_or_throw(try_transcode_into<To>(weights, to, ex));
}
template <any_codec To, packed_weights W>
packed<To> transcode(const W& weights, executor ex = {}) {
  return value_or_throw(try_transcode<To>(weights, ex));
}
#endif

}  // namespace quern::inline v0
