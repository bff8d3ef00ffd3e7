// Safetensors files, written: first all tensors are declared, then their bytes follow. The same declarations and bytes
// give the same file.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quern/io/file.hpp"
#include "quern/io/json_events.hpp"
#include "quern/io/little_endian.hpp"
#include "quern/io/safetensors_types.hpp"

namespace quern::inline v0::io {

struct safetensors_declaration {
  std::string name;
  safetensors_dtype dtype = safetensors_dtype::u8;
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes = 0;  // those of the shape
};

// What a file is to hold.
class safetensors_contents {
 public:
  // Refuses a name twice, one that is not UTF-8, and shapes that a reader refuses.
  result<void> try_add(std::string_view name, safetensors_dtype dtype, std::span<const std::uint64_t> shape) noexcept {
    return with_memory("safetensors contents", [&]() -> result<void> {
      if (auto ok = check_text(name, of_tensor(name)); !ok) return ok;
      if (name == "__metadata__") return refusal("a tensor cannot have this name", of_tensor(name));
      if (find(name) != nullptr) return refusal("two tensors have one name", of_tensor(name));
      if (shape.size() > safetensors_most_extents)
        return refusal("a shape has too many extents", of_tensor(name), shape.size(), safetensors_most_extents);
      const safetensors_size size = safetensors_size_of(dtype, shape);
      if (size.refusal != nullptr) return refusal(size.refusal, of_tensor(name));
      if (size.bytes > most_data - bytes_)
        return refusal("the tensors are larger than a file can be", of_tensor(name), size.bytes, most_data - bytes_);
      decltype(by_name_) one;  // so that without memory for both, neither is added
      one.emplace(name, tensors_.size());
      tensors_.push_back({std::string(name), dtype, {shape.begin(), shape.end()}, size.bytes});
      by_name_.merge(one);
      bytes_ += size.bytes;
      return {};
    });
  }
  result<void> try_add(std::string_view name, safetensors_dtype dtype,
                       std::initializer_list<std::uint64_t> shape) noexcept {
    return try_add(name, dtype, std::span(shape.begin(), shape.size()));
  }
  // Refuses a key twice.
  result<void> try_add_metadata(std::string_view key, std::string_view value) noexcept {
    return with_memory("safetensors contents", [&]() -> result<void> {
      const std::string of = ", metadata " + escaped(key);
      if (auto ok = check_text(key, of); !ok) return ok;
      if (auto ok = check_text(value, of); !ok) return ok;
      if (metadata_.size() == safetensors_most_metadata)
        return refusal("too many entries of metadata", of, safetensors_most_metadata + 1, safetensors_most_metadata);
      if (!metadata_.emplace(key, value).second) return refusal("a key stands twice", of);
      return {};
    });
  }

  // As declared, or as they lie in a file: then by falling dtype, so that each tensor is aligned to its elements, and
  // those of one dtype as declared.
  std::span<const safetensors_declaration> tensors() const noexcept { return tensors_; }
  // Null where there is none. Valid until the next is added.
  const safetensors_declaration* find(std::string_view name) const noexcept {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? nullptr : &tensors_[at->second];
  }
  const std::map<std::string, std::string, std::less<>>& metadata() const noexcept { return metadata_; }

#if defined(__cpp_exceptions)
  // As the try_ spellings; throw file_error.
  void add(std::string_view name, safetensors_dtype dtype, std::span<const std::uint64_t> shape) {
    value_or_throw(try_add(name, dtype, shape));
  }
  void add(std::string_view name, safetensors_dtype dtype, std::initializer_list<std::uint64_t> shape) {
    value_or_throw(try_add(name, dtype, shape));
  }
  void add_metadata(std::string_view key, std::string_view value) { value_or_throw(try_add_metadata(key, value)); }
#endif

 private:
  friend class safetensors_writer;
  // Less than any offset that a system has for files.
  static constexpr std::uint64_t most_data =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) - safetensors_most_header_bytes - 8;

  static file_failure refusal(const char* what, const std::string& of, std::uint64_t value = 0,
                              std::uint64_t bound = 0) {
    return {what, "safetensors contents" + of, value, bound};
  }
  static result<void> check_text(std::string_view text, const std::string& of) {
    std::string s;
    if (!try_put_json_string(s, text)) return refusal("a text is not UTF-8", of);
    return {};
  }
  // In the order of a file, with the header: its length in 8 bytes, and JSON that blanks make a multiple of 8.
  std::string arrange() {
    std::ranges::stable_sort(tensors_, std::ranges::greater(), &safetensors_declaration::dtype);
    for (std::size_t i = 0; i < tensors_.size(); ++i) by_name_.find(tensors_[i].name)->second = i;
    std::string s(8, '\0');
    s += '{';
    if (!metadata_.empty()) {
      s += "\"__metadata__\":{";
      for (const auto& [key, value] : metadata_) {
        put(s, key), s += ':';
        put(s, value), s += ',';
      }
      s.back() = '}';
      s += ',';
    }
    std::uint64_t offset = 0;
    for (const safetensors_declaration& t : tensors_) {
      put(s, t.name);
      s += ":{\"dtype\":\"" + std::string(name_of(t.dtype)) + "\",\"shape\":[";
      for (const std::uint64_t extent : t.shape) s += std::to_string(extent) + ',';
      if (!t.shape.empty()) s.pop_back();
      s += "],\"data_offsets\":[" + std::to_string(offset) + ',' + std::to_string(offset + t.bytes) + "]},";
      offset += t.bytes;
    }
    if (s.back() == ',') s.pop_back();
    s += '}';
    s.resize((s.size() + 7) / 8 * 8, ' ');
    std::string length;
    put_little(length, s.size() - 8, 8);
    return s.replace(0, 8, length);
  }
  static void put(std::string& s, std::string_view text) { static_cast<void>(try_put_json_string(s, text)); }

