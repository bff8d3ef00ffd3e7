// Memory between two pages that must not be touched.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <span>

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

}  // namespace support
