// A packed matrix that owns its bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstring>
#include <new>
#include <utility>

#include "quern/storage/view.hpp"

namespace quern::inline v0 {

// Bytes aligned to a cache line, zero at first. Moves, copies.
class aligned_bytes {
 public:
  static constexpr std::size_t alignment = 64;

  aligned_bytes() noexcept = default;
  // Null data, though size > 0 was asked for, says that there is no memory.
  static aligned_bytes try_make(std::size_t size) noexcept {
    aligned_bytes b;
    if (size == 0) return b;
    b.data_ = static_cast<std::byte*>(::operator new (size, std::align_val_t{alignment}, std::nothrow));
    if (b.data_ != nullptr) {
      b.size_ = size;
      std::memset(b.data_, 0, size);
    }
    return b;
  }
  aligned_bytes(aligned_bytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  aligned_bytes& operator=(aligned_bytes&& other) noexcept {
    std::swap(data_, other.data_), std::swap(size_, other.size_);
    return *this;
  }
  ~aligned_bytes() { ::operator delete (data_, std::align_val_t{alignment}); }

  std::span<std::byte> span() noexcept { return {data_, size_}; }
  std::span<const std::byte> span() const noexcept { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// rows x cols weights in the bytes of C: 64-byte aligned, all zero at first, padding included. Converts to a view.
template <any_codec C>
class packed {
 public:
  using codec_type = C;

  packed() noexcept = default;
  static result<packed> try_make(std::size_t rows, std::size_t cols) noexcept {
    packed p;
    std::array<std::size_t, C::layout::arrays> need{};
    if (!try_array_bytes<C>({rows, cols}, need)) return failure{"rows x cols overflows", "packed", rows, cols};
    for (std::size_t i = 0; i < need.size(); ++i) {
      p.bytes_[i] = aligned_bytes::try_make(need[i]);
      if (p.bytes_[i].span().size() != need[i]) return failure{"out of memory", "packed, bytes", need[i]};
    }
    if (auto view = packed_span<C>::try_make(p.spans(), rows, cols); !view) return view.error();
    p.size_ = {rows, cols};
    return result<packed>(std::move(p));
  }
#if defined(__cpp_exceptions)
  packed(std::size_t rows, std::size_t cols) : packed(value_or_throw(try_make(rows, cols))) {}
#endif

  std::size_t rows() const noexcept { return size_.rows; }
  std::size_t cols() const noexcept { return size_.cols; }
  shape size() const noexcept { return size_; }
  std::span<const std::byte> array(std::size_t i) const noexcept { return bytes_[i].span(); }
  std::span<std::byte> array(std::size_t i) noexcept { return bytes_[i].span(); }

  packed_view<C> view() const noexcept {
    typename packed_view<C>::spans s;
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = bytes_[i].span();
    return *packed_view<C>::try_make(s, size_.rows, size_.cols);
  }
  packed_span<C> span() noexcept { return *packed_span<C>::try_make(spans(), size_.rows, size_.cols); }
  // The bytes of all arrays, given up.
  std::array<aligned_bytes, C::layout::arrays> release() && noexcept {
    size_ = {0, 0};
    return std::move(bytes_);
  }
  operator packed_view<C>() const noexcept { return view(); }
  operator packed_span<C>() noexcept { return span(); }

 private:
  typename packed_span<C>::spans spans() noexcept {
    typename packed_span<C>::spans s;
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = bytes_[i].span();
    return s;
  }
  std::array<aligned_bytes, C::layout::arrays> bytes_;
  shape size_{0, 0};
};

}  // namespace quern::inline v0
