// The shape of a tensor as a header keeps it: no longer than it is in the file.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ranges>
#include <span>

#include "quern/io/safetensors_types.hpp"

namespace quern::inline v0::io {

// Extents, row-major; none of a scalar. A view of bytes: how many extents there are, then each, 7 bits a byte, the low
// ones first, with bit 7 where another byte follows. So an extent takes no more bytes than it has digits.
class safetensors_shape {
 public:
  class iterator {
   public:
    using value_type = std::uint64_t;
    using difference_type = std::ptrdiff_t;
    using reference = std::uint64_t;
    using pointer = void;
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;

    iterator() noexcept = default;
    std::uint64_t operator*() const noexcept {
      std::uint64_t n = *at_ & 0x7f;
      for (unsigned i = 1; (at_[i - 1] & 0x80) != 0; ++i) n |= std::uint64_t{at_[i] & 0x7fu} << 7 * i;
      return n;
    }
    iterator& operator++() noexcept {
      while ((*at_++ & 0x80) != 0) {
      }
      --left_;
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    // Precondition: iterators of one shape.
    bool operator==(const iterator& other) const noexcept { return left_ == other.left_; }

   private:
    friend class safetensors_shape;
    iterator(const unsigned char* at, std::size_t left) noexcept : at_(at), left_(left) {}
    const unsigned char* at_ = nullptr;
    std::size_t left_ = 0;
  };

  safetensors_shape() noexcept = default;
  // Precondition: what put_safetensors_shape has put.
  explicit safetensors_shape(const unsigned char* bytes) noexcept : bytes_(bytes) {}

  std::size_t size() const noexcept { return *bytes_; }
  bool empty() const noexcept { return size() == 0; }
  iterator begin() const noexcept { return {bytes_ + 1, size()}; }
  iterator end() const noexcept { return {bytes_ + 1, 0}; }
  // Precondition: i < size().
  std::uint64_t operator[](std::size_t i) const noexcept { return *std::next(begin(), static_cast<std::ptrdiff_t>(i)); }

 private:
  static constexpr unsigned char none = 0;
  const unsigned char* bytes_ = &none;
};

// put(byte), for each byte of a shape. Precondition: no more than safetensors_most_extents.
template <class Put>
void put_safetensors_shape(std::span<const std::uint64_t> shape, Put put) {
  put(static_cast<unsigned char>(shape.size()));
  for (std::uint64_t extent : shape) {
    for (; extent >= 0x80; extent >>= 7) put(static_cast<unsigned char>(extent | 0x80));
    put(static_cast<unsigned char>(extent));
  }
}

}  // namespace quern::inline v0::io

// Its iterators do not need it.
template <>
inline constexpr bool std::ranges::enable_borrowed_range<quern::io::safetensors_shape> = true;
