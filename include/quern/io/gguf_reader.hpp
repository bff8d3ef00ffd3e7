// GGUF files: their metadata and tensors, and the tensors' bytes, mapped or read in pieces of any size.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>

#include "quern/io/failure.hpp"
#include "quern/io/file.hpp"
#include "quern/io/gguf_header.hpp"

namespace quern::inline v0::io {

// The metadata is copied when the file is opened, and what was checked cannot change any more; it takes less than twice
// its bytes in the file, or 64 KiB. The data stays in the file.
class gguf_file : public gguf_header {
 public:
  gguf_file() noexcept = default;

  static result<gguf_file> try_open(const std::filesystem::path& path, access how = access::mapped) noexcept {
    auto input = input_file::try_open(path, how);
    if (!input) return input.error();
    return try_from(std::move(*input));
  }

  const input_file& file() const noexcept { return file_; }

  // The bytes of a tensor, or `count` of them from `first` on: where they are, or copied into `room`, which is made
  // larger where needed. Valid as long as both.
  result<std::span<const std::byte>> try_view(const gguf_tensor& t, aligned_bytes& room) const noexcept {
    return try_view(t, 0, t.bytes, room);
  }
  result<std::span<const std::byte>> try_view(const gguf_tensor& t, std::uint64_t first, std::uint64_t count,
                                              aligned_bytes& room) const noexcept {
    if (auto ok = check(t, first, count); !ok) return ok.error();
    return file_.try_view(t.offset + first, static_cast<std::size_t>(count), room);
  }
  // Bytes [first, first + out.size()) of a tensor.
  result<void> try_read(const gguf_tensor& t, std::uint64_t first, std::span<std::byte> out) const noexcept {
    if (auto ok = check(t, first, out.size()); !ok) return ok.error();
    return file_.try_read(t.offset + first, out);
  }

#if defined(__cpp_exceptions)
  static gguf_file open(const std::filesystem::path& path, access how = access::mapped) {
    return value_or_throw(try_open(path, how));
  }
  std::span<const std::byte> view(const gguf_tensor& t, aligned_bytes& room) const {
    return value_or_throw(try_view(t, room));
  }
  std::span<const std::byte> view(const gguf_tensor& t, std::uint64_t first, std::uint64_t count,
                                  aligned_bytes& room) const {
    return value_or_throw(try_view(t, first, count, room));
  }
  void read(const gguf_tensor& t, std::uint64_t first, std::span<std::byte> out) const {
    value_or_throw(try_read(t, first, out));
  }
#endif

 private:
  static constexpr std::uint64_t first_read = 1u << 16;

  static result<gguf_file> try_from(input_file&& input) noexcept {
    gguf_file f;
    f.file_ = std::move(input);
    const std::uint64_t size = f.file_.size();
    for (std::uint64_t take = std::min(size, first_read);;) {
      f.front_ = aligned_bytes();
      f.front_ = aligned_bytes::try_make(static_cast<std::size_t>(take));
      if (f.front_.span().size() != take) return file_failure{"no memory for the metadata", f.name(), take};
      if (auto ok = f.file_.try_read(0, f.front_.span()); !ok) return ok.error();
      std::uint64_t needed = 0;
      auto header = try_parse_front(f.front_.span(), size, f.file_.path().native(), needed);
      if (header) {
        static_cast<gguf_header&>(f) = std::move(*header);
        return f;
      }
      if (needed == 0) return header.error();
      take = std::min(size, std::max(needed, 2 * take));
    }
  }

  std::string name() const { return escaped(file_.path().native()); }
  result<void> check(const gguf_tensor& t, std::uint64_t first, std::uint64_t count) const noexcept {
    if (first > t.bytes || count > t.bytes - first || count > SIZE_MAX || t.offset > most_gguf_size)
      return with_memory("a tensor of a GGUF file", [&]() -> result<void> {
        return file_failure{"bytes beyond the end of the tensor", place(t.name), count, t.bytes, first};
      });
    return {};
  }
  input_file file_;
  aligned_bytes front_;
};

}  // namespace quern::inline v0::io
