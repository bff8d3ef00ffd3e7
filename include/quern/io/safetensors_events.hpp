// What the JSON of a safetensors file's header says, one event after the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "quern/io/json_events.hpp"
#include "quern/io/safetensors_records.hpp"

namespace quern::inline v0::io {

// Of a header: bytes of its text, and how many there are of the others.
struct safetensors_counts {
  std::size_t text = 0, tensors = 0, metadata = 0;
};

// Counts what a header holds, or fills one for which there is room: its text is reserved and stays where it is. Offsets of
// tensors are those of the JSON, relative to its end.
class safetensors_events : public json_events {
 public:
  // room: where a header is filled, what was counted before.
  safetensors_events(std::string_view file, safetensors_records* to, const safetensors_counts& room)
      : json_events(file, 8), to_(to), room_(room) {}

  const safetensors_counts& counts() const noexcept { return n_; }

  // In place of metadata: there are none. MLX writes that.
  bool null() {
    if (at_ != state::metadata) return refuse_value();
    at_ = state::names;
    return true;
  }
  bool boolean(bool) { return refuse_value(); }
  bool number_integer(std::int64_t) {
    return in_numbers() ? refuse("a number is negative", of_tensor(name_)) : refuse_value();
  }
  bool number_float(double) {
    return in_numbers() ? refuse("a number is not a whole number below 2^64", of_tensor(name_)) : refuse_value();
  }
  bool number_unsigned(std::uint64_t n) {
    if (at_ == state::extents) {
      if (++rank_ > safetensors_most_extents)
        return refuse("a shape has too many extents", of_tensor(name_), rank_, safetensors_most_extents);
      extents_[rank_ - 1] = n;
      return true;
    }
    if (at_ != state::bounds) return refuse_value();
    if (bounds_ == 2) return refuse("data_offsets is not two numbers", of_tensor(name_));
    (bounds_++ == 0 ? begin_ : end_) = n;
    return true;
  }
  bool string(std::string_view s) {
    if (at_ == state::text) {
      keep(s);
      keep(safetensors_metadata_list::end_of_text);
      at_ = state::keys;
      return has_room();
    }
    if (at_ != state::dtype) return refuse_value();
    const auto dtype = find_safetensors_dtype(s);
    if (!dtype) return refuse("unknown dtype", of_tensor(name_) + ", dtype " + escaped(s));
    dtype_ = *dtype;
    at_ = state::fields;
    return true;
  }
  bool start_object() {
    if (at_ == state::header) at_ = state::names;
    else if (at_ == state::tensor) at_ = state::fields;
    else if (at_ == state::metadata) at_ = state::keys;
    else return refuse_value();
    return true;
  }
  bool start_array() {
    if (at_ == state::shape) at_ = state::extents;
    else if (at_ == state::offsets) at_ = state::bounds;
    else return refuse_value();
    return true;
  }
  bool key(std::string_view s) {
    if (at_ == state::names) return s == "__metadata__" ? begin_metadata() : begin_tensor(s);
    if (at_ == state::fields) return begin_field(s);
    if (n_.metadata == safetensors_most_metadata)
      return refuse("too many entries of metadata", {}, safetensors_most_metadata + 1, safetensors_most_metadata);
    const std::size_t begin = n_.text;
    ++n_.metadata;
    keep(s);
    keep(safetensors_metadata_list::end_of_text);
    if (!has_room()) return false;
    if (to_ != nullptr) to_->metadata.push_back(static_cast<std::uint32_t>(begin));
    name_ = beginning_of(s);
    at_ = state::text;
    return true;
  }
  bool end_array() {
    if (at_ == state::bounds && bounds_ != 2) return refuse("data_offsets is not two numbers", of_tensor(name_));
    at_ = state::fields;
    return true;
  }
  bool end_object() {
    const bool was_tensor = at_ == state::fields;
    at_ = at_ == state::names ? state::end : state::names;
    return !was_tensor || end_tensor();
  }

 private:
  // What comes next: a value of that name, or a key or the end of an object, or a number or the end of an array.
  enum class state { header, names, metadata, keys, text, tensor, fields, dtype, shape, extents, offsets, bounds, end };

