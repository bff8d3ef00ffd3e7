// The text that bitsandbytes keeps with a matrix of 4 bits: JSON in a tensor of bytes. Source: bitsandbytes,
// functional.py, QuantState.as_dict and from_dict.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "quern/base/shape.hpp"
#include "quern/io/json_events.hpp"

namespace quern::inline v0::io {

// The codec knows kind, block and nesting; the matrix, its shape and, where it is nested, the mean of its absmaxes.
struct bnb_quant_state {
  std::string_view kind;           // "nf4" or "fp4"
  std::uint64_t block = 0;         // weights
  std::uint64_t nested_block = 0;  // absmaxes; 0: they are not coded
};

// The text. Its length is that of every other matrix of this shape, since the mean is not known where tensors are declared:
// blanks follow it. The mean must be finite.
inline std::string bnb_quant_state_text(const bnb_quant_state& s, shape matrix, float mean) {
  constexpr std::size_t room = 26;  // no double is longer
  std::string text = "{\"quant_type\": \"" + std::string(s.kind) + "\", \"blocksize\": " + std::to_string(s.block) +
                     ", \"dtype\": \"float32\", \"shape\": [" + std::to_string(matrix.rows) + ", " +
                     std::to_string(matrix.cols) + "]";
  if (s.nested_block != 0) {
    std::string number = nlohmann::json(static_cast<double>(mean)).dump();
    number.resize(room, ' ');
    text += ", \"nested_blocksize\": " + std::to_string(s.nested_block) +
            ", \"nested_dtype\": \"float32\", \"nested_offset\": " + number;
  }
  return text + "}";
}

// Reads a text, and compares it with what the codec knows.
class bnb_quant_state_events : public json_events {
 public:
  bnb_quant_state_events(const bnb_quant_state& expected, std::string_view file, std::uint64_t begin)
      : json_events(file, begin), expected_(expected) {}

  shape matrix() const { return {extents_[0], extents_[1]}; }
  float mean() const { return mean_; }

  bool null() { return refuse_value(); }
  bool boolean(bool) { return refuse_value(); }
  bool number_integer(std::int64_t n) { return number_float(static_cast<double>(n)); }
  bool number_unsigned(std::uint64_t n) {
    if (key_ == blocksize) return same(n, expected_.block);
    if (key_ == nested_blocksize) return same(n, expected_.nested_block);
    if (key_ != dims || !in_list_) return number_float(static_cast<double>(n));
    if (count_ == extents_.size() || n > std::numeric_limits<std::size_t>::max()) return refuse_shape();
    extents_[count_++] = static_cast<std::size_t>(n);
    return true;
  }
  bool number_float(double x) {
    if (key_ != nested_offset) return refuse_value();
    constexpr auto most = static_cast<double>(std::numeric_limits<float>::max());
    if (!(x >= -most && x <= most)) return refuse("nested_offset is not an f32");
    mean_ = static_cast<float>(x);
    return done();
  }
  bool string(std::string_view s) {
    if (key_ == quant_type) return s == expected_.kind ? done() : refuse("quant_type is another one");
    if (key_ == nested_dtype) return s == "float32" ? done() : refuse("nested_dtype is not float32");
    if (key_ != dtype) return refuse_value();
    // The type that the owner's decoder rounds weights to.
    return s == "float32" || s == "float16" || s == "bfloat16" ? done() : refuse("dtype is not that of weights");
  }
  bool start_object() {
    if (depth_++ != 0) return refuse_value();
    return true;
  }
  bool key(std::string_view k) {
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (k == keys[i]) {
        key_ = i;
        if ((seen_ >> i & 1) != 0) return refuse("a key stands twice", ", key " + escaped(k));
        seen_ |= 1u << i;
        return true;
      }
    return refuse("unknown key of a quant_state", ", key " + escaped(k));
  }
  bool end_object() {
    const unsigned wanted = expected_.nested_block == 0 ? 0x0fu : 0x7fu;
    if ((seen_ & ~wanted) != 0) return refuse("the absmaxes are coded, and those of this format are not");
    return seen_ == wanted || refuse("a key of a quant_state is missing");
  }
  bool start_array() {
    if (key_ != dims || in_list_) return refuse_value();
    in_list_ = true;
    return true;
  }
  bool end_array() {
    in_list_ = false;
    return count_ == extents_.size() ? done() : refuse_shape();
  }

 private:
  static constexpr std::array<std::string_view, 7> keys{"quant_type",       "blocksize",    "dtype",        "shape",
                                                        "nested_blocksize", "nested_dtype", "nested_offset"};
  enum : std::size_t { quant_type, blocksize, dtype, dims, nested_blocksize, nested_dtype, nested_offset, none };

  bool done() {
    key_ = none;
    return true;
  }
  bool same(std::uint64_t n, std::uint64_t expected) {
    return n == expected ? done() : refuse("the blocks have another length", {}, n, expected);
  }
  bool refuse_value() {
    return refuse("a value of a quant_state is of another kind",
                  key_ == none ? std::string() : ", key " + std::string(keys[key_]));
  }
  bool refuse_shape() { return refuse("the shape of a quant_state is not rows and columns"); }

  bnb_quant_state expected_;
  std::size_t key_ = none, count_ = 0;
  std::array<std::size_t, 2> extents_{};
  float mean_ = 0;
  unsigned seen_ = 0, depth_ = 0;
  bool in_list_ = false;
};

}  // namespace quern::inline v0::io
