// The pieces of code in docs/safetensors.md.
// SPDX-License-Identifier: Apache-2.0
#include <quern/io/any_tensors.hpp>
#include <quern/io/owner_metadata.hpp>
#include <quern/io/safetensors_shards.hpp>
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace {
using namespace quern;

using formats = type_list<gguf::q8_0, gguf::q4_0>;  // that a program expects in its files

std::size_t elements_of(const std::filesystem::path& path) {
  std::size_t elements = 0;
  const io::safetensors_file file = io::safetensors_file::open(path);
  for (const io::safetensors_tensor& t : file.tensors()) {  // in the order of their bytes
    std::size_t n = 1;
    for (const std::uint64_t extent : t.shape) n *= extent;
    std::printf("%.*s: %zu elements\n", static_cast<int>(t.name.size()), t.name.data(), n);
    elements += n;
  }
  return elements;
}

// One tensor after the other, in pieces of at most a megabyte, whatever the size of the file.
std::uint64_t sum_of(const std::filesystem::path& path) {
  const io::safetensors_file file = io::safetensors_file::open(path, io::access::read);
  std::uint64_t sum = 0;
  aligned_bytes room;
  for (const io::safetensors_tensor& t : file.tensors())
    for (std::uint64_t at = 0; at < t.bytes;) {
      const std::uint64_t count = std::min<std::uint64_t>(t.bytes - at, 1 << 20);
      for (const std::byte b : file.view(t, at, count, room)) sum += std::to_integer<std::uint64_t>(b);
      at += count;
    }
  return sum;
}

void write(const std::filesystem::path& path, std::span<const float> norm) {
  io::safetensors_contents contents;
  contents.add("norm.weight", io::safetensors_dtype::f32, {norm.size()});
  contents.add("steps", io::safetensors_dtype::i64, {2});
  contents.add_metadata("format", "pt");

  auto writer = io::safetensors_writer::create(path, contents);  // the header is written
  const std::int64_t steps[] = {1, 2};
  writer.write("norm.weight", std::as_bytes(norm.first(1)));  // a tensor may come in pieces
  writer.write("steps", std::as_bytes(std::span(steps)));     // and tensors in any order
  writer.write("norm.weight", std::as_bytes(norm.subspan(1)));
  writer.commit();  // now there is a file of that name
}

void write_matrix(const std::filesystem::path& path, matrix_view<const float> weights) {
  const packed<gguf::q8_0> w = quantize<gguf::q8_0>(weights);
  io::safetensors_contents contents;
  io::add_packed<gguf::q8_0>(contents, "layer.0.weight", w.rows(), w.cols());
  auto writer = io::safetensors_writer::create(path, contents);
  io::write_packed(writer, "layer.0.weight", w);
  writer.commit();
}

float first_weight(const std::filesystem::path& path) {
  const io::safetensors_file file = io::safetensors_file::open(path);

  // A codec that the program knows: a view of the bytes in the file. read_packed copies them.
  const packed_view<gguf::q8_0> w = io::view_packed<gguf::q8_0>(file, "layer.0.weight");

  // Any of a list, or of the whole catalogue where none is given.
  const any_view any = io::view_any<formats>(file, "layer.0.weight");
  std::vector<float> rows(any.rows() * any.cols());
  any.dequantize(matrix_view(rows.data(), any.rows(), any.cols()));
  return any.name() == name<gguf::q8_0> && any.rows() == w.rows() ? rows[0] : 0;
}

void write_for_vllm(const std::filesystem::path& path, matrix_view<const float> up, matrix_view<const float> down) {
  using int4 = compressed_tensors::pack_quantized<4>;
  const packed<int4> w[] = {quantize<int4>(up), quantize<int4>(down)};
  const char* const names[] = {"layers.0.up_proj.weight", "layers.0.down_proj.weight"};

  io::safetensors_contents contents;
  contents.add_metadata("format", "pt");  // transformers asks for it
  for (int i = 0; i < 2; ++i) {
    io::add_owner<int4>(contents, names[i], w[i].rows(), w[i].cols());
    io::add_owner_metadata<int4>(contents, names[i], w[i].rows(), w[i].cols());  // for Quern; vLLM passes over it
  }
  auto writer = io::safetensors_writer::create(path, contents);
  for (int i = 0; i < 2; ++i) io::write_owner<int4>(writer, names[i], w[i]);
  writer.commit();
}

packed<compressed_tensors::pack_quantized<4>> read_from_vllm(const std::filesystem::path& path) {
  const io::safetensors_file file = io::safetensors_file::open(path);
  return io::read_owner<compressed_tensors::pack_quantized<4>>(file, "layers.0.up_proj.weight");
}

std::size_t bytes_of_model(const std::filesystem::path& path) {
  // model.safetensors.index.json and the files it names, or one file.
  const io::safetensors_shards model = io::safetensors_shards::open(path);
  std::size_t bytes = 0;
  for (const io::safetensors_member& m : model.tensors()) {
    aligned_bytes room;
    bytes += model.file_of(m).view(*m.tensor, room).size();
  }
  return bytes;
}

bool is_sound(const std::filesystem::path& path) {
  const io::result<io::safetensors_file> file = io::safetensors_file::try_open(path);
  if (!file) std::printf("%s\n", file.error().text().c_str());  // file, tensor: the rule (a number, against another)
  return file.has_value();
}

}  // namespace

int main() {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "quern_docs.safetensors";
  const float norm[] = {1, 1, 1, 1};
  write(path, norm);
  bool ok =
      is_sound(path) && elements_of(path) == 6 && bytes_of_model(path) == 32 && sum_of(path) == 3 + 4 * (0x80 + 0x3f);

  std::vector<float> weights(4 * 64);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::cos(static_cast<float>(i));
  write_matrix(path, matrix_view<const float>(weights.data(), 4, 64));
  ok = ok && std::fabs(first_weight(path) - 1) < 0.01f;

  std::vector<float> wide(4 * 256);
  for (std::size_t i = 0; i < wide.size(); ++i) wide[i] = std::cos(static_cast<float>(i));
  write_for_vllm(path, matrix_view<const float>(wide.data(), 4, 256), matrix_view<const float>(wide.data(), 2, 512));
  const auto read = read_from_vllm(path);
  ok = ok && read.rows() == 4 && read.cols() == 256;
  dequantize(read, matrix_view<float>(wide.data(), 4, 256));
  ok = ok && std::fabs(wide[0] - 1) < 0.1f;

  std::filesystem::resize_file(path, 100);
  ok = ok && !is_sound(path);
  std::filesystem::remove(path);
  return ok ? 0 : 1;
}
