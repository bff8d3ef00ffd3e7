// A model that is read: the tensors of .gguf and .safetensors files, one or several, in one list.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/gguf_split.hpp>
#include <quern/io/packed_tensors.hpp>
#include <quern/io/safetensors_shards.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats.hpp"

namespace quantize {

namespace io = quern::io;

// One tensor, or the tensors of one packed matrix.
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
  };
  std::vector<array> arrays;  // several of a packed matrix, else one
  bool is_plain = false;      // of one of carried_types

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
  explicit model(const std::filesystem::path& path) : name_(path.stem().string()) {
    if (path.extension() == ".gguf") {
      gguf_ = io::gguf_model::open(path, io::access::read);
      list_gguf();
    } else {
      safetensors_ = io::safetensors_shards::open(path, io::access::read);
      list_safetensors();
    }
  }

  const std::string& name() const { return name_; }  // of the file, without its end
  std::span<const tensor> tensors() const { return tensors_; }
  bool is_gguf() const { return !gguf_.parts().empty(); }
  // Precondition: is_gguf().
  const io::gguf_header& gguf_header() const { return gguf_.header(); }
  std::span<const io::safetensors_file> safetensors_files() const { return safetensors_.files(); }

  // Bytes [first, first + count) of an array of a tensor.
  std::span<const std::byte> view(const tensor& t, std::size_t array, std::uint64_t first, std::uint64_t count,
                                  quern::aligned_bytes& room) const {
    const std::size_t i = t.arrays[array].at;
    if (is_gguf()) return gguf_.view(gguf_.tensor(i), first, count, room);
    const io::safetensors_member& m = safetensors_.tensors()[i];
    return safetensors_.file_of(m).view(*m.tensor, first, count, room);
  }
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
      tensors_.push_back(std::move(t));
    }
  }
  void list_safetensors() {
    const auto members = safetensors_.tensors();
    std::vector<bool> in_matrix(members.size());
    std::size_t first = 0;  // of a file's tensors among those of all
    for (const auto& file : safetensors_.files()) {
      for (const std::string_view name : io::packed_names(file)) {
        const io::packed_matrix m = io::find_packed(file, name);
        const format* const f = find(formats(), m.codec);
        if (f == nullptr) continue;  // its tensors are carried along
        tensor t{std::string(name), {m.rows, m.cols}, f, std::string(m.codec), 0, io::safetensors_dtype::u8, {}};
        const auto arrays = f->arrays_in(file, name);
        for (std::size_t i = 0; i < f->array_count; ++i) {
          const auto in_file = static_cast<std::size_t>(arrays[i] - file.tensors().data());
          t.arrays.push_back({first + in_file, arrays[i]->bytes});
          in_matrix[t.arrays.back().at] = true;
        }
        tensors_.push_back(std::move(t));
      }
      first += file.tensors().size();
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (in_matrix[i]) continue;
      const io::safetensors_tensor& s = *members[i].tensor;
      const std::string_view plain = s.dtype == io::safetensors_dtype::f32    ? "gguf.f32"
                                     : s.dtype == io::safetensors_dtype::f16  ? "gguf.f16"
                                     : s.dtype == io::safetensors_dtype::bf16 ? "gguf.bf16"
                                                                              : "";
      tensor t{std::string(s.name), {s.shape.begin(), s.shape.end()}, find(formats(), plain),
               std::string(io::name_of(s.dtype)), 0, s.dtype, {{i, s.bytes}}};
      for (const carried_type& c : carried_types)
        if (c.dtype == s.dtype) t.gguf_type = c.gguf, t.is_plain = true;
      tensors_.push_back(std::move(t));
    }
  }

  std::string name_;
  io::gguf_model gguf_;
  io::safetensors_shards safetensors_;
  std::vector<tensor> tensors_;
};

}  // namespace quantize
