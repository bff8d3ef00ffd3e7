// The file that the main job writes: GGUF or safetensors, by the name's end.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/gguf_writer.hpp>
#include <quern/io/safetensors_writer.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "job.hpp"

namespace quantize {

// work(task, write) for every task, in the order of the file; then the file has its name. All of it throws io::file_error.
using work = std::function<void(const task&, const writer&)>;

// ---- GGUF ----

// llama.cpp's number of a file whose matrices are mostly of one type, from that type's; see its enum llama_ftype.
inline std::uint32_t gguf_file_type(int type) {
  constexpr int types[][2] = {{0, 0},   {1, 1},   {2, 2},   {3, 3},   {6, 8},   {7, 9},   {8, 7},   {10, 10}, {11, 12},
                              {12, 15}, {13, 17}, {14, 18}, {16, 19}, {17, 20}, {18, 23}, {19, 24}, {20, 25}, {21, 26},
                              {22, 29}, {23, 30}, {29, 31}, {30, 32}, {34, 36}, {35, 37}, {39, 38}, {40, 39}};
  for (const auto& t : types)
    if (t[0] == type) return static_cast<std::uint32_t>(t[1]);
  return 1024;  // guessed
}

inline std::uint32_t gguf_type_of(const task& k) {
  if (k.to != nullptr) return static_cast<std::uint32_t>(k.to->gguf_id);
  return k.from->stored == nullptr ? k.from->gguf_type : static_cast<std::uint32_t>(k.from->stored->gguf_id);
}

inline void write_gguf(const std::filesystem::path& path, const model& m, const std::vector<task>& tasks, int main_type,
                       const work& f) {
  io::gguf_writer out;
  if (m.is_gguf()) {
    for (std::size_t i = 0; i < m.gguf_header().entry_count(); ++i) {
      const io::gguf_entry e = m.gguf_header().entry(i);
      if (!e.key.starts_with("split.") && e.key != "general.file_type" && e.key != "general.quantization_version")
        out.set(e.key, e.value);
    }
  } else {
    out.set("general.architecture", "unknown");
    out.set("general.name", m.name());
  }
  out.set("general.quantization_version", std::uint32_t{2});
  out.set("general.file_type", gguf_file_type(main_type));
  for (const task& k : tasks) {
    const std::vector<std::uint64_t> dims(k.from->shape.rbegin(), k.from->shape.rend());
    if (dims.empty()) out.add_tensor(k.from->name, {1}, gguf_type_of(k));
    else out.add_tensor(k.from->name, dims, gguf_type_of(k));
  }
  out.create(path, m.files());
  for (const task& k : tasks)
    f(k, [&](std::size_t, std::span<const std::byte> bytes) { out.write(k.from->name, bytes); });
  out.commit();
}

// ---- safetensors ----

inline void write_safetensors(const std::filesystem::path& path, const model& m, const std::vector<task>& tasks,
                              const work& f) {
  io::safetensors_contents contents;
  std::unordered_map<std::string, const task*> begins;  // by the first tensor of each
  for (const auto& file : m.safetensors_files())
    for (const io::safetensors_metadata& entry : file.metadata())
      if (!entry.key.starts_with("quern.") && !contents.metadata().contains(entry.key))
        contents.add_metadata(entry.key, entry.value);
  for (const task& k : tasks) {
    const tensor& t = *k.from;
    if (k.to == nullptr && t.stored != nullptr && t.stored->name == t.type) {  // a packed matrix stays one
      t.stored->declare(contents, t.name, {t.rows(), t.cols()});
      begins.emplace(t.stored->tensor_name(t.name, 0), &k);
    } else if (k.to == nullptr) {
      contents.add(t.name, t.dtype, t.shape);
      begins.emplace(t.name, &k);
    } else {
      k.to->declare(contents, t.name, {t.rows(), t.cols()});
      begins.emplace(k.to->tensor_name(t.name, 0), &k);
    }
  }
  auto out = io::safetensors_writer::create(path, std::move(contents), m.files());
  for (const io::safetensors_declaration& d : out.contents().tensors()) {
    const auto at = begins.find(d.name);
    if (at == begins.end()) continue;  // an array of a matrix that its first one has written
    const task& k = *at->second;
    const format* const matrix = k.to != nullptr ? k.to : k.from->stored;
    const bool packed = k.to != nullptr || (matrix != nullptr && matrix->name == k.from->type);
    f(k, [&](std::size_t array, std::span<const std::byte> bytes) {
      out.write(packed ? matrix->tensor_name(k.from->name, array) : d.name, bytes);
    });
  }
  out.commit();
}

}  // namespace quantize
