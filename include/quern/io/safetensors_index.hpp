// Safetensors in several files: an index says which file, a shard, holds which tensor.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quern/io/safetensors_header.hpp"
#include "quern/io/safetensors_index_events.hpp"

namespace quern::inline v0::io {

// A tensor, and the name of a file in the folder of the index. Valid as long as the index.
struct safetensors_place {
  std::string_view tensor, shard;
};

// model.safetensors.index.json: {"metadata": {...}, "weight_map": {tensor: file}}.
//
// Memory: for each tensor its name and that of its shard, and 6 bytes. Together that is no more than the length of the
// JSON, whatever is in it, and parsing takes no more than that and 8 KiB.
class safetensors_index {
 public:
  static result<safetensors_index> try_parse(std::string_view json, std::string_view file = "index") noexcept;
  // Of JSON that is read in pieces. source: as of try_read_json; it is read twice.
  template <class Source>
  static result<safetensors_index> try_parse_pieces(std::uint64_t json_bytes, const Source& source,
                                                    std::string_view file) noexcept;

  // Tensors, in the order of the names of their shards, and those of one shard in the order of their own.
  std::size_t size() const noexcept { return places_.at.size(); }
  // Precondition: i < size().
  safetensors_place operator[](std::size_t i) const noexcept { return place_at(places_.at[i]); }
  // Those of a shard: [first, second). None where the index does not name it.
  std::pair<std::size_t, std::size_t> places_of(std::string_view shard) const noexcept {
    const auto shard_at = [&](std::uint32_t at) { return places_.text_at(at); };
    const auto first = std::ranges::lower_bound(places_.at, shard, {}, shard_at);
    const auto end = std::ranges::upper_bound(places_.at, shard, {}, shard_at);
    return {static_cast<std::size_t>(first - places_.at.begin()), static_cast<std::size_t>(end - places_.at.begin())};
  }
  // Searches one shard after the other.
  std::optional<safetensors_place> find(std::string_view tensor) const noexcept {
    for (std::size_t first = 0; first < size();) {
      const std::size_t end = places_of((*this)[first].shard).second;
      if (const auto at = find_in(first, end, tensor)) return (*this)[*at];
      first = end;
    }
    return std::nullopt;
  }
  // Whether `header` is that of the shard: it has the tensors that the index says are in it, and no others.
  result<void> try_match(const safetensors_header& header, std::string_view shard) const noexcept;

#if defined(__cpp_exceptions)
  // As try_parse; throws file_error.
  static safetensors_index parse(std::string_view json, std::string_view file = "index") {
    return value_or_throw(try_parse(json, file));
  }
#endif

 private:
  using list = safetensors_metadata_list;

