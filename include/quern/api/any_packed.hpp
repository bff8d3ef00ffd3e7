// Packed matrices whose codec is known only when a file is loaded: what an engine stores for each tensor. How they are
// made by name stands in api/by_name.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "quern/api/matmul.hpp"
#include "quern/codec/name.hpp"
#include "quern/storage/transcode.hpp"

namespace quern::inline v0 {

class any_packed;
struct catalog;

inline constexpr std::size_t most_arrays = 8;  // of a codec that any_view can hold

// The bytes of a matrix, and what its codec can do with them, behind one pointer.
struct any_bytes {
  std::array<std::span<const std::byte>, most_arrays> arrays;
  shape matrix{0, 0};
  std::size_t first_row = 0, rows = 0;
};
struct any_operations {
  std::string_view (*name)() noexcept;
  std::size_t arrays;
  bool is_tiled;
  result<void> (*check)(const any_bytes&) noexcept;
  result<void> (*dequantize)(const any_bytes&, matrix_view<float>, executor) noexcept;
  result<void> (*decode_rows)(const any_bytes&, std::span<const std::uint32_t>, matrix_view<float>) noexcept;
  std::size_t (*scratch_bytes)(const any_bytes&, std::size_t m) noexcept;
  result<void> (*matmul)(const any_bytes&, matrix_view<const float>, matrix_view<float>, std::span<std::byte>,
                         executor) noexcept;
  result<any_packed> (*tiled)(const any_bytes&, executor) noexcept;
};

// The symbol behind which these lie; see api/operations.hpp.
template <any_codec C>
const any_operations& any_operations_of() noexcept;

// A view of weights of any codec of a list. Any alignment. Functions are those of api/matrices.hpp and api/matmul.hpp,
// with the activations that are chosen by default.
class any_view {
 public:
  any_view() noexcept = default;

  // By the codec's name, or by the number of a GGUF tensor type. Fails where the list has no such codec, or the bytes do
  // not fit the shape.
  template <class List = catalog>
  static result<any_view> try_make(std::string_view name, std::span<const std::span<const std::byte>> arrays,
                                   std::size_t rows, std::size_t cols) noexcept;
  template <class List = catalog>
  static result<any_view> try_make(int gguf_id, std::span<const std::byte> bytes, std::size_t rows,
                                   std::size_t cols) noexcept;
  // Of a codec known here.
  template <any_codec C>
  any_view(const packed_view<C>& w) noexcept;
  template <any_codec C>
  any_view(const packed<C>& w) noexcept : any_view(w.view()) {}

  std::string_view name() const noexcept { return ops_ ? ops_->name() : std::string_view(); }
  std::size_t rows() const noexcept { return bytes_.rows; }
  std::size_t cols() const noexcept { return bytes_.matrix.cols; }
  bool is_tiled() const noexcept { return ops_ && ops_->is_tiled; }
  std::size_t arrays() const noexcept { return ops_ ? ops_->arrays : 0; }
  std::span<const std::byte> array(std::size_t i) const noexcept { return bytes_.arrays[i]; }
  // Of all arrays.
  std::size_t bytes() const noexcept {
    std::size_t n = 0;
    for (std::size_t i = 0; i < arrays(); ++i) n += bytes_.arrays[i].size();
    return n;
  }

  result<any_view> try_rows(std::size_t first, std::size_t count) const noexcept {
    if (first > rows() || count > rows() - first)
      return failure{"rows beyond the end of the view", "any_view::rows", first, rows()};
    any_view v = *this;
    v.bytes_.first_row += first, v.bytes_.rows = count;
    return v;
  }
  result<void> try_dequantize(matrix_view<float> out, executor ex = {}) const noexcept {
    return ops_ ? ops_->dequantize(bytes_, out, ex) : empty();
  }
  result<void> try_decode_rows(std::span<const std::uint32_t> rows, matrix_view<float> out) const noexcept {
    return ops_ ? ops_->decode_rows(bytes_, rows, out) : empty();
  }
  std::size_t scratch_bytes(std::size_t m) const noexcept { return ops_ ? ops_->scratch_bytes(bytes_, m) : 0; }
  result<void> try_matmul(matrix_view<const float> x, matrix_view<float> y, std::span<std::byte> scratch = {},
                          executor ex = {}) const noexcept {
    return ops_ ? ops_->matmul(bytes_, x, y, scratch, ex) : empty();
  }
  // The same numbers in tiles, the fast form. A copy if they are in tiles already, and then of whole matrices only.
  result<any_packed> try_tiled(executor ex = {}) const noexcept;

#if defined(__cpp_exceptions)
  // As the try_ spellings; throw quern::error.
  template <class List = catalog>
  static any_view make(std::string_view name, std::span<const std::span<const std::byte>> arrays, std::size_t rows,
                       std::size_t cols) {
    return value_or_throw(try_make<List>(name, arrays, rows, cols));
  }
  template <class List = catalog>
  static any_view make(int gguf_id, std::span<const std::byte> bytes, std::size_t rows, std::size_t cols) {
    return value_or_throw(try_make<List>(gguf_id, bytes, rows, cols));
  }
  any_view rows(std::size_t first, std::size_t count) const { return value_or_throw(try_rows(first, count)); }
  void dequantize(matrix_view<float> out, executor ex = {}) const { value_or_throw(try_dequantize(out, ex)); }
  void decode_rows(std::span<const std::uint32_t> rows, matrix_view<float> out) const {
    value_or_throw(try_decode_rows(rows, out));
  }
  void matmul(matrix_view<const float> x, matrix_view<float> y, std::span<std::byte> scratch = {},
              executor ex = {}) const {
    value_or_throw(try_matmul(x, y, scratch, ex));
  }
  any_packed tiled(executor ex = {}) const;
#endif

