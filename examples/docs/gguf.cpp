// The pieces of code in docs/gguf.md: a model is written, listed, decoded, and written again in another format.
// SPDX-License-Identifier: Apache-2.0
#include <quern/io/gguf_matrix.hpp>
#include <quern/io/gguf_reader.hpp>
#include <quern/io/gguf_split.hpp>
#include <quern/io/gguf_writer.hpp>
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {
using namespace quern;

// The codecs that this program compiles.
struct formats : type_list<gguf::q4_0, gguf::q8_0, gguf::f32> {};

void write_model(const std::filesystem::path& path, matrix_view<const float> weights) {
  const auto w = quantize<gguf::q8_0>(weights);

  io::gguf_writer out;
  out.set("general.architecture", "example");
  out.set("general.quantization_version", 2u);
  const std::string_view tokens[] = {"<s>", "</s>"};
  out.set_strings("tokenizer.ggml.tokens", tokens);
  out.add_tensor("output.weight", {w.cols(), w.rows()}, gguf::q8_0::gguf_id);
  out.create(path);  // writes all of that
  out.write("output.weight", w.array(0));
  out.commit();  // now the file has its name
}

void list(const std::filesystem::path& path) {
  const auto file = io::gguf_file::open(path);
  const auto architecture = file.get<std::string_view>("general.architecture");
  std::printf("%.*s\n", static_cast<int>(architecture.size()), architecture.data());
  for (const std::string_view token : file.get<io::gguf_strings>("tokenizer.ggml.tokens"))
    std::printf("token %.*s\n", static_cast<int>(token.size()), token.data());
  for (std::size_t i = 0; i < file.tensor_count(); ++i) {
    const io::gguf_tensor t = file.tensor(i);
    std::printf("%.*s: %ju x %ju, type %u\n", static_cast<int>(t.name.size()), t.name.data(), std::uintmax_t{t.rows()},
                std::uintmax_t{t.cols()}, t.type);
  }
}

// The sum of all weights of a tensor, of whatever format.
double sum(const io::gguf_file& file, const io::gguf_tensor& t) {
  aligned_bytes room;  // stays empty where the file is mapped
  const any_view w = io::matrix<formats>(file, t, room);
  std::vector<float> values(w.rows() * w.cols());
  w.dequantize(matrix_view(values.data(), w.rows(), w.cols()));
  double s = 0;
  for (const float x : values) s += x;
  return s;
}

// Copies a model, a piece at a time: no tensor needs to fit into memory.
io::result<void> try_copy(const std::filesystem::path& from, const std::filesystem::path& to) {
  const auto file = io::gguf_file::try_open(from, io::access::read);
  if (!file) return file.error();
  io::gguf_writer out;
  for (std::size_t i = 0; i < file->entry_count(); ++i)
    if (auto ok = out.try_set(file->entry(i).key, file->entry(i).value); !ok) return ok;
  for (std::size_t i = 0; i < file->tensor_count(); ++i) {
    const io::gguf_tensor t = file->tensor(i);
    if (auto ok = out.try_add_tensor(t.name, std::span(t.dims).first(t.rank), t.type); !ok) return ok;
  }
  const io::file_identity reads[] = {file->file().identity()};
  if (auto ok = out.try_create(to, reads); !ok) return ok;
  aligned_bytes room;
  for (std::size_t i = 0; i < file->tensor_count(); ++i) {
    const io::gguf_tensor t = file->tensor(i);
    for (std::uint64_t done = 0; done < t.bytes;) {
      const std::uint64_t size = std::min<std::uint64_t>(t.bytes - done, 1u << 20);
      const auto piece = file->try_view(t, done, size, room);
      if (!piece) return piece.error();
      if (auto ok = out.try_write(t.name, *piece); !ok) return ok;
      done += size;
    }
  }
  return out.try_commit();
}

}  // namespace

int main() {
  const std::size_t rows = 8, cols = 64;
  std::vector<float> weights(rows * cols);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::sin(static_cast<float>(i));
  double expected = 0;
  for (const float x : weights) expected += x;

  const auto folder = std::filesystem::temp_directory_path() / ("quern-example-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  write_model(folder / "model.gguf", matrix_view<const float>(weights.data(), rows, cols));
  list(folder / "model.gguf");

  const auto copied = try_copy(folder / "model.gguf", folder / "copy.gguf");
  if (!copied) std::printf("%s\n", copied.error().text().c_str());  // file, tensor: what (value, against bound)
  const bool writes_over = try_copy(folder / "copy.gguf", folder / "copy.gguf").has_value();

  // All parts of PREFIX-00001-of-00003.gguf; a model in one file is its own only part.
  const io::gguf_model model = io::gguf_model::open(folder / "copy.gguf");
  const io::gguf_part_tensor t = model.find_tensor("output.weight").value();
  const double s = sum(model.parts()[t.part], t);

  std::filesystem::remove_all(folder);
  std::printf("sum %g, of the floats %g\n", s, expected);
  return copied && !writes_over && std::abs(s - expected) < 1 ? 0 : 1;
}
