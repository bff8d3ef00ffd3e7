// A model that is read: the tensors of .gguf and .safetensors files, one or several, in one list.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/gguf_split.hpp>
#include <quern/io/packed_tensors.hpp>
#include <quern/io/safetensors_shards.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats.hpp"

namespace quantize {

namespace io = quern::io;

// One tensor, or the tensors of one matrix that is packed or in its owner's names.
struct tensor {
  std::string name;
  std::vector<std::uint64_t> shape;   // outermost first
  const format* stored = nullptr;     // what its bytes mean; null: they can only be carried along
  std::string type;                   // the file's word for that
  std::uint32_t gguf_type = 0;        // in a GGUF file
  io::safetensors_dtype dtype{};      // in a safetensors file
  struct array {
    std::size_t at;  // in the file's own list
    std::uint64_t bytes;
    std::string held{};  // the bytes, where they are no tensor of the file
  };
  std::vector<array> arrays;          // of the codec, several of a packed matrix; else one
  quern::shape coded{0, 0};           // that of the codec: rows() x cols(), or one row
  const owner* named = nullptr;       // by whom its tensors are named; null: it is one tensor, or packed
  std::vector<std::size_t> members{};  // then all of its tensors, in the file's own list
  bool is_plain = false;              // of one of carried_types

  std::uint64_t bytes() const {
    std::uint64_t n = 0;
    for (const array& a : arrays) n += a.bytes;
    return n;
  }

  std::size_t cols() const { return shape.empty() ? 1 : static_cast<std::size_t>(shape.back()); }
  std::size_t rows() const {
    std::size_t n = 1;
    for (std::size_t i = 0; i + 1 < shape.size(); ++i) n *= static_cast<std::size_t>(shape[i]);
    return n;
  }
};

// What both kinds of files can hold though no codec means it: numbers of types in GGUF, and the same ones in safetensors.
struct carried_type {
  std::uint32_t gguf;
  io::safetensors_dtype dtype;
};
inline constexpr std::array<carried_type, 5> carried_types{{{24, io::safetensors_dtype::i8},
                                                            {25, io::safetensors_dtype::i16},
                                                            {26, io::safetensors_dtype::i32},
                                                            {27, io::safetensors_dtype::i64},
                                                            {28, io::safetensors_dtype::f64}}};

class model {
 public:
  // Throws io::file_error. Bytes are read, not mapped: no more memory is taken than a piece at a time.
  // sources: codecs of matrices in owners' names of which the file does not say it.
  explicit model(const std::filesystem::path& path, const std::vector<const format*>& sources = {})
      : name_(path.stem().string()) {
    if (path.extension() == ".gguf") {
      gguf_ = io::gguf_model::open(path, io::access::read);
      list_gguf();
    } else {
      safetensors_ = io::safetensors_shards::open(path, io::access::read);
      list_safetensors(sources);
    }
  }

  const std::string& name() const { return name_; }  // of the file, without its end
  std::span<const tensor> tensors() const { return tensors_; }
  bool is_gguf() const { return !gguf_.parts().empty(); }
  // Precondition: is_gguf().
  const io::gguf_header& gguf_header() const { return gguf_.header(); }
  std::span<const io::safetensors_file> safetensors_files() const { return safetensors_.files(); }
  // Whether a key of safetensors metadata says something of a matrix whose codec this program does not know.
  bool is_of_unknown(std::string_view key) const { return unknown_.contains(key); }

  // Bytes [first, first + count) of an array of a tensor.
  std::span<const std::byte> view(const tensor& t, std::size_t array, std::uint64_t first, std::uint64_t count,
                                  quern::aligned_bytes& room) const {
    const tensor::array& a = t.arrays[array];
    if (!a.held.empty()) return std::as_bytes(std::span(a.held)).subspan(first, count);
    if (is_gguf()) return gguf_.view(gguf_.tensor(a.at), first, count, room);
    return view(a.at, first, count, room);
  }
  // The same of a tensor of safetensors files.
  std::span<const std::byte> view(std::size_t member, std::uint64_t first, std::uint64_t count,
                                  quern::aligned_bytes& room) const {
    const io::safetensors_member m = safetensors_.tensors()[member];
    return safetensors_.file_of(m).view(*m.tensor, first, count, room);
  }
  const io::safetensors_tensor& member(std::size_t i) const { return *safetensors_.tensors()[i].tensor; }
  // What must not be written over.
  std::vector<io::file_identity> files() const {
    std::vector<io::file_identity> all;
    for (const auto& f : gguf_.parts()) all.push_back(f.file().identity());
    for (const auto& f : safetensors_.files()) all.push_back(f.input().identity());
    return all;
  }

