// Writes GGUF files of version 3 from front to back, as ggml requires them: tensors in the order of their descriptions,
// each behind the padding of the one before it. A file that is not finished never has its name.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quern/io/failure.hpp"
#include "quern/io/file.hpp"
#include "quern/io/gguf_index.hpp"
#include "quern/io/gguf_types.hpp"
#include "quern/io/gguf_values.hpp"
#include "quern/io/little_endian.hpp"

namespace quern::inline v0::io {

// First metadata and descriptions of tensors, in the order that they shall have; then try_create; then the bytes of
// each tensor that has any, in that order; then try_commit. After a failure of the file itself nothing more can be
// written.
class gguf_writer {
 public:
  // One key and its value, which is copied. "general.alignment", if it is not 32, comes before the tensors.
  result<void> try_set(std::string_view key, const gguf_value& value) noexcept {
    return with_memory("metadata of a GGUF file", [&]() -> result<void> {
      if (auto ok = check_key(key, value); !ok) return ok;
      std::uint64_t size = 8 + key.size() + 4 + gguf_value_bytes(value.type()) + value.bytes().size();
      if (value.type() == gguf_value_type::string) size += 8;
      if (value.is_array()) size += 12;
      return add_entry(key, value.type(), size, [&] {
        if (value.is_array()) put(static_cast<std::uint32_t>(value.element_type())), put<std::uint64_t>(value.count());
        if (value.type() == gguf_value_type::string) put<std::uint64_t>(value.bytes().size());
        put_little(entries_, value.bits(), gguf_value_bytes(value.type()));
        put_bytes(value.bytes());
        if (key == alignment_key) alignment_ = value.bits();
      });
    });
  }
  // One key, and an array of numbers or of strings.
  template <gguf_number T>
  result<void> try_set_array(std::string_view key, std::span<const T> elements) noexcept {
    return with_memory("metadata of a GGUF file", [&]() -> result<void> {
      if (auto ok = check_key(key, {}); !ok) return ok;
      if (elements.size() > most_gguf_metadata_bytes / sizeof(T)) return too_long(key);
      return add_entry(key, gguf_value_type::array, 8 + key.size() + 4 + 12 + elements.size_bytes(), [&] {
        put(static_cast<std::uint32_t>(gguf_value_type_of<T>)), put<std::uint64_t>(elements.size());
        for (const T x : elements) put(x);
      });
    });
  }
  result<void> try_set_strings(std::string_view key, std::span<const std::string_view> elements) noexcept {
    return with_memory("metadata of a GGUF file", [&]() -> result<void> {
      if (auto ok = check_key(key, {}); !ok) return ok;
      std::uint64_t size = 8 + key.size() + 4 + 12;
      for (const std::string_view s : elements) {
        size += 8 + s.size();
        if (size > most_gguf_metadata_bytes) return too_long(key);
      }
      return add_entry(key, gguf_value_type::array, size, [&] {
        put(static_cast<std::uint32_t>(gguf_value_type::string)), put<std::uint64_t>(elements.size());
        for (const std::string_view s : elements) put_string(s);
      });
    });
  }

  // A tensor of 1 to 4 dims, dims[0] being the length of a row. `type`: its number, as the gguf_id of a codec.
  result<void> try_add_tensor(std::string_view name, std::span<const std::uint64_t> dims, std::uint32_t type) noexcept {
    return with_memory("tensors of a GGUF file", [&]() -> result<void> {
      const auto refuse = [&](const char* what, std::uint64_t value = 0, std::uint64_t bound = 0) {
        return file_failure{what, "tensor " + escaped(name), value, bound};
      };
      if (out_) return refuse("a tensor after the front of the file is written");
      if (const char* const rule = gguf_name_breaks(name)) return refuse(rule, name.size());
      if (dims.empty()) return refuse("a tensor without dimensions");
      const gguf_extent extent = gguf_extent_of(type, dims);
      if (extent.broken != nullptr) return refuse(extent.broken, extent.value, extent.bound);
      if (extent.bytes > most_gguf_size - data_bytes_ - most_gguf_alignment)
        return refuse("too many bytes to be counted", extent.bytes, most_gguf_size - data_bytes_);
      const std::uint64_t size = 8 + name.size() + 4 + 8 * dims.size() + 4 + 8;
      if (size > most_gguf_metadata_bytes - front_bytes_) return refuse("more than 1 GiB of metadata");
      make_room(tensors_, 1);
      const auto [at, is_new] = names_.emplace(name);
      if (!is_new) return refuse("two tensors have one name");
      described d{*at, {}, static_cast<std::uint32_t>(dims.size()), type, data_bytes_, extent.bytes};
      std::ranges::copy(dims, d.dims.begin());
      tensors_.push_back(d);
      front_bytes_ += size;
      data_bytes_ += extent.bytes + (alignment_ - extent.bytes % alignment_) % alignment_;
      return {};
    });
  }
  result<void> try_add_tensor(std::string_view name, std::initializer_list<std::uint64_t> dims,
                              std::uint32_t type) noexcept {
    return try_add_tensor(name, std::span(dims.begin(), dims.size()), type);
  }

