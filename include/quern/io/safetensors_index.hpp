// Safetensors in several files: an index says which file, a shard, holds which tensor.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quern/io/json_events.hpp"
#include "quern/io/safetensors_reader.hpp"

namespace quern::inline v0::io {

// A tensor and the number of its shard.
struct safetensors_place {
  std::string tensor;
  std::size_t shard = 0;
};

// model.safetensors.index.json: {"metadata": {...}, "weight_map": {tensor: file}}.
class safetensors_index {
 public:
  static result<safetensors_index> try_parse(std::string_view json, std::string_view file = "index") noexcept;

  // Names of files in the folder of the index; different, in order.
  std::span<const std::string> shards() const noexcept { return shards_; }
  // In the order of their names.
  std::span<const safetensors_place> places() const noexcept { return places_; }
  // Null where there is none.
  const safetensors_place* find(std::string_view tensor) const noexcept {
    const auto at = std::ranges::lower_bound(places_, tensor, {}, &safetensors_place::tensor);
    return at != places_.end() && at->tensor == tensor ? &*at : nullptr;
  }
  // Whether `header` is that of the shard: it has the tensors that the index says are in it, and no others.
  result<void> try_match(const safetensors_header& header, std::size_t shard) const noexcept;

#if defined(__cpp_exceptions)
  // As try_parse; throws file_error.
  static safetensors_index parse(std::string_view json, std::string_view file = "index") {
    return value_or_throw(try_parse(json, file));
  }
#endif

 private:
  friend class safetensors_index_events;
  std::vector<std::string> shards_;
  std::vector<safetensors_place> places_;
};

// Whether a name is that of a file in one's own folder, and of no other place: no way to another folder, nothing that
// cannot be seen.
constexpr bool is_plain_file_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  return std::ranges::none_of(
      name, [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Fills an index. Of the metadata, which is a flat object, nothing is kept: what writers call total_size differs.
class safetensors_index_events : public json_events {
 public:
  safetensors_index_events(safetensors_index& index, std::string_view file) : json_events(file, 0), index_(index) {}

  bool null() { return scalar(); }
  bool boolean(bool) { return scalar(); }
  bool number_integer(std::int64_t) { return scalar(); }
  bool number_unsigned(std::uint64_t) { return scalar(); }
  bool number_float(double) { return scalar(); }
  bool string() {
    std::string& s = held_;
    if (at_ != state::file) return scalar();
    if (!is_plain_file_name(s))
      return refuse("a shard is not the plain name of a file in the index's folder",
                    of_tensor(index_.places_.back().tensor) + ", file " + escaped(s));
    index_.places_.back().shard = files_.try_emplace(std::move(s), files_.size()).first->second;
    at_ = state::map_keys;
    return true;
  }
  bool start_object() {
    if (at_ == state::index) at_ = state::keys;
    else if (at_ == state::metadata) at_ = state::metadata_keys;
    else if (at_ == state::map) at_ = state::map_keys;
    else return refuse_value();
    return true;
  }
  bool end_object() {
    at_ = at_ == state::keys ? state::end : state::keys;
    return at_ != state::end || has_map_ || refuse("the index has no weight_map");
  }
  bool start_array() { return refuse_value(); }
  bool end_array() { return true; }
  bool key() {
    std::string& k = held_;
    if (at_ == state::metadata_keys) {
      if (metadata_.size() == safetensors_most_metadata)
        return refuse("too many entries of metadata", {}, safetensors_most_metadata + 1, safetensors_most_metadata);
      metadata_.push_back(std::move(k));
      at_ = state::metadata_value;
    } else if (at_ == state::map_keys) {
      index_.places_.push_back({std::move(k)});
      at_ = state::file;
    } else {
      const bool is_map = k == "weight_map";
      if (!is_map && k != "metadata") return refuse("unknown key of an index", ", key " + escaped(k));
      if (std::exchange(is_map ? has_map_ : has_metadata_, true))
        return refuse("a key stands twice", ", key " + escaped(k));
      at_ = is_map ? state::map : state::metadata;
    }
    return true;
  }

  // When all is read: shards are numbered, tensors are in order.
  result<void> try_arrange() {
    std::ranges::sort(metadata_);
    if (const auto twice = std::ranges::adjacent_find(metadata_); twice != metadata_.end()) {
      refuse("a key stands twice", ", metadata " + escaped(*twice));
      return failure();
    }
    std::vector<safetensors_place>& places = index_.places_;
    std::vector<std::size_t> number(files_.size());  // in order, by that in which they were met
    for (const auto& [file, met] : files_) {
      number[met] = index_.shards_.size();
      index_.shards_.push_back(file);
    }
    for (safetensors_place& p : places) p.shard = number[p.shard];
    std::ranges::sort(places, {}, &safetensors_place::tensor);
    const auto twice = std::ranges::adjacent_find(places, {}, &safetensors_place::tensor);
    if (twice == places.end()) return {};
    refuse("a key stands twice", of_tensor(twice->tensor));
    return failure();
  }

 private:
  // What comes next: a value of that name, or a key of such an object or its end.
  enum class state { index, keys, metadata, metadata_keys, metadata_value, map, map_keys, file, end };

  bool scalar() {
    if (at_ != state::metadata_value) return refuse_value();
    at_ = state::metadata_keys;
    return true;
  }
  bool refuse_value() {
    switch (at_) {
      case state::metadata:
        return refuse("the metadata is not an object", ", key metadata");
      case state::metadata_value:
        return refuse("a value of metadata is an object or an array", ", metadata " + escaped(metadata_.back()));
      case state::map:
        return refuse("the weight_map is not an object", ", key weight_map");
      case state::file:
        return refuse("a shard is not a string", of_tensor(index_.places_.back().tensor));
      default:
        return refuse("the index is not an object");
    }
  }
  safetensors_index& index_;
  state at_ = state::index;
  std::vector<std::string> metadata_;         // keys
  std::map<std::string, std::size_t> files_;  // numbered as they are met
  bool has_map_ = false, has_metadata_ = false;
};

inline result<safetensors_index> safetensors_index::try_parse(std::string_view json, std::string_view file) noexcept {
  return with_memory("safetensors index", [&]() -> result<safetensors_index> {
    if (json.size() > safetensors_most_header_bytes)
      return file_failure{"the index is too large", escaped(file), json.size(), safetensors_most_header_bytes};
    safetensors_index index;
    safetensors_index_events events(index, file);
    if (auto ok = try_read_json(json, events); !ok) return ok.error();
    if (auto ok = events.try_arrange(); !ok) return ok.error();
    return index;
  });
}

inline result<void> safetensors_index::try_match(const safetensors_header& header, std::size_t shard) const noexcept {
  return with_memory("safetensors index", [&]() -> result<void> {
    const auto refuse = [&](const char* what, std::string_view tensor) {
      const std::string name = shard < shards_.size() ? escaped(shards_[shard]) : "shard " + std::to_string(shard);
      return file_failure{what, name + of_tensor(tensor)};
    };
    for (const safetensors_tensor& t : header.tensors()) {
      const safetensors_place* place = find(t.name);
      if (place == nullptr) return refuse("the index does not know a tensor of the shard", t.name);
      if (place->shard != shard) return refuse("the index says that a tensor is in another shard", t.name);
    }
    for (const safetensors_place& p : places_)
      if (p.shard == shard && header.find(p.tensor) == nullptr)
        return refuse("the shard does not have a tensor of the index", p.tensor);
    return {};
  });
}

}  // namespace quern::inline v0::io
