// What is said of GGUF files that are built byte by byte.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>

#include "io/gguf_bytes.hpp"
#include "quern/io/gguf_header.hpp"

namespace support {

inline constexpr std::uint64_t big = std::uint64_t{1} << 32, most = ~std::uint64_t{0};

// The rule that a file breaks, and what of it; "": none.
inline std::string said(const gguf_bytes& b) {
  const auto h = quern::io::gguf_header::try_parse(b.bytes(), "f");
  return h ? "" : h.error().what;
}
inline std::string where(const gguf_bytes& b) {
  const auto h = quern::io::gguf_header::try_parse(b.bytes(), "f");
  return h ? "" : h.error().where;
}

inline gguf_bytes start(std::uint64_t tensors, std::uint64_t entries) { return gguf_bytes().header(tensors, entries); }
// A file of one tensor, with room for 4096 bytes.
inline gguf_bytes one(std::initializer_list<std::uint64_t> dims, std::uint32_t type, std::uint64_t offset = 0) {
  return start(1, 0).tensor("t", dims, type, offset).pad(32).zeros(4096);
}

}  // namespace support
