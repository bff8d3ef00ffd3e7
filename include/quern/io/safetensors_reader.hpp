// Safetensors files, read: the header at once, bytes of tensors when they are asked for.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "quern/io/file.hpp"
#include "quern/io/safetensors_header.hpp"

namespace quern::inline v0::io {

class safetensors_file {
 public:
  static result<safetensors_file> try_open(const std::filesystem::path& path, access how = access::mapped) noexcept {
    return with_memory("safetensors file", [&]() -> result<safetensors_file> {
      auto input = input_file::try_open(path, how);
      if (!input) return input.error();
      safetensors_file f;
      f.input_ = std::move(*input);
      const std::uint64_t size = f.input_.size();
      std::array<std::byte, 8> first{};
      if (size >= first.size())
        if (auto ok = f.input_.try_read(0, first); !ok) return ok.error();
      const auto n = safetensors_header::try_length(first, size, path.native());
      if (!n) return n.error();
      aligned_bytes room;
      const std::uint64_t most = f.input_.is_mapped() ? *n : most_read;
      const auto json = [&](std::uint64_t at) -> result<std::string_view> {
        const auto count = static_cast<std::size_t>(std::min(*n - at, most));
        const auto bytes = f.input_.try_view(first.size() + at, count, room);
        if (!bytes) return bytes.error();
        return std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
      };
      auto header = safetensors_header::try_parse_pieces(*n, json, size, path.native());
      if (!header) return header.error();
      f.header_ = std::move(*header);
      return f;
    });
  }
  safetensors_file() noexcept = default;

  const input_file& input() const noexcept { return input_; }
  const safetensors_header& header() const noexcept { return header_; }
  // Those of the header; valid as long as the file, which may be moved.
  std::span<const safetensors_tensor> tensors() const noexcept { return header_.tensors(); }
  const safetensors_tensor* find(std::string_view name) const noexcept { return header_.find(name); }
  safetensors_metadata_list metadata() const noexcept { return header_.metadata(); }
  std::optional<std::string_view> find_metadata(std::string_view key) const noexcept {
    return header_.find_metadata(key);
  }

  // As find; the failure names the tensor.
  result<const safetensors_tensor*> try_find(std::string_view name) const noexcept {
    if (const safetensors_tensor* t = find(name)) return t;
    return with_memory("safetensors file",
                       [&]() -> result<const safetensors_tensor*> { return refusal("there is no such tensor", name); });
  }
  // The bytes of a tensor of this file where they are, or copied into `room`; any alignment. Valid as long as both.
  result<std::span<const std::byte>> try_view(const safetensors_tensor& t, aligned_bytes& room) const noexcept {
    return try_view(t, 0, t.bytes, room);
  }
  // Bytes [first, first + count) of the tensor, so that one larger than memory is read in pieces.
  result<std::span<const std::byte>> try_view(const safetensors_tensor& t, std::uint64_t first, std::uint64_t count,
                                              aligned_bytes& room) const noexcept {
    if (auto ok = check(t, first, count); !ok) return ok.error();
    return input_.try_view(t.offset + first, static_cast<std::size_t>(count), room);
  }
  result<void> try_read(const safetensors_tensor& t, std::uint64_t first, std::span<std::byte> out) const noexcept {
    if (auto ok = check(t, first, out.size()); !ok) return ok;
    return input_.try_read(t.offset + first, out);
  }

#if defined(__cpp_exceptions)
  // As the try_ spellings; throw file_error.
  static safetensors_file open(const std::filesystem::path& path, access how = access::mapped) {
    return value_or_throw(try_open(path, how));
  }
  const safetensors_tensor& at(std::string_view name) const { return *value_or_throw(try_find(name)); }
  std::span<const std::byte> view(const safetensors_tensor& t, aligned_bytes& room) const {
    return value_or_throw(try_view(t, room));
  }
  std::span<const std::byte> view(const safetensors_tensor& t, std::uint64_t first, std::uint64_t count,
                                  aligned_bytes& room) const {
    return value_or_throw(try_view(t, first, count, room));
  }
  void read(const safetensors_tensor& t, std::uint64_t first, std::span<std::byte> out) const {
    value_or_throw(try_read(t, first, out));
  }
#endif

 private:
  static constexpr std::uint64_t most_read = 1u << 16;  // bytes of a header at a time, where nothing is mapped

  file_failure refusal(const char* what, std::string_view tensor, std::uint64_t value = 0,
                       std::uint64_t bound = 0) const {
    return {what, escaped(input_.path().native()) + ", tensor " + escaped(tensor), value, bound};
  }
  result<void> check(const safetensors_tensor& t, std::uint64_t first, std::uint64_t count) const noexcept {
    if (first <= t.bytes && count <= t.bytes - first && count <= SIZE_MAX) return {};
    return with_memory("safetensors file", [&]() -> result<void> {
      if (first > t.bytes || count > t.bytes - first)
        return refusal("bytes beyond the end of the tensor", t.name, first > t.bytes ? first : count, t.bytes);
      return refusal("more bytes than this machine can address", t.name, count, SIZE_MAX);
    });
  }
  input_file input_;
  safetensors_header header_;
};

}  // namespace quern::inline v0::io
