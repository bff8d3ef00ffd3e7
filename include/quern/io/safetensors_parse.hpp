// How the header of a safetensors file is parsed: the events of its JSON, and then what must hold of all tensors.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/io/json_events.hpp"
#include "quern/io/little_endian.hpp"
#include "quern/io/safetensors_header.hpp"

namespace quern::inline v0::io {

// Fills a header. Offsets of tensors are those of the JSON, relative to its end.
class safetensors_events : public json_events {
 public:
  // text_bytes: of the JSON. What its strings stand for is no longer than what is written.
  safetensors_events(safetensors_header& h, std::size_t text_bytes, std::string_view file)
      : json_events(file, 8), h_(h) {
    h_.text_.reserve(text_bytes);
  }

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
  bool number_float(double, const std::string&) {
    return in_numbers() ? refuse("a number is not a whole number below 2^64", of_tensor(name_)) : refuse_value();
  }
  bool number_unsigned(std::uint64_t n) {
    if (at_ == state::extents) {
      if (++rank_ > safetensors_most_extents)
        return refuse("a shape has too many extents", of_tensor(name_), rank_, safetensors_most_extents);
      h_.extents_.push_back(n);
      return true;
    }
    if (at_ != state::bounds) return refuse_value();
    if (bounds_ == 2) return refuse("data_offsets is not two numbers", of_tensor(name_));
    (bounds_++ == 0 ? begin_ : end_) = n;
    return true;
  }
  bool string(std::string& s) {
    if (at_ == state::text) {
      h_.metadata_.back().value = kept(s);
      at_ = state::keys;
      return true;
    }
    if (at_ != state::dtype) return refuse_value();
    const auto dtype = find_safetensors_dtype(s);
    if (!dtype) return refuse("unknown dtype", of_tensor(name_) + ", dtype " + escaped(s));
    h_.tensors_.back().dtype = *dtype;
    at_ = state::fields;
    return true;
  }
  bool start_object(std::size_t) {
    if (at_ == state::header) at_ = state::names;
    else if (at_ == state::tensor) at_ = state::fields;
    else if (at_ == state::metadata) at_ = state::keys;
    else return refuse_value();
    return true;
  }
  bool start_array(std::size_t) {
    if (at_ == state::shape) at_ = state::extents;
    else if (at_ == state::offsets) at_ = state::bounds;
    else return refuse_value();
    return true;
  }
  bool key(std::string& k) {
    if (at_ == state::names) return k == "__metadata__" ? begin_metadata() : begin_tensor(k);
    if (at_ == state::fields) return begin_field(k);
    if (h_.metadata_.size() == safetensors_most_metadata)
      return refuse("too many entries of metadata", {}, safetensors_most_metadata + 1, safetensors_most_metadata);
    h_.metadata_.push_back({kept(k), {}});
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
        return refuse("a value of metadata is not a string", ", metadata " + escaped(h_.metadata_.back().key));
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
  std::string_view kept(std::string_view s) {
    const std::size_t from = h_.text_.size();
    h_.text_.insert(h_.text_.end(), s.begin(), s.end());
    return {h_.text_.data() + from, s.size()};
  }
  bool begin_metadata() {
    if (has_metadata_) return refuse("a key stands twice", ", __metadata__");
    has_metadata_ = true;
    at_ = state::metadata;
    return true;
  }
  bool begin_tensor(std::string_view name) {
    name_ = kept(name);
    h_.tensors_.emplace_back().name = name_;
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
    safetensors_tensor& t = h_.tensors_.back();
    t.shape = std::span(h_.extents_).last(rank_);  // its address is found again when all are there
    const safetensors_size size = safetensors_size_of(t.dtype, t.shape);
    if (size.refusal != nullptr) return refuse(size.refusal, of_tensor(name_));
    if (end_ - begin_ != size.bytes)
      return refuse("data_offsets are not as far apart as the tensor has bytes", of_tensor(name_), end_ - begin_,
                    size.bytes);
    t.offset = begin_, t.bytes = size.bytes;
    return true;
  }

  safetensors_header& h_;
  state at_ = state::header;
  std::string_view name_;  // of the tensor that is being read
  std::size_t rank_ = 0, bounds_ = 0;
  std::uint64_t begin_ = 0, end_ = 0;
  bool has_metadata_ = false, has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};

// Of what the events left: shapes and offsets as they are to be, tensors and metadata in order. [begin, end): the data.
inline result<void> safetensors_header::try_arrange(std::uint64_t begin, std::uint64_t end, std::string_view file) {
  const std::uint64_t* extents = extents_.data();
  for (safetensors_tensor& t : tensors_) {
    t.shape = {extents, t.shape.size()};
    extents += t.shape.size();
  }
  std::ranges::sort(tensors_, [](const safetensors_tensor& a, const safetensors_tensor& b) {
    return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
  });
  by_name_.resize(tensors_.size());
  for (std::size_t i = 0; i < by_name_.size(); ++i) by_name_[i] = i;
  const auto name = [&](std::size_t i) { return tensors_[i].name; };
  std::ranges::sort(by_name_, {}, name);
  const auto twice = std::ranges::adjacent_find(by_name_, {}, name);
  if (twice != by_name_.end())
    return file_failure{"two tensors have one name", escaped(file) + of_tensor(name(*twice))};

  std::uint64_t next = 0;
  for (safetensors_tensor& t : tensors_) {
    const auto refuse = [&](const char* what, std::uint64_t value, std::uint64_t bound) {
      return file_failure{what, escaped(file) + of_tensor(t.name), value, bound};
    };
    if (t.offset < next) return refuse("a tensor overlaps another", t.offset, next);
    if (t.offset > next) return refuse("bytes that belong to no tensor come before a tensor", t.offset, next);
    if (t.bytes > end - begin - next)
      return refuse("a tensor reaches beyond the end of the file", t.bytes, end - begin - next);
    next += t.bytes;
    t.offset += begin;
  }
  if (next != end - begin)
    return file_failure{"bytes that belong to no tensor follow the last tensor", escaped(file), end - begin, next,
                        begin + next};

  std::ranges::sort(metadata_, {}, &safetensors_metadata::key);
  const auto again = std::ranges::adjacent_find(metadata_, {}, &safetensors_metadata::key);
  if (again != metadata_.end())
    return file_failure{"a key stands twice", escaped(file) + ", metadata " + escaped(again->key)};
  return {};
}

inline result<safetensors_header> safetensors_header::try_parse(std::string_view json, std::uint64_t file_bytes,
                                                                std::string_view file) noexcept {
  return with_memory("safetensors header", [&]() -> result<safetensors_header> {
    if (json.size() > safetensors_most_header_bytes)
      return file_failure{"the header is too large", escaped(file), json.size(), safetensors_most_header_bytes};
    if (file_bytes < 8 || file_bytes - 8 < json.size())
      return file_failure{"the header reaches beyond the end of the file", escaped(file), json.size(), file_bytes};
    if (json.empty() || json[0] != '{') return file_failure{"the header does not begin with {", escaped(file), 0, 0, 8};
    safetensors_header h;
    safetensors_events events(h, json.size(), file);
    if (auto ok = try_read_json(json, events); !ok) return ok.error();
    if (auto ok = h.try_arrange(8 + json.size(), file_bytes, file); !ok) return ok.error();
    return h;
  });
}

inline result<std::uint64_t> safetensors_header::try_length(std::span<const std::byte> first, std::uint64_t file_bytes,
                                                            std::string_view file) noexcept {
  return with_memory("safetensors header", [&]() -> result<std::uint64_t> {
    if (first.size() < 8 || file_bytes < 8)
      return file_failure{"the file has no room for the length of a header", escaped(file), file_bytes, 8};
    const std::uint64_t n = load_little(first.data(), 8);
    if (n > safetensors_most_header_bytes)
      return file_failure{"the header is too large", escaped(file), n, safetensors_most_header_bytes, 0};
    if (n > file_bytes - 8)
      return file_failure{"the header reaches beyond the end of the file", escaped(file), n, file_bytes - 8, 0};
    return n;
  });
}

inline result<safetensors_header> safetensors_header::try_parse(std::span<const std::byte> bytes,
                                                                std::string_view file) noexcept {
  const auto n = try_length(bytes, bytes.size(), file);
  if (!n) return n.error();
  const std::span<const std::byte> json = bytes.subspan(8, static_cast<std::size_t>(*n));
  return try_parse(std::string_view(reinterpret_cast<const char*>(json.data()), json.size()), bytes.size(), file);
}

}  // namespace quern::inline v0::io
