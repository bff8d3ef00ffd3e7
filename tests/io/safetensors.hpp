// Safetensors files as strings, to be parsed or written to a folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace support {

inline std::string length_of_header(std::uint64_t n) {
  std::string s;
  for (int i = 0; i < 8; ++i) s += static_cast<char>(n >> 8 * i & 0xff);
  return s;
}
// A file of this header and `data` bytes 0, 1, 2, ...
inline std::string safetensors(std::string_view json, std::size_t data = 0) {
  std::string s = length_of_header(json.size()) + std::string(json);
  for (std::size_t i = 0; i < data; ++i) s += static_cast<char>(i);
  return s;
}
// {"a": U8 tensor of `fields`}
inline std::string tensor_a(std::string_view fields) { return R"({"a":{)" + std::string(fields) + "}}"; }

}  // namespace support
