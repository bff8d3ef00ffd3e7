// Any text as the index of shards: it is refused, or what is said of it holds. libFuzzer.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <filesystem>
#include <string>
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
  const std::filesystem::path folder = "/folder";
  for (std::size_t i = 0; i < index->size(); ++i) {
    const io::safetensors_place p = (*index)[i];
    if (i < 100) must(index->find(p.tensor)->shard == p.shard);
    const auto [first, end] = index->places_of(p.shard);
    must(first <= i && i < end);
    if (i != first) {
      must((*index)[i - 1].tensor < p.tensor && (*index)[i - 1].shard == p.shard);
      continue;
    }
    must(i == 0 || (*index)[i - 1].shard < p.shard);
    const std::string name(p.shard);
    const std::filesystem::path path = folder / name;
    must(path.parent_path() == folder && path.lexically_normal() == path && path.native() == "/folder/" + name);
    must(!index->try_match({}, p.shard));  // a shard of the index has a tensor
  }
  return 0;
}
