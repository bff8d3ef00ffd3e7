// What is in a model's files: metadata, tensors, and totals.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "contents.hpp"
#include "text.hpp"

namespace inspect {

inline std::string bits_text(std::uint64_t bytes, std::uint64_t values) {
  if (values == 0) return "-";
  return fixed(8.0 * static_cast<double>(bytes) / static_cast<double>(values), 3);
}

inline void list_files(const contents& c) {
  for (std::size_t i = 0; i < c.file_count(); ++i) {
    const io::input_file& f = c.file(i);
    std::printf("file %s: ", io::escaped(f.path().native()).c_str());
    if (c.is_gguf()) {
      const io::gguf_file& g = c.gguf_parts()[i];
      std::printf("GGUF version %u, alignment %u, %zu tensors, %llu bytes\n", g.version(), g.alignment(),
                  g.tensor_count(), static_cast<unsigned long long>(f.size()));
    } else {
      std::printf("safetensors, %zu tensors, %llu bytes\n", c.safetensors_files()[i].tensors().size(),
                  static_cast<unsigned long long>(f.size()));
    }
  }
}

// Of a GGUF model that of its first file; of safetensors files that of each.
inline void list_metadata(const contents& c) {
  table t("");
  std::size_t entries = 0;
  if (c.is_gguf()) {
    const io::gguf_header& h = c.gguf_parts().front();
    for (; entries < h.entry_count(); ++entries) {
      const io::gguf_entry e = h.entry(entries);
      t.add({"  " + io::escaped(e.key), type_text(e.value), value_text(e.value)});
    }
  }
  for (const io::safetensors_file& f : c.safetensors_files())
    for (const io::safetensors_metadata& e : f.metadata()) {
      t.add({"  " + io::escaped(e.key), quoted(e.value)});
      ++entries;
    }
  std::printf("\nmetadata: %zu\n", entries);
  t.print();
}

inline void list_tensors(const contents& c) {
  struct total {
    std::uint64_t tensors = 0, values = 0, bytes = 0;
    void add(const tensor& t) { ++tensors, values += t.values(), bytes += t.bytes(); }
  };
  std::map<std::string, total> types;
  total all;
  table t("lllrrrr");
  const bool several = c.file_count() > 1;
  t.add({"  name", "shape", "type", "bits", "bytes", "offset", several ? "file" : ""});
  for (const tensor& x : c.tensors()) {
    const auto file = [&](const tensor::part& p) { return several ? std::to_string(p.file + 1) : ""; };
    const tensor::part& first = x.parts[0];
    const bool in_one = std::ranges::all_of(x.parts, [&](const tensor::part& p) { return p.file == first.file; });
    t.add({"  " + io::escaped(x.name), shape_text(x.shape), io::escaped(x.type), bits_text(x.bytes(), x.values()),
           std::to_string(x.bytes()), x.is_matrix ? "" : std::to_string(first.offset), in_one ? file(first) : ""});
    if (x.is_matrix)
      for (const tensor::part& p : x.parts)
        t.add({"    " + io::escaped(p.name), shape_text(p.shape), p.type, "", std::to_string(p.bytes),
               std::to_string(p.offset), file(p)});
    types[x.type].add(x), all.add(x);
  }
  std::printf("\ntensors: %zu\n", c.tensors().size());
  t.print();

  table sums("lrrrr");
  sums.add({"  type", "tensors", "values", "bytes", "bits"});
  const auto add = [&](const std::string& name, const total& s) {
    sums.add({"  " + io::escaped(name), std::to_string(s.tensors), std::to_string(s.values), std::to_string(s.bytes),
              bits_text(s.bytes, s.values)});
  };
  for (const auto& [name, sum] : types) add(name, sum);
  if (types.size() != 1) add("all", all);
  std::puts("\ntotals");
  sums.print();
  for (const std::string& what : c.unknown())
    std::printf("%s: its matrices are listed as the tensors that they are\n", what.c_str());
}

inline void list(const contents& c) {
  list_files(c);
  list_metadata(c);
  list_tensors(c);
}

}  // namespace inspect
