// The matrices of a model as floats: those of f32, f16 and bf16 in a .safetensors or a .gguf file.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/gguf_split.hpp>
#include <quern/io/safetensors_shards.hpp>
#include <quern/quern.hpp>
#include <quern/reference/decode.hpp>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

struct matrix {
  std::string name;
  std::size_t rows = 0, cols = 0;
  std::vector<float> x;

  quern::matrix_view<const float> view() const { return {x.data(), rows, cols}; }
};

// The first matrices of at least two rows whose rows are multiples of 256, so that all formats compared can hold them;
// no more than `most` weights of them. Throws io::file_error.
class matrices {
 public:
  matrices(const std::filesystem::path& path, std::size_t most) : left_(most) {
    quern::aligned_bytes room;
    if (path.extension() == ".gguf") {
      const auto m = quern::io::gguf_model::open(path);
      for (std::size_t i = 0; i < m.tensor_count(); ++i) {
        const auto t = m.tensor(i);
        if (wanted(t.rows(), t.cols())) add(t.name, t.type_name(), t.rows(), t.cols(), m.view(t, room));
      }
    } else {
      const auto m = quern::io::safetensors_shards::open(path);
      for (const auto& member : m.tensors()) {
        const auto& t = *member.tensor;
        if (t.shape.size() == 2 && wanted(t.shape[0], t.shape[1]))
          add(t.name, quern::io::name_of(t.dtype), t.shape[0], t.shape[1], m.file_of(member).view(t, room));
      }
    }
  }
  const std::vector<matrix>& all() const { return all_; }
  std::size_t weights() const {
    std::size_t n = 0;
    for (const matrix& m : all_) n += m.x.size();
    return n;
  }

 private:
  bool wanted(std::uint64_t rows, std::uint64_t cols) const {
    return rows > 1 && cols != 0 && cols % 256 == 0 && rows <= left_ / cols;
  }
  void add(std::string_view name, std::string_view type, std::uint64_t rows, std::uint64_t cols,
           std::span<const std::byte> bytes) {
    matrix m{std::string(name), static_cast<std::size_t>(rows), static_cast<std::size_t>(cols), {}};
    const auto decode = [&]<class Format>() {
      m.x.resize(m.rows * m.cols);
      const quern::packed_view<Format> w(bytes, m.rows, m.cols);
      quern::reference::decode(w, quern::matrix_view<float>(m.x.data(), m.rows, m.cols));
    };
    if (type == "F32") decode.template operator()<quern::gguf::f32>();
    else if (type == "F16") decode.template operator()<quern::gguf::f16>();
    else if (type == "BF16") decode.template operator()<quern::gguf::bf16>();
    else return;
    left_ -= m.x.size();
    all_.push_back(std::move(m));
  }
  std::size_t left_;
  std::vector<matrix> all_;
};

}  // namespace demo
