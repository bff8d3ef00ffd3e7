// Memory between two pages that must not be touched.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quern/storage/packed.hpp"
#include "support.hpp"

namespace support {

enum class edge { begin, end };  // which end of the memory meets its guard page

// `size` bytes, zero at first. Reading or writing beyond the chosen edge is a segmentation fault.
class guarded {
 public:
  guarded(std::size_t size, edge at) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = (size + page - 1) / page * page;
    all_size_ = inner + 2 * page;
    all_ = static_cast<std::byte*>(mmap(nullptr, all_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(static_cast<void*>(all_) != MAP_FAILED);
    REQUIRE(mprotect(all_, page, PROT_NONE) == 0);
    REQUIRE(mprotect(all_ + page + inner, page, PROT_NONE) == 0);
    bytes_ = {all_ + page + (at == edge::begin ? 0 : inner - size), size};
  }
  ~guarded() { munmap(all_, all_size_); }
  guarded(const guarded&) = delete;
  guarded& operator=(const guarded&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::byte* all_;
  std::size_t all_size_;
  std::span<std::byte> bytes_;
};

// The arrays of a packed matrix, each between guard pages.
class guarded_arrays {
 public:
  // With random bytes.
  guarded_arrays(std::span<const std::size_t> sizes, edge at, std::uint64_t seed) {
    random_source random(seed);
    for (const std::size_t size : sizes) {
      arrays_.push_back(std::make_unique<guarded>(size, at));
      random.fill(arrays_.back()->bytes());
    }
  }
  // With these bytes.
  guarded_arrays(const std::vector<std::span<const std::byte>>& bytes, edge at) {
    for (const auto& from : bytes) {
      arrays_.push_back(std::make_unique<guarded>(from.size(), at));
      std::ranges::copy(from, arrays_.back()->bytes().begin());
    }
  }
  std::span<std::byte> operator[](std::size_t i) const { return arrays_[i]->bytes(); }
  // How many bytes differ from arrays of the same sizes.
  std::size_t differences(const guarded_arrays& others) const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < arrays_.size(); ++i)
      for (std::size_t k = 0; k < arrays_[i]->bytes().size(); ++k) n += (*this)[i][k] != others[i][k];
    return n;
  }

 private:
  std::vector<std::unique_ptr<guarded>> arrays_;
};

// Of a matrix of C, as memory for it and as the matrix.
template <class C>
guarded_arrays random_arrays(quern::shape size, edge at, std::uint64_t seed) {
  std::array<std::size_t, C::layout::arrays> need{};
  if (!quern::try_array_bytes<C>(size, need)) FAIL("a matrix of this size cannot be");
  return {need, at, seed};
}
template <class C>
guarded_arrays arrays_like(const quern::packed<C>& w, edge at) {
  std::vector<std::span<const std::byte>> bytes;
  for (std::size_t i = 0; i < C::layout::arrays; ++i) bytes.push_back(w.array(i));
  return {bytes, at};
}
template <class C>
[[gnu::noinline]] quern::packed_span<C> span_over(const guarded_arrays& arrays, quern::shape size) {
  typename quern::packed_span<C>::spans s;
  for (std::size_t i = 0; i < s.size(); ++i) s[i] = arrays[i];
  return quern::packed_span<C>(s, size.rows, size.cols);
}

}  // namespace support
