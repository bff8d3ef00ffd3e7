// A model in one safetensors file or in several, seen as one list of tensors.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "quern/io/safetensors_index.hpp"
#include "quern/io/safetensors_reader.hpp"

namespace quern::inline v0::io {

// A tensor, and which of the files holds it.
struct safetensors_member {
  const safetensors_tensor* tensor = nullptr;
  std::size_t file = 0;
};

// Invariant: no name is that of two tensors.
class safetensors_shards {
 public:
  // path: an index, whose name ends with ".json", or else one file. All files are opened and checked against the index.
  static result<safetensors_shards> try_open(const std::filesystem::path& path, access how = access::mapped) noexcept {
    return with_memory("safetensors shards", [&]() -> result<safetensors_shards> {
      safetensors_shards s;
      if (path.extension() != ".json") {
        if (auto ok = s.try_add(path, how); !ok) return ok.error();
      } else {
        auto index = try_index(path);
        if (!index) return index.error();
        for (std::size_t i = 0; i < index->shards().size(); ++i) {
          if (auto ok = s.try_add(path.parent_path() / index->shards()[i], how); !ok) return ok.error();
          if (auto ok = index->try_match(s.files_[i].header(), i); !ok) return ok.error();
        }
      }
      std::size_t count = 0;
      for (const safetensors_file& f : s.files_) count += f.tensors().size();
      s.members_.reserve(count), s.by_name_.resize(count);
      for (std::size_t i = 0; i < s.files_.size(); ++i)
        for (const safetensors_tensor& t : s.files_[i].tensors()) s.members_.push_back({&t, i});
      std::iota(s.by_name_.begin(), s.by_name_.end(), std::size_t{0});
      std::ranges::sort(s.by_name_, {}, [&](std::size_t i) { return s.name_at(i); });
      return s;
    });
  }
  safetensors_shards() noexcept = default;

  // In the order of their names.
  std::span<const safetensors_file> files() const noexcept { return files_; }
  // File after file, each in the order of its bytes.
  std::span<const safetensors_member> tensors() const noexcept { return members_; }
  const safetensors_file& file_of(const safetensors_member& m) const noexcept { return files_[m.file]; }
  // Null where there is none.
  const safetensors_member* find(std::string_view name) const noexcept {
    const auto at = std::ranges::lower_bound(by_name_, name, {}, [&](std::size_t i) { return name_at(i); });
    return at != by_name_.end() && name_at(*at) == name ? &members_[*at] : nullptr;
  }

#if defined(__cpp_exceptions)
  // As try_open; throws file_error.
  static safetensors_shards open(const std::filesystem::path& path, access how = access::mapped) {
    return value_or_throw(try_open(path, how));
  }
#endif

 private:
  std::string_view name_at(std::size_t i) const noexcept { return members_[i].tensor->name; }
  static result<safetensors_index> try_index(const std::filesystem::path& path) {
    const auto input = input_file::try_open(path, access::read);
    if (!input) return input.error();
    if (input->size() > safetensors_most_header_bytes)
      return file_failure{"the index is too large", escaped(path.native()), input->size(),
                          safetensors_most_header_bytes};
    aligned_bytes room;
    const auto json = input->try_view(0, static_cast<std::size_t>(input->size()), room);
    if (!json) return json.error();
    return safetensors_index::try_parse({reinterpret_cast<const char*>(json->data()), json->size()}, path.native());
  }
  result<void> try_add(const std::filesystem::path& path, access how) {
    auto file = safetensors_file::try_open(path, how);
    if (!file) return file.error();
    files_.push_back(std::move(*file));
    return {};
  }
  std::vector<safetensors_file> files_;
  std::vector<safetensors_member> members_;
  std::vector<std::size_t> by_name_;  // of the members
};

}  // namespace quern::inline v0::io
