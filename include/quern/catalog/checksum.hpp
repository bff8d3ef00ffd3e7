// A checksum for tables of the catalog: whoever edits one by accident gets a compile error.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace quern::inline v0 {

// FNV-1a, 64 bits, of the words' bytes, lowest first.
template <class Word, std::size_t N>
consteval std::uint64_t checksum(const std::array<Word, N>& words) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const Word word : words)
    for (std::size_t byte = 0; byte < sizeof(Word); ++byte) hash = (hash ^ (word >> 8 * byte & 0xff)) * 0x100000001b3;
  return hash;
}

}  // namespace quern::inline v0
