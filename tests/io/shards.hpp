// Safetensors files spread over several, with their index.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/folder.hpp"
#include "quern/io/safetensors_reader.hpp"
#include "quern/io/safetensors_writer.hpp"

namespace support {

// Which file of the folder gets a tensor, or an entry of metadata: "" leaves it out.
using which_shard = std::function<std::string(std::string_view)>;

// The tensors and the metadata of `from`, in files of the folder, of which m.json is the index. say: adds what else the
// files say.
inline void write_shards(const folder& here, const quern::io::safetensors_file& from, const which_shard& of_tensor,
                         const which_shard& of_key,
                         const std::function<void(const std::string&, quern::io::safetensors_contents&)>& say = {}) {
  namespace io = quern::io;
  std::map<std::string, io::safetensors_contents> shards;
  std::string places;
  for (const io::safetensors_tensor& t : from.tensors()) {
    const std::string shard = of_tensor(t.name);
    if (shard.empty()) continue;
    shards[shard].add(t.name, t.dtype, std::vector<std::uint64_t>(t.shape.begin(), t.shape.end()));
    places += places.empty() ? "" : ",";
    REQUIRE(io::try_put_json_string(places, t.name));
    places += ":\"" + shard + "\"";
  }
  for (const io::safetensors_metadata& m : from.metadata())
    if (const std::string shard = of_key(m.key); !shard.empty()) shards.at(shard).add_metadata(m.key, m.value);
  for (auto& [shard, contents] : shards) {
    if (say) say(shard, contents);
    auto out = io::safetensors_writer::create(here / shard, contents);
    for (const io::safetensors_declaration& t : out.contents().tensors()) {
      quern::aligned_bytes room;
      out.write(t.name, from.view(from.at(t.name), room));
    }
    out.commit();
  }
  here.write("m.json", "{\"weight_map\":{" + places + "}}");
}
// All in one of them.
inline which_shard all_in(const std::string& shard) {
  return [=](std::string_view) { return shard; };
}
// What ends so in the second, all else in the first.
inline which_shard second_has(const std::string& end) {
  return [=](std::string_view name) { return name.ends_with(end) ? "second" : "first"; };
}

}  // namespace support
