// What the JSON of a safetensors index says, one event after the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quern/io/json_events.hpp"
#include "quern/io/safetensors_records.hpp"

namespace quern::inline v0::io {

// Of a list of texts: their bytes, and how many there are.
struct safetensors_index_counts {
  std::size_t text = 0, count = 0;
};
// The texts, each with safetensors_metadata_list::end_of_text behind it, and where in them each one of the list begins.
struct safetensors_index_texts {
  std::vector<char> text;
  std::vector<std::uint32_t> at;

  std::string_view view() const noexcept { return {text.data(), text.size()}; }
  std::string_view text_at(std::size_t position) const noexcept {
    return safetensors_metadata_list::text_at(view(), position);
  }
};
// Places: a file, whose name is short, and behind it a tensor that it holds. Metadata: the keys; their values are not kept,
// since what writers call total_size differs.
struct safetensors_index_records {
  safetensors_index_texts places, metadata;
};

inline constexpr std::size_t most_file_name_bytes = 255;  // NAME_MAX of Linux and of others
// Whether a name is that of a file in one's own folder, and of no other place: no way to another folder, nothing that
// cannot be seen.
constexpr bool is_plain_file_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  return std::ranges::none_of(
      name, [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Counts what an index holds, or fills one for which there is room: its texts are reserved. The metadata are a flat
// object.
class safetensors_index_events : public json_events {
 public:
  // What was counted.
  struct room {
    safetensors_index_counts places, metadata;
  };
  // all: where an index is filled, what was counted before.
  safetensors_index_events(std::string_view file, safetensors_index_records* to, const room& all)
      : json_events(file, 0), to_(to), room_(all) {}

  const room& counts() const noexcept { return n_; }

  bool null() { return scalar(); }
  bool boolean(bool) { return scalar(); }
  bool number_integer(std::int64_t) { return scalar(); }
  bool number_unsigned(std::uint64_t) { return scalar(); }
  bool number_float(double) { return scalar(); }
  bool string(std::string_view s) {
    if (at_ != state::file) return scalar();
    if (!is_plain_file_name(s))
      return refuse("a shard is not the plain name of a file in the index's folder",
                    of_tensor(name_) + ", file " + escaped(s));
    if (s.size() > most_file_name_bytes)
      return refuse("the name of a shard is longer than a file's can be", of_tensor(name_) + ", file " + escaped(s),
                    s.size(), most_file_name_bytes);
    const std::size_t begin = n_.places.text;
    keep(state::file, s);
    at_ = state::map_keys;
    if (!has_room()) return false;
    if (to_ != nullptr) {  // the file comes first
      std::vector<char>& text = to_->places.text;
      const auto at = [&](std::size_t i) { return text.begin() + static_cast<std::ptrdiff_t>(i); };
      std::rotate(at(begin_of_name_), at(begin), text.end());
    }
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
  bool key(std::string_view s) {
    if (at_ == state::keys) return begin_part(s);
    const bool is_place = at_ == state::map_keys;
    if (!is_place && n_.metadata.count == safetensors_most_metadata)
      return refuse("too many entries of metadata", {}, safetensors_most_metadata + 1, safetensors_most_metadata);
    safetensors_index_counts& n = is_place ? n_.places : n_.metadata;
    name_ = beginning_of(s), begin_of_name_ = n.text;
    ++n.count;
    keep(at_, s);
    at_ = is_place ? state::file : state::metadata_value;
    if (!has_room()) return false;
    if (to_ != nullptr)
      (is_place ? to_->places : to_->metadata).at.push_back(static_cast<std::uint32_t>(begin_of_name_));
    return true;
  }

 private:
  // What comes next: a value of that name, or a key of such an object or its end.
  enum class state { index, keys, metadata, metadata_keys, metadata_value, map, map_keys, file, end };

  bool begin_part(std::string_view key) {
    const bool is_map = key == "weight_map";
    if (!is_map && key != "metadata") return refuse("unknown key of an index", ", key " + escaped(key));
    if (std::exchange(is_map ? has_map_ : has_metadata_, true))
      return refuse("a key stands twice", ", key " + escaped(key));
    at_ = is_map ? state::map : state::metadata;
    return true;
  }
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
        return refuse("a value of metadata is an object or an array", ", metadata " + escaped(name_));
      case state::map:
        return refuse("the weight_map is not an object", ", key weight_map");
      case state::file:
        return refuse("a shard is not a string", of_tensor(name_));
      default:
        return refuse("the index is not an object");
    }
  }
  // At the end of the text that such a string belongs to.
  void keep(state what, std::string_view s) {
    const bool is_metadata = what == state::metadata_keys;
    safetensors_index_counts& n = is_metadata ? n_.metadata : n_.places;
    n.text += s.size() + 1;
    if (to_ == nullptr || n.text > (is_metadata ? room_.metadata : room_.places).text) return;
    std::vector<char>& text = (is_metadata ? to_->metadata : to_->places).text;
    text.insert(text.end(), s.begin(), s.end());
    text.push_back(safetensors_metadata_list::end_of_text);
  }
  // Where an index is filled, whether there is as much as was counted.
  bool has_room() {
    const auto fits = [](const safetensors_index_counts& n, const safetensors_index_counts& room) {
      return n.text <= room.text && n.count <= room.count;
    };
    return to_ == nullptr || (fits(n_.places, room_.places) && fits(n_.metadata, room_.metadata)) ||
           refuse("the file has changed while it was read");
  }

  safetensors_index_records* to_;
  room room_, n_;
  state at_ = state::index;
  std::string name_;  // of the tensor whose file is read, or the key of metadata; its beginning
  std::size_t begin_of_name_ = 0;  // in the text
  bool has_map_ = false, has_metadata_ = false;
};

}  // namespace quern::inline v0::io
