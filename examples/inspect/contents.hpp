// The tensors of a model's files: of .gguf or .safetensors, one or several, in one list.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/gguf_split.hpp>
#include <quern/io/packed_tensors.hpp>
#include <quern/io/safetensors_shards.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec.hpp"

namespace inspect {

namespace io = quern::io;

// A tensor, or the tensors of one packed matrix.
struct tensor {
  std::string name, type;              // type: the file's word for it
  std::vector<std::uint64_t> shape;    // outermost first
  const codec_entry* codec = nullptr;  // what its bytes mean; null: not known
  bool is_matrix = false;              // packed: its columns are those of `shape`; else it can be seen as one row
  std::size_t file = 0;
  struct array {
    std::string suffix, type;  // of a packed matrix's tensor
    std::uint64_t offset, bytes;
  };
  std::vector<array> arrays;

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
    for (const array& a : arrays) n += a.bytes;
    return n;
  }
};

class contents {
 public:
  // Throws io::file_error. Bytes are read, not mapped: no more memory is taken than is asked for.
  explicit contents(const std::filesystem::path& path) {
    if (path.extension() == ".gguf") {
      gguf_ = io::gguf_model::open(path, io::access::read);
      for (std::size_t i = 0; i < gguf_.tensor_count(); ++i) add(gguf_.tensor(i));
    } else {
      safetensors_ = io::safetensors_shards::open(path, io::access::read);
      for (std::size_t i = 0; i < safetensors_.files().size(); ++i) add(safetensors_.files()[i], i);
    }
  }

  std::span<const tensor> tensors() const { return tensors_; }
  // Codecs of packed matrices that are not in the catalogue; their tensors stand in the list one by one.
  const std::set<std::string>& unknown_codecs() const { return unknown_; }
  bool is_gguf() const { return !gguf_.parts().empty(); }
  // Empty where the model is not of these files.
  std::span<const io::gguf_file> gguf_parts() const { return gguf_.parts(); }
  std::span<const io::safetensors_file> safetensors_files() const { return safetensors_.files(); }
  std::size_t file_count() const { return is_gguf() ? gguf_.parts().size() : safetensors_.files().size(); }
  const io::input_file& file(std::size_t i) const {
    return is_gguf() ? gguf_.parts()[i].file() : safetensors_.files()[i].input();
  }

 private:
  void add(const io::gguf_part_tensor& g) {
    const std::string type(g.type_name());
    const codec_entry* codec = find_codec(static_cast<int>(g.type));
    if (codec == nullptr) codec = find_codec(type);
    tensor t{std::string(g.name), type, {}, codec, false, g.part, {{"", "", g.offset, g.bytes}}};
    for (std::uint32_t d = g.rank; d-- > 0;) t.shape.push_back(g.dims[d]);
    tensors_.push_back(std::move(t));
  }

  // Packed matrices stand where their first tensor lies.
  void add(const io::safetensors_file& f, std::size_t file) {
    std::map<const io::safetensors_tensor*, tensor, std::less<>> begins;
    std::set<const io::safetensors_tensor*, std::less<>> in_matrix;
    std::map<std::string_view, std::optional<std::string>> descriptions;  // made once for all matrices of a codec
    for (const std::string_view name : io::packed_names(f)) {
      const io::packed_matrix m = io::find_packed(f, name);
      const codec_entry* const codec = find_codec(m.codec);
      const auto known = descriptions.try_emplace(m.codec);
      if (known.second) known.first->second = description(m.codec);
      const std::optional<std::string>& text = known.first->second;
      if (codec == nullptr || !text) {
        unknown_.emplace(m.codec);
        continue;
      }
      const auto arrays = arrays_of(f, name, m, *codec, *text);
      tensor t{std::string(name), std::string(m.codec), {m.rows, m.cols}, codec, true, file, {}};
      for (std::size_t i = 0; i < arrays.size(); ++i) {
        t.arrays.push_back(
            {"." + codec->suffix(i), std::string(io::name_of(arrays[i]->dtype)), arrays[i]->offset, arrays[i]->bytes});
        in_matrix.insert(arrays[i]);
      }
      begins.emplace(arrays[0], std::move(t));
    }
    for (const io::safetensors_tensor& s : f.tensors()) {
      if (const auto at = begins.find(&s); at != begins.end()) tensors_.push_back(std::move(at->second));
      if (in_matrix.contains(&s)) continue;
      const std::string_view name = s.dtype == io::safetensors_dtype::f32    ? "gguf.f32"
                                    : s.dtype == io::safetensors_dtype::f16  ? "gguf.f16"
                                    : s.dtype == io::safetensors_dtype::bf16 ? "gguf.bf16"
                                                                             : io::name_of(s.dtype);
      tensors_.push_back({std::string(s.name),
                          std::string(io::name_of(s.dtype)),
                          {s.shape.begin(), s.shape.end()},
                          find_codec(name),
                          false,
                          file,
                          {{"", "", s.offset, s.bytes}}});
    }
  }

  // The tensors of a matrix, as io::try_find_packed_arrays finds them for a codec that is known when compiling.
  static std::vector<const io::safetensors_tensor*> arrays_of(const io::safetensors_file& f, std::string_view name,
                                                              const io::packed_matrix& m, const codec_entry& codec,
                                                              std::string_view described) {
    const auto refuse = [&](const char* what, const std::string& of, std::uint64_t value = 0, std::uint64_t bound = 0) {
      throw io::file_error({what, io::packed_matrix_place(f, name) + of, value, bound});
    };
    const std::string of_codec = ", codec " + io::escaped(m.codec);
    const auto text = f.find_metadata(std::string(io::packed_codec_key) + std::string(m.codec));
    if (!text) refuse("the file does not describe the codec", of_codec);
    if (*text != described) refuse("the file means another format by the name of the codec", of_codec);
    if (const char* const why = codec.refusal({m.rows, m.cols})) refuse(why, of_codec, m.rows, m.cols);
    array_sizes bytes{};
    if (!codec.bytes({m.rows, m.cols}, bytes)) refuse("rows x cols overflows", "", m.rows, m.cols);
    std::vector<const io::safetensors_tensor*> arrays;
    for (std::size_t i = 0; i < codec.array_count; ++i) {
      const std::string tensor = std::string(name) + "." + codec.suffix(i), of = ", tensor " + io::escaped(tensor);
      const io::safetensors_tensor* const t = f.find(tensor);
      if (t == nullptr) refuse("the matrix has no such tensor", of);
      if (t->dtype != io::safetensors_dtype::u8) refuse("the tensor is not of bytes, U8", of);
      if (t->bytes != bytes[i]) refuse("the tensor does not have the bytes of the matrix", of, t->bytes, bytes[i]);
      arrays.push_back(t);
    }
    return arrays;
  }

  io::gguf_model gguf_;
  io::safetensors_shards safetensors_;
  std::vector<tensor> tensors_;
  std::set<std::string> unknown_;
};

}  // namespace inspect
