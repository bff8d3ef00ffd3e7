// The matrices of several tensors in safetensors files: those that are packed, and those under their owners' names, of
// which the files' metadata say what they are.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/owner_metadata.hpp>
#include <quern/io/packed_tensors.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec.hpp"

namespace inspect {

namespace io = quern::io;

// A tensor, or the tensors of one matrix that is packed or under its owner's names.
struct tensor {
  std::string name, type;              // type: the file's word for it
  std::vector<std::uint64_t> shape;    // outermost first
  const codec_entry* codec = nullptr;  // what its bytes mean; null: not known
  bool is_matrix = false;              // of `coded` columns; else it can be seen as one row
  quern::shape coded{0, 0};  // of a matrix: the shape that its codec has, one row where blocks run on from row to row
  struct part {
    std::string name, type;  // of a matrix's tensor, in the list
    std::vector<std::uint64_t> shape;
    std::size_t file;
    std::uint64_t offset, bytes;
  };
  std::vector<part> parts;  // all that is in the files
  struct array {
    std::size_t file;
    std::uint64_t offset, bytes;
    std::string held;  // the bytes, where they are those of no tensor
  };
  std::vector<array> arrays;  // those of the codec

  // That no product overflows was checked when the file was read.
  std::uint64_t values() const {
    std::uint64_t n = 1;
    for (const std::uint64_t extent : shape)
      if (extent == 0) return 0;
    for (const std::uint64_t extent : shape) n *= extent;
    return n;
  }
  std::uint64_t bytes() const {
    std::uint64_t n = 0;
    for (const part& p : parts) n += p.bytes;
    return n;
  }
};

// Those of a model. What its files say of them is checked; where it is not so, io::file_error is thrown.
class matrices_in {
 public:
  // unknown: gets what is not known of codecs.
  matrices_in(const io::safetensors_shards& f, std::set<std::string>& unknown) : f_(f) {
    for (const std::string_view name : io::packed_names(f)) {
      const io::packed_matrix m = io::find_packed(f, name);
      const codec_entry* const codec = find_codec(m.codec);
      if (codec != nullptr && description_of(m.codec)) add_packed(name, m, *codec);
      else unknown.insert("codec " + io::escaped(m.codec) + " is not in the catalogue");
    }
    for (const std::string_view name : io::owner_names(f)) {
      const io::packed_matrix m = io::find_owner_metadata(f, name);
      const codec_entry* const codec = find_codec(m.codec);
      find_owner* const find = owner_of(m.codec);
      if (codec != nullptr && find != nullptr) add_owned(name, m, *codec, find);
      else
        unknown.insert("codec " + io::escaped(m.codec) +
                       (codec != nullptr ? " has no owner's names in the catalogue" : " is not in the catalogue"));
    }
  }

  // Null where there is none.
  tensor* beginning_with(const io::safetensors_tensor& t) {
    const auto at = begins_.find(&t);
    return at == begins_.end() ? nullptr : &at->second;
  }
  bool have(const io::safetensors_tensor& t) const { return members_.contains(&t); }

 private:
  [[noreturn]] void refuse(const char* what, std::string_view matrix, const std::string& of, std::uint64_t value = 0,
                           std::uint64_t bound = 0) const {
    throw io::file_error({what, io::packed_matrix_place(f_, matrix) + of, value, bound});
  }
  // Made once for all matrices of a codec.
  const std::optional<std::string>& description_of(std::string_view codec) {
    const auto [at, is_new] = descriptions_.try_emplace(codec);
    if (is_new) at->second = description(codec);
    return at->second;
  }
  // That the file means by the codec's name what the catalogue means.
  void check_description(std::string_view name, const io::packed_matrix& m) {
    const std::string of = ", codec " + io::escaped(m.codec);
    const auto text =
        io::value_or_throw(f_.try_find_metadata(std::string(io::packed_codec_key) + std::string(m.codec)));
    if (!text) refuse("the file does not describe the codec", name, of);
    if (*text != description_of(m.codec)) refuse("the file means another format by the name of the codec", name, of);
  }

