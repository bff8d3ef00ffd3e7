// Fuzzing of the GGUF reader: any bytes are refused, or are a file all of whose values and tensors can be walked.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "quern/io/gguf_header.hpp"

namespace {

using namespace quern;

// What cannot be is a finding.
void expect(bool holds) {
  if (!holds) std::abort();
}

template <class T>
std::uint64_t sum(const io::gguf_value& v) {
  std::uint64_t s = 0;
  if (const auto a = v.try_get<io::gguf_array<T>>())
    for (std::size_t i = 0; i < a->size(); ++i) s += io::gguf_bits_of((*a)[i]);
  return s;
}

std::uint64_t walk(const io::gguf_value& v) {
  std::uint64_t s = v.try_get<std::uint64_t>().has_value() + v.try_get<std::int8_t>().has_value() +
                    v.try_get<float>().has_value() + v.try_get<double>().has_value() + v.try_get<bool>().has_value();
  if (const auto text = v.try_get<std::string_view>())
    for (const char c : *text) s += static_cast<unsigned char>(c);
  if (const auto strings = v.try_get<io::gguf_strings>()) {
    std::size_t count = 0;
    for (const std::string_view text : *strings) {
      ++count;
      for (const char c : text) s += static_cast<unsigned char>(c);
    }
    expect(count == strings->size() && count == v.count());
  }
  s +=
      sum<std::uint8_t>(v) + sum<std::int8_t>(v) + sum<std::uint16_t>(v) + sum<std::int16_t>(v) + sum<std::uint32_t>(v);
  s += sum<std::int32_t>(v) + sum<std::uint64_t>(v) + sum<std::int64_t>(v) + sum<float>(v) + sum<double>(v) +
       sum<bool>(v);
  if (v.is_array() && v.count() != 0) s += v.try_at<std::int32_t>(v.count() - 1).has_value();
  expect(!v.try_at<std::int32_t>(v.count()));
  return s;
}

void walk(const io::gguf_header& h, std::uint64_t size) {
  std::uint64_t s = 0;
  for (std::size_t i = 0; i < h.entry_count(); ++i) {
    const io::gguf_entry e = h.entry(i);
    const auto found = h.find(e.key);
    expect(found && *found == e.value);
    s += walk(e.value);
  }
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < h.tensor_count(); ++i) {
    const io::gguf_tensor t = h.tensor(i);
    const auto found = h.find_tensor(t.name);
    expect(found && found->offset == t.offset && found->bytes == t.bytes);
    expect(h.data_offset() <= size && t.offset % h.alignment() == 0 && t.bytes <= size && t.offset <= size - t.bytes);
    expect((t.bytes == 0) == (t.rows() == 0 || t.cols() == 0) && !t.type_name().empty());
    bytes += t.bytes;
  }
  // No byte belongs to two tensors.
  expect(h.tensor_count() == 0 || bytes <= size - h.data_offset());
  expect(!h.find("") && !h.find_tensor(std::string(64, 'n')));
  volatile std::uint64_t sink = s;
  static_cast<void>(sink);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto h = io::gguf_header::try_parse(bytes);
  if (h) walk(*h, size);
  else expect(h.error().what[0] != '\0' && !h.error().text().empty());

  // Read in steps, as files are, it is the same file, or refused for the same reason.
  std::uint64_t needed = 0;
  for (std::uint64_t take = size / 2;; take = needed) {
    const auto part =
        io::gguf_header::try_parse_front(bytes.first(static_cast<std::size_t>(take)), size, "GGUF", needed);
    expect(needed == 0 || (needed > take && needed <= size));
    if (needed != 0) continue;
    expect(part.has_value() == h.has_value());
    if (!h) expect(part.error().text() == h.error().text());
    else expect(part->tensor_count() == h->tensor_count() && part->data_offset() == h->data_offset());
    return 0;
  }
}
