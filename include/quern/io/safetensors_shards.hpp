// A model in one safetensors file or in several, seen as one list of tensors.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <ranges>
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

  bool operator==(const safetensors_member&) const = default;
};

// The tensors of files, file after file, each in the order of its bytes; made where they are asked for.
class safetensors_members {
 public:
  class iterator {
   public:
    using value_type = safetensors_member;
    using difference_type = std::ptrdiff_t;
    using reference = safetensors_member;
    using pointer = void;
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;

    iterator() noexcept = default;
    safetensors_member operator*() const noexcept { return {&files_[file_].tensors()[at_], file_}; }
    iterator& operator++() noexcept {
      ++at_;
      skip();
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    // Precondition: iterators of one list.
    bool operator==(const iterator& other) const noexcept { return file_ == other.file_ && at_ == other.at_; }

   private:
    friend class safetensors_members;
    iterator(std::span<const safetensors_file> files, std::size_t file) noexcept : files_(files), file_(file) {
      skip();
    }
    // To the next file, where this one has no more.
    void skip() noexcept {
      for (; file_ < files_.size() && at_ == files_[file_].tensors().size(); at_ = 0) ++file_;
    }
    std::span<const safetensors_file> files_;
    std::size_t file_ = 0, at_ = 0;
  };

  explicit safetensors_members(std::span<const safetensors_file> files) noexcept : files_(files) {}

  std::size_t size() const noexcept { return index_at(files_.size()); }
  bool empty() const noexcept { return begin() == end(); }
  iterator begin() const noexcept { return {files_, 0}; }
  iterator end() const noexcept { return {files_, files_.size()}; }
  // Both go through the files before it. Preconditions: i < size(); the member is one of the list.
  safetensors_member operator[](std::size_t i) const noexcept {
    std::size_t file = 0;
    for (; i >= files_[file].tensors().size(); ++file) i -= files_[file].tensors().size();
    return {&files_[file].tensors()[i], file};
  }
  std::size_t index_of(const safetensors_member& m) const noexcept {
    return index_at(m.file) + static_cast<std::size_t>(m.tensor - files_[m.file].tensors().data());
  }

 private:
  std::size_t index_at(std::size_t file) const noexcept {
    std::size_t n = 0;
    for (const safetensors_file& f : files_.first(file)) n += f.tensors().size();
    return n;
  }
  std::span<const safetensors_file> files_;
};

// Invariant: no name is that of two tensors.
//
// Memory: what the files take, and 8 bytes for each tensor where an index names it, which is no more than it has there.
// Opening takes no more than the index and the headers have bytes, and 72 KiB, and for each file 1 KiB.
class safetensors_shards {
 public:
  // path: an index, whose name ends with ".json", or else one file. All files are opened and checked against the index.
  static result<safetensors_shards> try_open(const std::filesystem::path& path, access how = access::mapped) noexcept {
    return with_memory("safetensors shards", [&]() -> result<safetensors_shards> {
      safetensors_shards s;
      s.path_ = path;
      if (path.extension() != ".json") {
        if (auto ok = s.try_add(path, how); !ok) return ok.error();
        return s;
      }
      if (auto ok = s.try_add_all(path, how); !ok) return ok.error();
      s.list();
      return s;
    });
  }
  safetensors_shards() noexcept = default;

  // What was opened.
  const std::filesystem::path& path() const noexcept { return path_; }
  // In the order of their names.
  std::span<const safetensors_file> files() const noexcept { return files_; }
  safetensors_members tensors() const noexcept { return safetensors_members(files_); }
  const safetensors_file& file_of(const safetensors_member& m) const noexcept { return files_[m.file]; }
  // Nothing where there is none. Valid as long as the model, which may be moved.
  std::optional<safetensors_member> find(std::string_view name) const noexcept {
    if (by_name_.empty()) {
      const safetensors_tensor* const t = files_.empty() ? nullptr : files_.front().find(name);
      if (t == nullptr) return std::nullopt;
      return safetensors_member{t, 0};
    }
    const auto at = std::ranges::lower_bound(by_name_, name, {}, [&](const place& p) { return tensor_at(p).name; });
    if (at == by_name_.end() || tensor_at(*at).name != name) return std::nullopt;
    return safetensors_member{&tensor_at(*at), at->file};
  }

#if defined(__cpp_exceptions)
  // As try_open; throws file_error.
  static safetensors_shards open(const std::filesystem::path& path, access how = access::mapped) {
    return value_or_throw(try_open(path, how));
  }
#endif

 private:
  // A tensor. Neither number is larger than an index has bytes.
  struct place {
    std::uint32_t file, tensor;
  };
  const safetensors_tensor& tensor_at(const place& p) const noexcept { return files_[p.file].tensors()[p.tensor]; }

  // The index, read a piece at a time.
  static result<safetensors_index> try_index(const std::filesystem::path& path) {
    const auto input = input_file::try_open(path, access::read);
    if (!input) return input.error();
    constexpr std::uint64_t most = 1u << 16;
    aligned_bytes room;
    const auto json = [&](std::uint64_t at) -> result<std::string_view> {
      const auto bytes = input->try_view(at, static_cast<std::size_t>(std::min(input->size() - at, most)), room);
      if (!bytes) return bytes.error();
      return std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    };
    return safetensors_index::try_parse_pieces(input->size(), json, path.native());
  }
  result<void> try_add_all(const std::filesystem::path& path, access how) {
    const auto index = try_index(path);
    if (!index) return index.error();
    for (std::size_t i = 0; i < index->size();) {
      const std::string_view shard = (*index)[i].shard;
      if (auto ok = try_add(path.parent_path() / shard, how); !ok) return ok;
      if (auto ok = index->try_match(files_.back().header(), shard); !ok) return ok;
      i = index->places_of(shard).second;
    }
    return {};
  }
  result<void> try_add(const std::filesystem::path& path, access how) {
    auto file = safetensors_file::try_open(path, how);
    if (!file) return file.error();
    files_.push_back(std::move(*file));
    return {};
  }
  // When the index has gone: its bytes are room for the list.
  void list() {
    by_name_.reserve(tensors().size());
    for (std::uint32_t file = 0; file < files_.size(); ++file)
      for (std::uint32_t t = 0; t < files_[file].tensors().size(); ++t) by_name_.push_back({file, t});
    std::ranges::sort(by_name_, {}, [&](const place& p) { return tensor_at(p).name; });
  }
  std::filesystem::path path_;
  std::vector<safetensors_file> files_;
  std::vector<place> by_name_;  // of several files
};

}  // namespace quern::inline v0::io

// Its iterators do not need it.
template <>
inline constexpr bool std::ranges::enable_borrowed_range<quern::io::safetensors_members> = true;