  // Where the tensor of a place begins.
  static std::size_t tensor_at(const safetensors_index_texts& all, std::uint32_t place) noexcept {
    return place + all.text_at(place).size() + 1;
  }
  safetensors_place place_at(std::uint32_t at) const noexcept {
    return {places_.text_at(tensor_at(places_, at)), places_.text_at(at)};
  }
  // Precondition: all of [first, end) are in one shard.
  std::optional<std::size_t> find_in(std::size_t first, std::size_t end, std::string_view tensor) const noexcept {
    const auto begin = places_.at.begin();
    const auto name = [&](std::uint32_t i) {
      return list::text_at(places_.view(), tensor_at(places_, i), tensor.size());
    };
    const auto at = std::ranges::lower_bound(begin + static_cast<std::ptrdiff_t>(first),
                                             begin + static_cast<std::ptrdiff_t>(end), tensor, {}, name);
    const auto i = static_cast<std::size_t>(at - begin);
    if (i == end || name(*at) != tensor) return std::nullopt;
    return i;
  }
  // The first of two entries whose texts are the same; null: they differ. The list is sorted by them. An entry's text
  // begins at text_of(entry).
  template <class TextOf>
  static const std::uint32_t* sort(safetensors_index_texts& all, TextOf text_of) {
    const auto order = [&](std::uint32_t a, std::uint32_t b) { return list::compare(all.view(), text_of(a), text_of(b)); };
    std::ranges::sort(all.at, [&](std::uint32_t a, std::uint32_t b) { return order(a, b) < 0; });
    const auto twice = std::ranges::adjacent_find(all.at, [&](std::uint32_t a, std::uint32_t b) { return order(a, b) == 0; });
    return twice == all.at.end() ? nullptr : &*twice;
  }
  // Of what the events left.
  static result<safetensors_index> try_arrange(safetensors_index_records&& all, std::string_view file) {
    if (const std::uint32_t* const twice = sort(all.metadata, [](std::uint32_t at) { return at; }))
      return file_failure{"a key stands twice", escaped(file) + ", metadata " + escaped(all.metadata.text_at(*twice))};
    safetensors_index_texts& places = all.places;
    const auto tensor = [&](std::uint32_t at) { return tensor_at(places, at); };
    if (const std::uint32_t* const twice = sort(places, tensor))
      return file_failure{"a key stands twice", escaped(file) + of_tensor(places.text_at(tensor(*twice)))};
    std::ranges::sort(places.at, [&](std::uint32_t a, std::uint32_t b) {
      const auto order = list::compare(places.view(), a, b);
      return (order != 0 ? order : list::compare(places.view(), tensor(a), tensor(b))) < 0;
    });
    safetensors_index index;
    index.places_ = std::move(places);
    return index;
  }

  safetensors_index_texts places_;
};

template <class Source>
result<safetensors_index> safetensors_index::try_parse_pieces(std::uint64_t json_bytes, const Source& source,
                                                              std::string_view file) noexcept {
  return with_memory("safetensors index", [&]() -> result<safetensors_index> {
    if (json_bytes > safetensors_most_header_bytes)
      return file_failure{"the index is too large", escaped(file), json_bytes, safetensors_most_header_bytes};
    // First it is counted, so that what is kept is allocated once, of the size that it has.
    safetensors_index_events counted(file, nullptr, {});
    if (auto ok = try_read_json(json_bytes, source, counted); !ok) return ok.error();
    safetensors_index_records all;
    const auto reserve = [](safetensors_index_texts& texts, const safetensors_index_counts& n) {
      texts.text.reserve(n.text), texts.at.reserve(n.count);
    };
    reserve(all.places, counted.counts().places), reserve(all.metadata, counted.counts().metadata);
    safetensors_index_events filled(file, &all, counted.counts());
    if (auto ok = try_read_json(json_bytes, source, filled); !ok) return ok.error();
    return try_arrange(std::move(all), file);
  });
}
inline result<safetensors_index> safetensors_index::try_parse(std::string_view json, std::string_view file) noexcept {
  const auto source = [=](std::uint64_t at) -> result<std::string_view> {
    return json.substr(static_cast<std::size_t>(at));
  };
  return try_parse_pieces(json.size(), source, file);
}

inline result<void> safetensors_index::try_match(const safetensors_header& header,
                                                 std::string_view shard) const noexcept {
  return with_memory("safetensors index", [&]() -> result<void> {
    const auto refuse = [&](const char* what, std::string_view tensor) {
      return file_failure{what, escaped(shard) + of_tensor(tensor)};
    };
    const auto [first, end] = places_of(shard);
    for (const safetensors_tensor& t : header.tensors())
      if (!find_in(first, end, t.name))
        return refuse(find(t.name) ? "the index says that a tensor is in another shard"
                                   : "the index does not know a tensor of the shard",
                      t.name);
    for (std::size_t i = first; i < end; ++i)
      if (const std::string_view tensor = (*this)[i].tensor; header.find(tensor) == nullptr)
        return refuse("the shard does not have a tensor of the index", tensor);
    return {};
  });
}

}  // namespace quern::inline v0::io
