// The file that the main job writes: GGUF or safetensors, by the name's end.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/io/gguf_writer.hpp>
#include <quern/io/safetensors_writer.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "job.hpp"

namespace quantize {

// work(task, write) for every task; then the file has its name. All of it throws io::file_error.
using work = std::function<void(const task&, const writer&)>;

// ---- GGUF ----

// llama.cpp's number of a file whose matrices are mostly of one type, from that type's; see its enum llama_ftype.
inline std::uint32_t gguf_file_type(int type) {
  constexpr int types[][2] = {{0, 0},   {1, 1},   {2, 2},   {3, 3},   {6, 8},   {7, 9},   {8, 7},   {10, 10}, {11, 12},
                              {12, 15}, {13, 17}, {14, 18}, {16, 19}, {17, 20}, {18, 23}, {19, 24}, {20, 25}, {21, 26},
                              {22, 29}, {23, 30}, {29, 31}, {30, 32}, {34, 36}, {35, 37}, {39, 38}, {40, 39}, {41, 40},
                              {42, 41}};
  for (const auto& t : types)
    if (t[0] == type) return static_cast<std::uint32_t>(t[1]);
  return 1024;  // guessed
}

inline std::uint32_t gguf_type_of(const task& k) {
  return k.to == nullptr ? k.from->gguf_type : static_cast<std::uint32_t>(k.to->gguf_id);
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

// What is carried along of the source's metadata, and the format that loaders ask for where matrices are in owners' names.
inline void add_metadata(io::safetensors_contents& contents, const model& m, const std::vector<task>& tasks) {
  for (const auto& file : m.safetensors_files())
    for (const io::safetensors_metadata& entry : file.metadata())
      if ((!entry.key.starts_with("quern.") || m.is_of_unknown(entry.key)) && !contents.metadata().contains(entry.key))
        contents.add_metadata(entry.key, entry.value);
  for (const task& k : tasks)
    if (k.where == task::place::owner && !contents.metadata().contains("format"))
      contents.add_metadata("format", k.to->owner->config.format);
}

inline void declare(io::safetensors_contents& contents, const model& m, const task& k) {
  const tensor& t = *k.from;
  switch (k.where) {
    case task::place::as_it_was:
      if (t.named == nullptr) return contents.add(t.name, t.dtype, t.shape);
      for (const std::size_t i : t.members) {
        const io::safetensors_tensor& member = m.member(i);
        contents.add(member.name, member.dtype, std::vector(member.shape.begin(), member.shape.end()));
      }
      return t.named->describe(contents, t.name, {t.rows(), t.cols()});
    case task::place::plain:
      return contents.add(t.name, *k.to->dtype, t.shape);
    case task::place::packed:
      return k.to->declare(contents, t.name, k.coded);
    case task::place::owner:
      return k.to->owner->declare(contents, t.name, {t.rows(), t.cols()});
  }
}

inline void write(io::safetensors_writer& out, const model& m, const task& k, const work& f) {
  const tensor& t = *k.from;
  std::string in_text;
  f(k, [&](std::size_t i, std::span<const std::byte> bytes) {
    if (k.where == task::place::packed) return out.write(k.to->tensor_name(t.name, i), bytes);
    if (k.to == nullptr && t.named != nullptr) return out.write(m.member(t.members[i]).name, bytes);
    if (k.where != task::place::owner) return out.write(t.name, bytes);
    const std::string name = k.to->owner->tensor_name(t.name, i);
    if (!name.empty()) return out.write(name, bytes);
    in_text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  if (k.where == task::place::owner)
    k.to->owner->write_others(out, t.name, {t.rows(), t.cols()}, std::as_bytes(std::span(in_text)));
}

inline void write_safetensors(const std::filesystem::path& path, const model& m, const std::vector<task>& tasks,
                              const work& f) {
  io::safetensors_contents contents;
  add_metadata(contents, m, tasks);
  for (const task& k : tasks) declare(contents, m, k);
  auto out = io::safetensors_writer::create(path, std::move(contents), m.files());
  for (const task& k : tasks) write(out, m, k, f);
  out.commit();
}

}  // namespace quantize