  std::vector<safetensors_declaration> tensors_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::map<std::string, std::string, std::less<>> metadata_;
  std::uint64_t bytes_ = 0;
};

class safetensors_writer {
 public:
  // Writes the header. The file has its name only after commit; see output_file, also for `sources`.
  static result<safetensors_writer> try_create(const std::filesystem::path& path, safetensors_contents contents,
                                               std::span<const file_identity> sources = {}) noexcept {
    return with_memory("safetensors writer", [&]() -> result<safetensors_writer> {
      const std::string header = contents.arrange();
      if (header.size() - 8 > safetensors_most_header_bytes)
        return file_failure{"the header is too large", escaped(path.native()), header.size() - 8,
                            safetensors_most_header_bytes};
      auto output = output_file::try_create(path, sources);
      if (!output) return output.error();
      if (auto ok = output->try_write(std::as_bytes(std::span(header))); !ok) return ok.error();
      std::vector<place> places;
      places.reserve(contents.tensors().size());
      std::uint64_t begin = header.size();
      for (const safetensors_declaration& t : contents.tensors()) {
        places.push_back({begin, 0});
        begin += t.bytes;
      }
      return safetensors_writer(std::move(*output), std::move(contents), std::move(places));
    });
  }

  // What is to be written, in the order in which it lies in the file, and in which writing is fastest.
  const safetensors_contents& contents() const noexcept { return contents_; }
  // The next bytes of a tensor, all of them or some. Tensors may come in any order, and take turns.
  result<void> try_write(std::string_view name, std::span<const std::byte> bytes) noexcept {
    return with_memory("safetensors writer", [&]() -> result<void> {
      const safetensors_declaration* t = contents_.find(name);
      if (t == nullptr) return refusal("there is no such tensor", name);
      if (failed_) return refusal("an earlier write failed", name);
      place& p = places_[static_cast<std::size_t>(t - contents_.tensors().data())];
      if (bytes.size() > t->bytes - p.written)
        return refusal(p.written != 0 && p.written == t->bytes ? "the tensor is already written"
                                                               : "more bytes than the tensor has",
                       name, bytes.size(), t->bytes - p.written);
      auto ok = output_.try_write_at(p.begin + p.written, bytes);
      if (ok) p.written += bytes.size();
      else failed_ = true;
      return ok;
    });
  }
  // Gives the file its name. Fails where bytes of a tensor are missing.
  result<void> try_commit() noexcept {
    return with_memory("safetensors writer", [&]() -> result<void> {
      if (failed_) return file_failure{"an earlier write failed", escaped(output_.path().native())};
      for (std::size_t i = 0; i < places_.size(); ++i)
        if (const safetensors_declaration& t = contents_.tensors()[i]; places_[i].written != t.bytes)
          return refusal("bytes of a tensor are missing", t.name, places_[i].written, t.bytes);
      return output_.try_commit();
    });
  }

#if defined(__cpp_exceptions)
  // As the try_ spellings; throw file_error.
  static safetensors_writer create(const std::filesystem::path& path, safetensors_contents contents,
                                   std::span<const file_identity> sources = {}) {
    return value_or_throw(try_create(path, std::move(contents), sources));
  }
  void write(std::string_view name, std::span<const std::byte> bytes) { value_or_throw(try_write(name, bytes)); }
  void commit() { value_or_throw(try_commit()); }
#endif

 private:
  struct place {
    std::uint64_t begin, written;  // of the file; bytes of the tensor
  };
  safetensors_writer(output_file&& output, safetensors_contents&& contents, std::vector<place>&& places) noexcept
      : output_(std::move(output)), contents_(std::move(contents)), places_(std::move(places)) {}
  file_failure refusal(const char* what, std::string_view tensor, std::uint64_t value = 0,
                       std::uint64_t bound = 0) const {
    return {what, escaped(output_.path().native()) + of_tensor(tensor), value, bound};
  }
  output_file output_;
  safetensors_contents contents_;
  std::vector<place> places_;  // of contents_.tensors()
  bool failed_ = false;        // then the file may hold some of the bytes
};

}  // namespace quern::inline v0::io