  // Creates the file and writes all that precedes the data. Does not replace one of `sources`, which are being read.
  result<void> try_create(const std::filesystem::path& path, std::span<const file_identity> sources = {}) noexcept {
    return with_memory("the front of a GGUF file", [&]() -> result<void> {
      if (out_) return file_failure{"the file is created already", file()};
      const std::string front = this->front();
      auto out = output_file::try_create(path, sources);
      if (!out) return out.error();
      out_.emplace(std::move(*out));
      return written(out_->try_write(std::as_bytes(std::span(front))), !tensors_.empty());
    });
  }

  // The bytes of a tensor, or the next piece of them.
  result<void> try_write(std::string_view name, std::span<const std::byte> bytes) noexcept {
    return with_memory("data of a GGUF file", [&]() -> result<void> {
      if (auto ok = check_open(); !ok) return ok;
      while (current_ < tensors_.size() && tensors_[current_].bytes == 0 && tensors_[current_].name != name) ++current_;
      const std::string where = file() + ", tensor " + escaped(name);
      if (current_ == tensors_.size()) return file_failure{"all tensors are written", where};
      const described& t = tensors_[current_];
      if (t.name != name)
        return file_failure{names_.contains(name) ? "not the tensor whose turn it is" : "there is no such tensor",
                            where};
      const std::uint64_t left = t.bytes - done_;
      if (bytes.size() > left) return file_failure{"more bytes than the tensor has", where, bytes.size(), left};
      const bool is_whole = bytes.size() == left;
      done_ = is_whole ? 0 : done_ + bytes.size();
      current_ += is_whole;
      return written(out_->try_write(bytes), is_whole);
    });
  }
  // Gives the file its name. Every tensor must have been written.
  result<void> try_commit() noexcept {
    return with_memory("data of a GGUF file", [&]() -> result<void> {
      if (auto ok = check_open(); !ok) return ok;
      while (current_ < tensors_.size() && tensors_[current_].bytes == 0) ++current_;
      if (current_ < tensors_.size())
        return file_failure{"a tensor is not written, or not wholly",
                            file() + ", tensor " + escaped(tensors_[current_].name), done_, tensors_[current_].bytes};
      is_over_ = true;
      return out_->try_commit();
    });
  }

#if defined(__cpp_exceptions)
  void set(std::string_view key, const gguf_value& value) { value_or_throw(try_set(key, value)); }
  template <gguf_number T>
  void set_array(std::string_view key, std::span<const T> elements) {
    value_or_throw(try_set_array(key, elements));
  }
  void set_strings(std::string_view key, std::span<const std::string_view> elements) {
    value_or_throw(try_set_strings(key, elements));
  }
  void add_tensor(std::string_view name, std::span<const std::uint64_t> dims, std::uint32_t type) {
    value_or_throw(try_add_tensor(name, dims, type));
  }
  void add_tensor(std::string_view name, std::initializer_list<std::uint64_t> dims, std::uint32_t type) {
    value_or_throw(try_add_tensor(name, dims, type));
  }
  void create(const std::filesystem::path& path, std::span<const file_identity> sources = {}) {
    value_or_throw(try_create(path, sources));
  }
  void write(std::string_view name, std::span<const std::byte> bytes) { value_or_throw(try_write(name, bytes)); }
  void commit() { value_or_throw(try_commit()); }
#endif

