// A model in several GGUF files, PREFIX-00001-of-00003.gguf and so on, or in one: all tensors, and the part of each.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quern/io/failure.hpp"
#include "quern/io/gguf_reader.hpp"

namespace quern::inline v0::io {

// PREFIX-%05d-of-%05d.gguf, number counting from 1.
struct gguf_part_name {
  std::string prefix;
  std::uint32_t number = 0, count = 0;

  static std::optional<gguf_part_name> parse(std::string_view name) {
    const auto digits = [](std::string_view s) {
      std::optional<std::uint32_t> x = 0;
      for (const char c : s)
        x = x && c >= '0' && c <= '9' ? std::optional(*x * 10 + static_cast<unsigned>(c - '0')) : std::nullopt;
      return x;
    };
    constexpr std::string_view of = "-of-", end = ".gguf";
    constexpr std::size_t tail = 1 + 5 + of.size() + 5 + end.size();
    if (name.size() < tail) return std::nullopt;
    const std::string_view t = name.substr(name.size() - tail);
    const auto number = digits(t.substr(1, 5)), count = digits(t.substr(6 + of.size(), 5));
    if (t[0] != '-' || t.substr(6, of.size()) != of || !t.ends_with(end) || !number || !count) return std::nullopt;
    return gguf_part_name{std::string(name.substr(0, name.size() - tail)), *number, *count};
  }
  std::string text() const {
    const auto five = [](std::uint32_t x) {
      const std::string s = std::to_string(x);
      return std::string(s.size() < 5 ? 5 - s.size() : 0, '0') + s;
    };
    return prefix + "-" + five(number) + "-of-" + five(count) + ".gguf";
  }
};

// A tensor, and which part it lies in.
struct gguf_part_tensor : gguf_tensor {
  std::size_t part = 0;
};

// Parts lie in the folder of the one that is named; no name in a file leads anywhere else.
class gguf_model {
 public:
  gguf_model() noexcept = default;

  // Opens a file, and all others of its model if it is a part of one.
  static result<gguf_model> try_open(const std::filesystem::path& path, access how = access::mapped) noexcept {
    return with_memory("parts of a model", [&]() -> result<gguf_model> {
      auto given = gguf_file::try_open(path, how);
      if (!given) return given.error();
      gguf_model m;
      if (!given->find("split.count")) {
        m.parts_.push_back(std::move(*given));
      } else {
        auto parts = try_parts(path, how, std::move(*given));
        if (!parts) return parts.error();
        m.parts_ = std::move(*parts);
      }
      if (auto ok = m.list(); !ok) return ok.error();
      return m;
    });
  }

  // Parts in order. The first has the metadata of the model.
  std::span<const gguf_file> parts() const noexcept { return parts_; }
  // Precondition: a model was opened.
  const gguf_header& header() const noexcept { return parts_.front(); }

  // The tensors of all parts, in the order of the parts. Precondition: i < tensor_count().
  std::size_t tensor_count() const noexcept { return starts_.empty() ? 0 : starts_.back(); }
  gguf_part_tensor tensor(std::size_t i) const noexcept {
    const auto after = std::ranges::upper_bound(starts_, i);
    const auto part = static_cast<std::size_t>(after - starts_.begin()) - 1;
    return {parts_[part].tensor(i - starts_[part]), part};
  }
  std::optional<gguf_part_tensor> find_tensor(std::string_view name) const noexcept {
    for (std::size_t p = 0; p < parts_.size(); ++p)
      if (const auto t = parts_[p].find_tensor(name)) return gguf_part_tensor{*t, p};
    return std::nullopt;
  }
  // As those of gguf_file.
  result<std::span<const std::byte>> try_view(const gguf_part_tensor& t, aligned_bytes& room) const noexcept {
    return parts_[t.part].try_view(t, room);
  }
  result<std::span<const std::byte>> try_view(const gguf_part_tensor& t, std::uint64_t first, std::uint64_t count,
                                              aligned_bytes& room) const noexcept {
    return parts_[t.part].try_view(t, first, count, room);
  }
  result<void> try_read(const gguf_part_tensor& t, std::uint64_t first, std::span<std::byte> out) const noexcept {
    return parts_[t.part].try_read(t, first, out);
  }

#if defined(__cpp_exceptions)
  static gguf_model open(const std::filesystem::path& path, access how = access::mapped) {
    return value_or_throw(try_open(path, how));
  }
  std::span<const std::byte> view(const gguf_part_tensor& t, aligned_bytes& room) const {
    return value_or_throw(try_view(t, room));
  }
  std::span<const std::byte> view(const gguf_part_tensor& t, std::uint64_t first, std::uint64_t count,
                                  aligned_bytes& room) const {
    return value_or_throw(try_view(t, first, count, room));
  }
  void read(const gguf_part_tensor& t, std::uint64_t first, std::span<std::byte> out) const {
    value_or_throw(try_read(t, first, out));
  }
#endif

