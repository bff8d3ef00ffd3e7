// Any bytes as a safetensors file: they are refused, or what is said of them holds. libFuzzer.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "quern/io/safetensors_header.hpp"

namespace {

using namespace quern;

void must(bool holds) {
  if (!holds) __builtin_trap();
}

// What a header says of a file of `size` bytes.
void check(const io::safetensors_header& h, std::uint64_t size) {
  std::uint64_t next = h.tensors().empty() ? size : h.tensors()[0].offset;
  must(next >= 10);
  for (const io::safetensors_tensor& t : h.tensors()) {
    must(t.offset == next);
    const io::safetensors_size bytes = io::safetensors_size_of(t.dtype, t.shape);
    must(bytes.refusal == nullptr && bytes.bytes == t.bytes);
    must(t.bytes <= size - next);
    next += t.bytes;
    must(h.find(t.name) == &t);
  }
  must(next == size);
  std::string_view before;
  for (const io::safetensors_metadata& m : h.metadata()) {
    must(h.find_metadata(m.key) == m.value);
    must(m.key.data() == h.metadata()[0].key.data() || before < m.key);
    before = m.key;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  if (const auto h = io::safetensors_header::try_parse(bytes)) check(*h, size);
  else must(h.error().what[0] != 0 && !h.error().text().empty());
  // The same bytes as the header alone, so that its length need not be guessed, of a file with some data.
  for (const std::uint64_t room : std::initializer_list<std::uint64_t>{0, 1, 16, 64}) {
    const std::string_view json(reinterpret_cast<const char*>(data), size);
    if (const auto h = io::safetensors_header::try_parse(json, 8 + size + room)) check(*h, 8 + size + room);
  }
  return 0;
}