  // The tensors, as io::try_find_packed_arrays finds them for a codec that is known when compiling.
  void add_packed(std::string_view name, const io::packed_matrix& m, const codec_entry& codec) {
    check_description(name, m);
    const quern::shape shape{m.rows, m.cols};
    if (const char* const why = codec.refusal(shape))
      refuse(why, name, ", codec " + io::escaped(m.codec), m.rows, m.cols);
    array_sizes bytes{};
    if (!codec.bytes(shape, bytes)) refuse("rows x cols overflows", name, "", m.rows, m.cols);
    tensor t = matrix(name, m, codec, shape);
    std::vector<io::safetensors_member> tensors;
    for (std::size_t i = 0; i < codec.array_count; ++i) {
      const std::string suffix = "." + codec.suffix(i), of = io::of_tensor(std::string(name) + suffix);
      const auto array = f_.find(std::string(name) + suffix);
      if (!array) refuse("the matrix has no such tensor", name, of);
      if (array->tensor->dtype != io::safetensors_dtype::u8) refuse("the tensor is not of bytes, U8", name, of);
      if (array->tensor->bytes != bytes[i])
        refuse("the tensor does not have the bytes of the matrix", name, of, array->tensor->bytes, bytes[i]);
      t.arrays.push_back(array_of(*array));
      t.parts.push_back(part_of(*array, suffix));
      tensors.push_back(*array);
    }
    add(std::move(t), tensors);
  }
  // As io::try_find_described_owner.
  void add_owned(std::string_view name, const io::packed_matrix& m, const codec_entry& codec, find_owner* find) {
    check_description(name, m);
    const owner_matrix found = io::value_or_throw(find(f_, name));
    if (found.matrix != quern::shape{m.rows, m.cols})
      refuse("the tensors are of another shape than the metadata say", name, "", found.matrix.rows, m.rows);
    tensor t = matrix(name, m, codec, found.coded);
    for (std::size_t i = 0; i < codec.array_count; ++i) {
      if (found.arrays[i].tensor == nullptr) t.arrays.push_back({0, 0, found.text.size(), found.text});
      else t.arrays.push_back(array_of(found.arrays[i]));
    }
    const std::size_t module = io::value_or_throw(io::try_owner_module(name)).size();
    for (const io::safetensors_member& s : found.tensors) t.parts.push_back(part_of(s, s.tensor->name.substr(module)));
    add(std::move(t), found.tensors);
  }

  tensor matrix(std::string_view name, const io::packed_matrix& m, const codec_entry& codec, quern::shape coded) const {
    return {std::string(name), std::string(m.codec), {m.rows, m.cols}, &codec, true, coded, {}, {}};
  }
  static tensor::part part_of(const io::safetensors_member& m, std::string_view name) {
    const io::safetensors_tensor& s = *m.tensor;
    return {std::string(name),
            std::string(io::name_of(s.dtype)),
            {s.shape.begin(), s.shape.end()},
            m.file,
            s.offset,
            s.bytes};
  }
  static tensor::array array_of(const io::safetensors_member& m) {
    return {m.file, m.tensor->offset, m.tensor->bytes, {}};
  }
  void add(tensor t, const std::vector<io::safetensors_member>& tensors) {
    for (const io::safetensors_member& m : tensors)
      if (!members_.insert(m.tensor).second)
        refuse("the tensor is that of another matrix, too", t.name, io::of_tensor(m.tensor->name));
    // Tensors of a file lie in the order of their bytes.
    const auto first = std::ranges::min_element(
        tensors, {}, [](const io::safetensors_member& m) { return std::pair(m.file, m.tensor->offset); });
    begins_.emplace(first->tensor, std::move(t));
  }

  io::safetensors_source f_;
  std::map<const io::safetensors_tensor*, tensor, std::less<>> begins_;
  std::set<const io::safetensors_tensor*, std::less<>> members_;
  std::map<std::string_view, std::optional<std::string>> descriptions_;
};

}  // namespace inspect