 private:
  struct split {
    std::uint16_t number = 0, count = 0;  // from 0, as in the file
    std::uint32_t tensors = 0;            // of all parts
  };
  static result<split> try_split(const gguf_file& f) {
    const auto number = f.try_get<std::uint16_t>("split.no");
    if (!number) return number.error();
    const auto count = f.try_get<std::uint16_t>("split.count");
    if (!count) return count.error();
    const auto tensors = f.try_get<std::uint32_t>("split.tensors.count");
    if (!tensors) return tensors.error();
    if (*number >= *count) return file_failure{"split.no is not below split.count", f.file_name(), *number, *count};
    return split{*number, *count, *tensors};
  }

  static result<std::vector<gguf_file>> try_parts(const std::filesystem::path& path, access how, gguf_file&& given) {
    const auto s = try_split(given);
    if (!s) return s.error();
    std::vector<gguf_file> parts;
    std::uint64_t tensors = 0;
    auto name = gguf_part_name::parse(path.filename().native());
    if (s->count > 1) {
      if (!name) return file_failure{"the name of a part is not PREFIX-00001-of-00002.gguf", given.file_name()};
      if (name->number != s->number + 1u)
        return file_failure{"split.no and the name differ", given.file_name(), s->number + 1u, name->number};
      if (name->count != s->count)
        return file_failure{"split.count and the name differ", given.file_name(), s->count, name->count};
    }
    for (std::uint32_t i = 0; i < s->count; ++i) {
      if (i == s->number) {
        parts.push_back(std::move(given));
      } else {
        name->number = i + 1;
        auto part = gguf_file::try_open(path.parent_path() / name->text(), how);
        if (!part) return part.error();
        const auto other = try_split(*part);
        if (!other) return other.error();
        if (other->number != i)
          return file_failure{"split.no and the name differ", part->file_name(), other->number + 1u, i + 1};
        if (other->count != s->count)
          return file_failure{"split.count and the name differ", part->file_name(), other->count, s->count};
        if (other->tensors != s->tensors)
          return file_failure{"split.tensors.count differs between parts", part->file_name(), other->tensors,
                              s->tensors};
        parts.push_back(std::move(*part));
      }
      tensors += parts.back().tensor_count();
    }
    if (tensors != s->tensors)
      return file_failure{"the parts have not split.tensors.count tensors", parts.front().file_name(), tensors,
                          s->tensors};
    return parts;
  }

  // Counts, and refuses names that are in two parts.
  result<void> list() {
    starts_.push_back(0);
    for (const gguf_file& p : parts_) starts_.push_back(starts_.back() + p.tensor_count());
    if (parts_.size() == 1) return {};
    // 8 bytes for each tensor, which has more than 24 in its file, and less than 2^32 others.
    struct place {
      std::uint32_t part, tensor;
    };
    std::vector<place> places;
    places.reserve(starts_.back());
    for (std::uint32_t p = 0; p < parts_.size(); ++p)
      for (std::uint32_t i = 0; i < parts_[p].tensor_count(); ++i) places.push_back({p, i});
    const auto name = [&](const place& x) { return parts_[x.part].tensor(x.tensor).name; };
    std::ranges::sort(places, {}, [&](const place& x) { return std::pair(name(x), x.part); });
    const auto two = std::ranges::adjacent_find(places, {}, name);
    if (two != places.end()) return file_failure{"a tensor is in two parts", parts_[two[1].part].place(name(*two))};
    return {};
  }

  std::vector<gguf_file> parts_;
  std::vector<std::size_t> starts_;  // of each part in the list, and the end
};

}  // namespace quern::inline v0::io