 private:
  static constexpr std::string_view alignment_key = "general.alignment";
  struct described {
    std::string_view name;  // of names_
    std::array<std::uint64_t, most_gguf_dims> dims;
    std::uint32_t rank, type;
    std::uint64_t offset, bytes;
  };

  // ---- bytes of the front ----

  template <gguf_number T>
  void put(T x) {
    put_little(entries_, gguf_bits_of(x), sizeof(T));
  }
  void put_bytes(std::span<const std::byte> b) {
    if (!b.empty()) entries_.append(reinterpret_cast<const char*>(b.data()), b.size());
  }
  static void put_string(std::string& to, std::string_view s) { put_little(to, s.size(), 8), to += s; }
  void put_string(std::string_view s) { put_string(entries_, s); }

  static file_failure too_long(std::string_view key) { return {"more than 1 GiB of metadata", "key " + escaped(key)}; }
  result<void> check_key(std::string_view key, const gguf_value& value) const {
    const auto refuse = [&](const char* what, std::uint64_t x = 0) {
      return file_failure{what, "key " + escaped(key), x};
    };
    if (out_) return refuse("a key after the front of the file is written");
    if (const char* const rule = gguf_key_breaks(key)) return refuse(rule, key.size());
    if (keys_.contains(key)) return refuse("two keys have one name");
    if (value.is_array() && value.element_type() == gguf_value_type::array) return refuse("an array of arrays");
    if (key != alignment_key) return {};
    if (value.type() != gguf_value_type::uint32) return refuse("the alignment is not a number of type UINT32");
    if (!tensors_.empty()) return refuse("the alignment is set after a tensor");
    if (const char* const rule = gguf_alignment_breaks(value.bits())) return refuse(rule, value.bits());
    return {};
  }
  // For n more, so that adding them cannot fail any more.
  static void make_room(auto& container, std::size_t n) {
    if (n > container.capacity() - container.size())
      container.reserve(std::max(2 * container.capacity(), container.size() + n));
  }
  template <class Put>
  result<void> add_entry(std::string_view key, gguf_value_type type, std::uint64_t size, Put put_value) {
    if (size > most_gguf_metadata_bytes - front_bytes_) return too_long(key);
    make_room(entries_, static_cast<std::size_t>(size));
    keys_.emplace(key);
    put_string(key), put(static_cast<std::uint32_t>(type));
    put_value();
    front_bytes_ += size;
    return {};
  }
  std::string front() const {
    std::string f = "GGUF";
    f.reserve(static_cast<std::size_t>(front_bytes_));
    put_little(f, 3, 4), put_little(f, tensors_.size(), 8), put_little(f, keys_.size(), 8);
    f += entries_;
    for (const described& t : tensors_) {
      put_string(f, t.name), put_little(f, t.rank, 4);
      for (std::uint32_t d = 0; d < t.rank; ++d) put_little(f, t.dims[d], 8);
      put_little(f, t.type, 4), put_little(f, t.offset, 8);
    }
    return f;
  }

  // ---- the file ----

  std::string file() const { return out_ ? escaped(out_->path().native()) : std::string("a GGUF file"); }
  result<void> check_open() const {
    if (!out_) return file_failure{"the file is not created yet", file()};
    if (is_over_) return file_failure{"the file is finished, or an earlier write failed", file()};
    return {};
  }
  result<void> written(result<void> ok, bool pads) {
    if (ok && pads) ok = out_->try_pad(alignment_);
    is_over_ = is_over_ || !ok;
    return ok;
  }

  std::string entries_;
  std::set<std::string, std::less<>> keys_, names_;
  std::vector<described> tensors_;
  std::uint64_t front_bytes_ = 24, data_bytes_ = 0, alignment_ = 32;
  std::optional<output_file> out_;
  std::size_t current_ = 0;  // the tensor whose turn it is, and how much of it is written
  std::uint64_t done_ = 0;
  bool is_over_ = false;
};

}  // namespace quern::inline v0::io