 private:
  static failure empty() noexcept { return {"the view is empty", "any_view"}; }
  const any_operations* ops_ = nullptr;
  any_bytes bytes_;
};

// Owns its bytes.
class any_packed {
 public:
  any_packed() noexcept = default;
  template <any_codec C>
  any_packed(packed<C>&& w) noexcept : view_(w.view()) {
    auto bytes = std::move(w).release();
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes_[i] = std::move(bytes[i]);
  }
  // What is moved from is empty.
  any_packed(any_packed&& other) noexcept
      : bytes_(std::move(other.bytes_)), view_(std::exchange(other.view_, any_view())) {}
  any_packed& operator=(any_packed&& other) noexcept {
    std::swap(bytes_, other.bytes_), std::swap(view_, other.view_);
    return *this;
  }
  const any_view& view() const noexcept { return view_; }
  operator const any_view&() const noexcept { return view_; }
  const any_view* operator->() const noexcept { return &view_; }

 private:
  std::array<aligned_bytes, most_arrays> bytes_;
  any_view view_;
};

// ---- what a codec can do, as functions ----

template <any_codec C>
struct any_codec_operations {
  static_assert(C::layout::arrays <= most_arrays, "any_view: a codec may have at most 8 arrays");

  static packed_view<C> view(const any_bytes& b) noexcept {
    typename packed_view<C>::spans s;
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = b.arrays[i];
    return *packed_view<C>::try_make(s, b.matrix.rows, b.matrix.cols)->try_rows(b.first_row, b.rows);
  }
  static result<void> check(const any_bytes& b) noexcept {
    typename packed_view<C>::spans s;
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = b.arrays[i];
    const auto v = packed_view<C>::try_make(s, b.matrix.rows, b.matrix.cols);
    if (!v) return v.error();
    return {};
  }
  static std::string_view name() noexcept { return quern::name<C>; }
  static result<void> dequantize(const any_bytes& b, matrix_view<float> out, executor ex) noexcept {
    return try_dequantize(view(b), out, ex);
  }
  static result<void> decode_rows(const any_bytes& b, std::span<const std::uint32_t> rows,
                                  matrix_view<float> out) noexcept {
    return try_decode_rows(view(b), rows, out);
  }
  static std::size_t scratch(const any_bytes& b, std::size_t m) noexcept { return scratch_bytes(view(b), m); }
  static result<void> matmul(const any_bytes& b, matrix_view<const float> x, matrix_view<float> y,
                             std::span<std::byte> scratch, executor ex) noexcept {
    return try_matmul(view(b), x, y, scratch, ex);
  }
  static result<any_packed> tile(const any_bytes& b, executor ex) noexcept {
    if constexpr (quern::is_tiled<C>) {
      if (b.rows != b.matrix.rows)
        return failure{"some rows of tiles are no matrix", "any_view::tiled", b.rows, b.matrix.rows};
      auto t = packed<C>::try_make(b.matrix.rows, b.matrix.cols);
      if (!t) return t.error();
      for (std::size_t i = 0; i < C::layout::arrays; ++i) std::ranges::copy(b.arrays[i], t->array(i).begin());
      return any_packed(std::move(*t));
    } else {
      auto t = try_transcode<quern::tiled<C>>(view(b), ex);
      if (!t) return t.error();
      return any_packed(std::move(*t));
    }
  }
  static constexpr any_operations table{
      &name, C::layout::arrays, quern::is_tiled<C>, &check, &dequantize, &decode_rows, &scratch, &matmul, &tile};
};

template <any_codec C>
any_view::any_view(const packed_view<C>& w) noexcept : ops_(&any_operations_of<C>()) {
  for (std::size_t i = 0; i < C::layout::arrays; ++i) bytes_.arrays[i] = w.array(i);
  bytes_.matrix = w.matrix(), bytes_.first_row = w.first_row(), bytes_.rows = w.rows();
}

inline result<any_packed> any_view::try_tiled(executor ex) const noexcept {
  if (!ops_) return empty();
  return ops_->tiled(bytes_, ex);
}
#if defined(__cpp_exceptions)
inline any_packed any_view::tiled(executor ex) const { return value_or_throw(try_tiled(ex)); }
#endif

}  // namespace quern::inline v0