  bool in_numbers() const { return at_ == state::extents || at_ == state::bounds; }
  bool refuse_value() {
    switch (at_) {
      case state::metadata:
        return refuse("the metadata is not an object", ", __metadata__");
      case state::text:
        return refuse("a value of metadata is not a string", ", metadata " + escaped(name_));
      case state::tensor:
        return refuse("a tensor is not an object", of_tensor(name_));
      case state::dtype:
        return refuse("a dtype is not a string", of_tensor(name_));
      case state::shape:
        return refuse("a shape is not an array", of_tensor(name_));
      case state::offsets:
        return refuse("data_offsets is not an array", of_tensor(name_));
      case state::extents:
      case state::bounds:
        return refuse("an array holds what is no number", of_tensor(name_));
      default:
        return refuse("the header is not an object");
    }
  }
  // At the end of the text: names, each with its shape behind it, and metadata.
  void keep(std::string_view s) {
    n_.text += s.size();
    if (to_ != nullptr && n_.text <= room_.text) to_->text.insert(to_->text.end(), s.begin(), s.end());
  }
  void keep(char c) { keep(std::string_view(&c, 1)); }
  // Where a header is filled, whether there is as much as was counted.
  bool has_room() {
    return to_ == nullptr || (n_.text <= room_.text && n_.tensors <= room_.tensors && n_.metadata <= room_.metadata) ||
           refuse("the file has changed while it was read");
  }
  bool begin_metadata() {
    if (has_metadata_) return refuse("a key stands twice", ", __metadata__");
    has_metadata_ = true;
    at_ = state::metadata;
    return true;
  }
  bool begin_tensor(std::string_view name) {
    name_ = beginning_of(name);
    begin_of_name_ = n_.text;
    keep(name);
    end_of_name_ = n_.text;
    rank_ = bounds_ = 0;
    has_dtype_ = has_shape_ = has_offsets_ = false;
    at_ = state::tensor;
    return true;
  }
  bool begin_field(std::string_view key) {
    bool* const has = key == "dtype" ? &has_dtype_ : key == "shape" ? &has_shape_ : &has_offsets_;
    if (has == &has_offsets_ && key != "data_offsets")
      return refuse("unknown key of a tensor", of_tensor(name_) + ", key " + escaped(key));
    if (std::exchange(*has, true)) return refuse("a key stands twice", of_tensor(name_) + ", key " + escaped(key));
    at_ = has == &has_dtype_ ? state::dtype : has == &has_shape_ ? state::shape : state::offsets;
    return true;
  }
  bool end_tensor() {
    if (!has_dtype_) return refuse("a tensor has no dtype", of_tensor(name_));
    if (!has_shape_) return refuse("a tensor has no shape", of_tensor(name_));
    if (!has_offsets_) return refuse("a tensor has no data_offsets", of_tensor(name_));
    if (end_ < begin_) return refuse("data_offsets end before they begin", of_tensor(name_), end_, begin_);
    const std::span<const std::uint64_t> shape = std::span(extents_).first(rank_);
    const safetensors_size size = safetensors_size_of(dtype_, shape);
    if (size.refusal != nullptr) return refuse(size.refusal, of_tensor(name_));
    if (end_ - begin_ != size.bytes)
      return refuse("data_offsets are not as far apart as the tensor has bytes", of_tensor(name_), end_ - begin_,
                    size.bytes);
    ++n_.tensors;
    put_safetensors_shape(shape, [&](unsigned char byte) { keep(static_cast<char>(byte)); });
    if (to_ == nullptr) return true;
    if (!has_room()) return false;
    safetensors_tensor& t = to_->tensors.emplace_back();
    const std::string_view text = to_->view();
    t.name = text.substr(begin_of_name_, end_of_name_ - begin_of_name_);
    t.shape = safetensors_shape(reinterpret_cast<const unsigned char*>(text.data() + end_of_name_));
    t.dtype = dtype_, t.offset = begin_, t.bytes = size.bytes;
    return true;
  }

  safetensors_records* to_;
  safetensors_counts room_, n_;
  state at_ = state::header;
  std::string name_;  // of the tensor that is being read, or the key of metadata; its beginning
  std::size_t begin_of_name_ = 0, end_of_name_ = 0;  // in the text
  std::array<std::uint64_t, safetensors_most_extents> extents_{};
  safetensors_dtype dtype_{};
  std::size_t rank_ = 0, bounds_ = 0;
  std::uint64_t begin_ = 0, end_ = 0;
  bool has_metadata_ = false, has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};

}  // namespace quern::inline v0::io