 private:
  void list_gguf() {
    for (std::size_t i = 0; i < gguf_.tensor_count(); ++i) {
      const io::gguf_part_tensor g = gguf_.tensor(i);
      tensor t{std::string(g.name), {}, find(formats(), static_cast<int>(g.type)), std::string(g.type_name()), g.type,
               {}, {{i, g.bytes}}};
      for (const carried_type& c : carried_types)
        if (c.gguf == g.type) t.dtype = c.dtype, t.is_plain = true;
      for (std::uint32_t d = g.rank; d-- > 0;) t.shape.push_back(g.dims[d]);
      t.coded = {t.rows(), t.cols()};
      tensors_.push_back(std::move(t));
    }
  }
  void list_safetensors(const std::vector<const format*>& sources) {
    std::vector<bool> in_matrix(safetensors_.tensors().size());
    for (const std::string_view name : io::packed_names(safetensors_)) {
      const io::packed_matrix m = io::find_packed(safetensors_, name);
      const format* const f = find(formats(), m.codec);
      if (f == nullptr) {  // its tensors are carried along
        carry(io::packed_matrix_key, name, m);
        continue;
      }
      tensor t = matrix(name, *f, {m.rows, m.cols});
      const auto arrays = f->arrays_in(safetensors_, name);
      for (std::size_t i = 0; i < f->array_count; ++i) {
        t.arrays.push_back({safetensors_.tensors().index_of(arrays[i]), arrays[i].tensor->bytes});
        in_matrix[t.arrays.back().at] = true;
      }
      tensors_.push_back(std::move(t));
    }
    const auto take = [&](std::string_view name, const format& f, const owner_matrix& m) {
      tensor t = matrix(name, f, m.matrix);
      t.coded = m.coded, t.named = &*f.owner;
      for (std::size_t i = 0; i < f.array_count; ++i) {
        if (m.arrays[i].tensor == nullptr) t.arrays.push_back({0, m.text.size(), m.text});
        else t.arrays.push_back({safetensors_.tensors().index_of(m.arrays[i]), m.arrays[i].tensor->bytes});
      }
      for (const io::safetensors_member& member : m.tensors) {
        t.members.push_back(safetensors_.tensors().index_of(member));
        in_matrix[t.members.back()] = true;
      }
      tensors_.push_back(std::move(t));
    };
    for (const std::string_view name : io::owner_names(safetensors_)) {
      const io::packed_matrix m = io::find_owner_metadata(safetensors_, name);
      const format* const f = find(formats(), m.codec);
      if (f != nullptr && f->owner) take(name, *f, io::value_or_throw(f->owner->find(safetensors_, name, true)));
      else carry(io::owner_matrix_key, name, m);
    }
    if (!sources.empty())
      for (std::size_t i = 0; const io::safetensors_member& m : safetensors_.tensors())
        if (!in_matrix[i++]) find_source(*m.tensor, sources, take);
    for (std::size_t i = 0; i < in_matrix.size(); ++i)
      if (!in_matrix[i]) tensors_.push_back(single(i));
  }
  // A matrix whose codec is unknown: its tensors are carried along, with what the metadata say of it. Files that mean
  // different things by the codec's name are refused.
  void carry(std::string_view key, std::string_view name, const io::packed_matrix& m) {
    unknown_.insert(std::string(key) + std::string(name));
    const auto [codec, is_new] = unknown_.insert(codec_key(m));
    if (is_new) io::value_or_throw(io::safetensors_source(safetensors_).try_find_metadata(*codec));
  }
  // take(name, format, matrix), where the tensor is the first of a matrix of one of the sources; where it may be and is
  // not, what is wrong is thrown.
  template <class F>
  void find_source(const io::safetensors_tensor& t, const std::vector<const format*>& sources, const F& take) const {
    io::result<void> wrong;
    for (const format* f : sources) {
      const std::string name = f->owner->matrix_of(t);
      if (name.empty()) continue;
      const auto found = f->owner->find(safetensors_, name, false);
      if (found) return take(name, *f, *found);
      wrong = found.error();
    }
    io::value_or_throw(std::move(wrong));
  }
  static std::string codec_key(const io::packed_matrix& m) {
    return std::string(io::packed_codec_key) + std::string(m.codec);
  }
  static tensor matrix(std::string_view name, const format& f, quern::shape s) {
    tensor t{std::string(name), {s.rows, s.cols}, &f, std::string(f.name), 0, io::safetensors_dtype::u8, {}};
    t.coded = s;
    return t;
  }
  tensor single(std::size_t i) const {
    const io::safetensors_tensor& s = member(i);
    const format* stored = nullptr;
    for (const format& f : formats())
      if (f.dtype == s.dtype) stored = &f;
    tensor t{std::string(s.name), {s.shape.begin(), s.shape.end()}, stored, std::string(io::name_of(s.dtype)), 0, s.dtype,
             {{i, s.bytes}}};
    t.coded = {t.rows(), t.cols()};
    for (const carried_type& c : carried_types)
      if (c.dtype == s.dtype) t.gguf_type = c.gguf, t.is_plain = true;
    return t;
  }

  std::string name_;
  io::gguf_model gguf_;
  io::safetensors_shards safetensors_;
  std::vector<tensor> tensors_;
  std::set<std::string, std::less<>> unknown_;
};

}  // namespace quantize
