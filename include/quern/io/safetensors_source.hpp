// Where matrices of several tensors are looked for: one safetensors file, or all files of a model.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "quern/io/safetensors_shards.hpp"

namespace quern::inline v0::io {

// A view of either, made where a function takes one. Valid as long as what it is of.
class safetensors_source {
 public:
  safetensors_source(const safetensors_file& file) noexcept : path_(&file.input().path()), files_(&file, 1) {}
  safetensors_source(const safetensors_shards& model) noexcept
      : path_(&model.path()), files_(model.files()), model_(&model) {}

  // Of the file, or of the index of several.
  const std::filesystem::path& path() const noexcept { return *path_; }
  std::span<const safetensors_file> files() const noexcept { return files_; }
  const safetensors_file& file_of(const safetensors_member& m) const noexcept { return files_[m.file]; }

  // Nothing where there is none.
  std::optional<safetensors_member> find(std::string_view name) const noexcept {
    if (model_ != nullptr) return model_->find(name);
    const safetensors_tensor* const t = files_.front().find(name);
    if (t == nullptr) return std::nullopt;
    return safetensors_member{t, 0};
  }
  // What the files say by a key, wherever it stands; nothing where none of them does. Refused where two differ.
  result<std::optional<std::string_view>> try_find_metadata(std::string_view key) const noexcept {
    std::optional<std::string_view> found;
    for (const safetensors_file& f : files_) {
      const std::optional<std::string_view> said = f.find_metadata(key);
      if (!said) continue;
      if (found && *found != *said)
        return with_memory("safetensors metadata", [&]() -> result<std::optional<std::string_view>> {
          return file_failure{"two files of a model say different things",
                              escaped(f.input().path().native()) + ", metadata " + escaped(key)};
        });
      found = said;
    }
    return found;
  }
  // As those of the file that has the tensor.
  result<std::span<const std::byte>> try_view(const safetensors_member& m, aligned_bytes& room) const noexcept {
    return file_of(m).try_view(*m.tensor, room);
  }
  result<std::span<const std::byte>> try_view(const safetensors_member& m, std::uint64_t first, std::uint64_t count,
                                              aligned_bytes& room) const noexcept {
    return file_of(m).try_view(*m.tensor, first, count, room);
  }
  result<void> try_read(const safetensors_member& m, std::uint64_t first, std::span<std::byte> out) const noexcept {
    return file_of(m).try_read(*m.tensor, first, out);
  }

 private:
  const std::filesystem::path* path_;
  std::span<const safetensors_file> files_;
  const safetensors_shards* model_ = nullptr;  // null: one file
};

}  // namespace quern::inline v0::io
