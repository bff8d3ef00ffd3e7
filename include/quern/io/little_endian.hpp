// Integers of 1 to 8 bytes, little-endian, at any address.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace quern::inline v0::io {

inline std::uint64_t load_little(const std::byte* p, std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::to_integer<std::uint64_t>(p[i]) << 8 * i;
  return value;
}

// Appends the lowest `bytes` bytes of a number.
inline void put_little(std::string& to, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to += static_cast<char>(value >> 8 * i & 0xff);
}

}  // namespace quern::inline v0::io
