// Any text as the index of shards: it is refused, or what is said of it holds. libFuzzer.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "quern/io/safetensors_index.hpp"

namespace {

void must(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;
  const auto index = io::safetensors_index::try_parse({reinterpret_cast<const char*>(data), size});
  if (!index) {
    must(index.error().what[0] != 0 && !index.error().text().empty());
    return 0;
  }
  for (const io::safetensors_place& p : index->places()) {
    must(p.shard < index->shards().size());
    must(index->find(p.tensor) == &p);
  }
  const std::filesystem::path folder = "/folder";
  for (std::size_t i = 0; i < index->shards().size(); ++i) {
    const std::string& name = index->shards()[i];
    const std::filesystem::path path = folder / name;
    must(path.parent_path() == folder && path.lexically_normal() == path && path.native() == "/folder/" + name);
    must(i == 0 || index->shards()[i - 1] < name);
    must(!index->try_match({}, i));  // a shard of the index has a tensor
  }
  return 0;
}
