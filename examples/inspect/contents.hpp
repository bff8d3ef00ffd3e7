// The tensors of a model's files: of .gguf or .safetensors, one or several, in one list.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/gguf_split.hpp>
#include <quern/io/safetensors_shards.hpp>

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "matrices.hpp"

namespace inspect {

class contents {
 public:
  // Throws io::file_error. Bytes are read, not mapped: no more memory is taken than is asked for.
  explicit contents(const std::filesystem::path& path) {
    if (path.extension() == ".gguf") {
      gguf_ = io::gguf_model::open(path, io::access::read);
      for (std::size_t i = 0; i < gguf_.tensor_count(); ++i) add(gguf_.tensor(i));
    } else {
      safetensors_ = io::safetensors_shards::open(path, io::access::read);
      list_safetensors();
    }
  }

  std::span<const tensor> tensors() const { return tensors_; }
  // What is not known of codecs, of whose matrices the tensors stand in the list one by one.
  const std::set<std::string>& unknown() const { return unknown_; }
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
    tensor t = single(g.name, type, codec, g.part, g.offset, g.bytes);
    for (std::uint32_t d = g.rank; d-- > 0;) t.shape.push_back(g.dims[d]);
    tensors_.push_back(std::move(t));
  }

  static tensor single(std::string_view name, std::string_view type, const codec_entry* codec, std::size_t file,
                       std::uint64_t offset, std::uint64_t bytes) {
    tensor t{std::string(name), std::string(type), {}, codec, false, {}, {}, {}};
    t.parts.push_back({"", "", {}, file, offset, bytes});
    t.arrays.push_back({file, offset, bytes, {}});
    return t;
  }

  // Matrices stand where the first of their tensors lies.
  void list_safetensors() {
    matrices_in found(safetensors_, unknown_);
    for (const io::safetensors_member& m : safetensors_.tensors()) {
      const io::safetensors_tensor& s = *m.tensor;
      if (tensor* const t = found.beginning_with(s)) tensors_.push_back(std::move(*t));
      if (found.have(s)) continue;
      const std::string_view type = io::name_of(s.dtype);
      const std::string_view codec = s.dtype == io::safetensors_dtype::f32    ? "gguf.f32"
                                     : s.dtype == io::safetensors_dtype::f16  ? "gguf.f16"
                                     : s.dtype == io::safetensors_dtype::bf16 ? "gguf.bf16"
                                                                              : type;
      tensor t = single(s.name, type, find_codec(codec), m.file, s.offset, s.bytes);
      t.shape.assign(s.shape.begin(), s.shape.end());
      tensors_.push_back(std::move(t));
    }
  }

  io::gguf_model gguf_;
  io::safetensors_shards safetensors_;
  std::vector<tensor> tensors_;
  std::set<std::string> unknown_;
};

}  // namespace inspect
