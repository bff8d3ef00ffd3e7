// Packed matrices somewhere in memory: read, or read and written.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "quern/base/error.hpp"
#include "quern/storage/sizes.hpp"

namespace quern::inline v0 {

// Byte is std::byte or const std::byte. A view sees rows [first_row, first_row + rows) of a matrix whose arrays it holds
// whole, so that a part of a matrix is a view whatever the arrangement of its bytes.
// Invariant: every array has the bytes that the declaration asks for; any alignment will do.
template <any_codec C, class Byte>
class basic_packed_view {
 public:
  static constexpr std::size_t arrays = C::layout::arrays;
  using codec_type = C;
  using spans = std::array<std::span<Byte>, arrays>;

  constexpr basic_packed_view() noexcept = default;

  // Fails unless every array has exactly the bytes that C needs for rows x cols weights; longer arrays fail, too, since
  // they are the sign of another shape or another format.
  static constexpr result<basic_packed_view> try_make(const spans& bytes, std::size_t rows, std::size_t cols) noexcept {
    std::array<std::size_t, arrays> need{};
    if (!try_array_bytes<C>({rows, cols}, need)) return failure{"rows x cols overflows", "packed_view", rows, cols};
    if (cols % row_multiple<C> != 0)
      return failure{"a row of this format is whole blocks", "packed_view, cols", cols, row_multiple<C>};
    // A preset may refuse shapes that its owner has no files for: a sentence, or null.
    if constexpr (requires { C::refusal(shape{}); }) {
      if (const char* why = C::refusal(shape{rows, cols})) return failure{why, "packed_view, rows x cols", rows, cols};
    }
    for (std::size_t i = 0; i < arrays; ++i)
      if (bytes[i].size() != need[i])
        return failure{"an array does not have the bytes of its shape", "packed_view, bytes", bytes[i].size(), need[i]};
    basic_packed_view v;
    v.bytes_ = bytes, v.matrix_ = {rows, cols}, v.rows_ = rows;
    return v;
  }
  static constexpr result<basic_packed_view> try_make(std::span<Byte> bytes, std::size_t rows,
                                                      std::size_t cols) noexcept requires(arrays == 1) {
    return try_make(spans{bytes}, rows, cols);
  }
#if defined(__cpp_exceptions)
  // As try_make; throws quern::error.
  constexpr basic_packed_view(const spans& bytes, std::size_t rows, std::size_t cols)
      : basic_packed_view(value_or_throw(try_make(bytes, rows, cols))) {}
  constexpr basic_packed_view(std::span<Byte> bytes, std::size_t rows, std::size_t cols) requires(arrays == 1)
      : basic_packed_view(spans{bytes}, rows, cols) {}
#endif

  // Another spelling of the same description (a preset and the codec beneath), and read-only from writable.
  template <class D, class B>
    requires(std::same_as<typename D::base, typename C::base> && std::is_convertible_v<B*, Byte*> &&
             !(std::same_as<C, D> && std::same_as<B, Byte>))
  constexpr basic_packed_view(const basic_packed_view<D, B>& v) noexcept
      : matrix_(v.matrix()), first_row_(v.first_row()), rows_(v.rows()) {
    for (std::size_t i = 0; i < arrays; ++i) bytes_[i] = v.array(i);
  }

  constexpr std::size_t rows() const noexcept { return rows_; }
  constexpr std::size_t cols() const noexcept { return matrix_.cols; }
  constexpr shape size() const noexcept { return {rows_, matrix_.cols}; }
  // The matrix whose bytes these are, and where in it this view begins.
  constexpr shape matrix() const noexcept { return matrix_; }
  constexpr std::size_t first_row() const noexcept { return first_row_; }
  constexpr std::span<Byte> array(std::size_t i) const noexcept { return bytes_[i]; }

  // Rows [first, first + count) of this view.
  constexpr result<basic_packed_view> try_rows(std::size_t first, std::size_t count) const noexcept {
    if (first > rows_ || count > rows_ - first)
      return failure{"rows beyond the end of the view", "packed_view::rows", first, rows_};
    basic_packed_view v = *this;
    v.first_row_ += first, v.rows_ = count;
    return v;
  }
#if defined(__cpp_exceptions)
  constexpr basic_packed_view rows(std::size_t first, std::size_t count) const {
    return value_or_throw(try_rows(first, count));
  }
#endif

 private:
  spans bytes_{};
  shape matrix_{0, 0};
  std::size_t first_row_ = 0, rows_ = 0;
};

template <any_codec C>
using packed_view = basic_packed_view<C, const std::byte>;
template <any_codec C>
using packed_span = basic_packed_view<C, std::byte>;

// Whatever names its codec and converts to a view of it: packed, packed_view, packed_span, a user's own.
template <class W>
using codec_of = typename std::remove_cvref_t<W>::codec_type;
template <class W>
inline constexpr bool converts_to_view = std::is_convertible_v<const std::remove_cvref_t<W>&, packed_view<codec_of<W>>>;
template <class W>
concept packed_weights = any_codec<codec_of<W>> && converts_to_view<W>;

}  // namespace quern::inline v0
