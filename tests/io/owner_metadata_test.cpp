// What files say of matrices under owners' names: written, read, and refused where it does not hold.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/owner_metadata.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "io/folder.hpp"
#include "io/owner.hpp"
#include "io/shards.hpp"

namespace {

using namespace quern;
using support::encoded;
using int4 = compressed_tensors::pack_quantized<4>;

// A file of one matrix; `say` adds metadata.
template <class P>
void write(const std::filesystem::path& path, const packed<P>& w,
           const std::function<void(io::safetensors_contents&)>& say) {
  support::write_owner<P>(path, "m.weight", w, {0, 0}, say);
}
template <class P>
std::string rule_of(const io::safetensors_file& f) {
  const auto r = io::try_find_described_owner<P>(f, "m.weight");
  return r ? "" : r.error().what;
}

TEST_CASE("a matrix is found without being told its codec") {
  const support::folder here;
  const packed<int4> a = encoded<int4>(3, 128);
  const packed<mlx::affine<4>> b = encoded<mlx::affine<4>>(2, 128);
  io::safetensors_contents c;
  io::add_owner<int4>(c, "a.weight", 3, 128);
  io::add_owner<mlx::affine<4>>(c, "b.weight", 2, 128);
  io::add_owner_metadata<mlx::affine<4>>(c, "b.weight", 2, 128);
  io::add_owner_metadata<int4>(c, "a.weight", 3, 128);
  auto out = io::safetensors_writer::create(here / "m", c);
  io::write_owner<int4>(out, "a.weight", a);  // tensors of several matrices: in any order
  io::write_owner<mlx::affine<4>>(out, "b.weight", b);
  out.commit();

  const auto f = io::safetensors_file::open(here / "m");
  CHECK(io::owner_names(f) == std::vector<std::string_view>{"a.weight", "b.weight"});
  CHECK(io::packed_names(f).empty());
  const io::packed_matrix said = io::find_owner_metadata(f, "b.weight");
  CHECK(said.codec == name<mlx::affine<4>>);
  CHECK(said.rows == 2);
  CHECK(said.cols == 128);
  CHECK(io::find_described_owner<int4>(f, "a.weight").shapes.matrix == shape{3, 128});
  CHECK(io::find_described_owner<mlx::affine<4>>(f, "b.weight").shapes.matrix == shape{2, 128});
  // Which the tensors alone do not tell apart.
  CHECK(io::find_owner<mlx::affine<8, 32>>(f, "b.weight").shapes.matrix == shape{2, 64});
  CHECK(std::string(io::try_find_described_owner<mlx::affine<8, 32>>(f, "b.weight").error().what) ==
        "the matrix is of another codec");
  const packed<int4> read = io::read_owner<int4>(f, "a.weight");
  CHECK(support::same_bytes(read, a));
}

TEST_CASE("what does not hold is refused") {
  const support::folder here;
  const packed<int4> w = encoded<int4>(3, 128);
  const std::string codec(name<int4>), key = "quern.owner:m.weight", described = "quern.codec:" + codec;
  const auto rule = [&](const std::function<void(io::safetensors_contents&)>& say) {
    write(here / "m", w, say);
    return rule_of<int4>(io::safetensors_file::open(here / "m"));
  };
  const auto text = [&](const std::string& value, const std::string& description = describe<int4>()) {
    return rule([&](io::safetensors_contents& c) {
      c.add_metadata(key, value);
      c.add_metadata(described, description);
    });
  };
  CHECK(rule([](auto& c) { io::add_owner_metadata<int4>(c, "m.weight", 3, 128); }) == "");
  CHECK(rule([](auto&) {}) == "there is no such packed matrix");
  CHECK(rule([&](auto& c) { c.add_metadata(key, "1 3 128 " + codec); }) == "the file does not describe the codec");
  CHECK(text("1 3 128 " + codec) == "");
  CHECK(text("1 3 128 " + codec, describe<int4>() + ".") == "the file means another format by the name of the codec");
  CHECK(text("2 3 128 " + codec) == "unknown version of packed matrices");
  CHECK(text("1 3 128") == "the metadata of a packed matrix is not \"1 ROWS COLS CODEC\"");
  CHECK(text("1 3 128 other") == "the matrix is of another codec");
  CHECK(text("1 4 128 " + codec) == "the tensors are of another shape than the metadata say");
  CHECK(text("1 3 256 " + codec) == "the tensors are of another shape than the metadata say");

  io::safetensors_contents c;
  CHECK(std::string(io::try_add_owner_metadata<int4>(c, "m", 3, 128).error().what) ==
        "the name of a matrix ends with .weight");
  c.add_metadata(described, "another");
  CHECK(std::string(io::try_add_owner_metadata<int4>(c, "m.weight", 3, 128).error().what) ==
        "two codecs have one name");
  CHECK_THROWS_AS(io::add_owner_metadata<int4>(c, "m.weight", 3, 128), io::file_error);
}

TEST_CASE("matrices of a model of several files") {
  const support::folder here;
  const packed<int4> w = encoded<int4>(3, 128);
  write(here / "one", w, [](auto& c) { io::add_owner_metadata<int4>(c, "m.weight", 3, 128); });
  const auto one = io::safetensors_file::open(here / "one");
  const std::string codec = "quern.codec:" + std::string(name<int4>), key = "quern.owner:m.weight";
  const auto rule = [&](const support::which_shard& of_key, const std::string& second, const std::string& said) {
    support::write_shards(here, one, support::second_has("_scale"), of_key, [&](const std::string& shard, auto& c) {
      if (shard == "second" && !second.empty()) c.add_metadata(second, said);
    });
    const auto model = io::safetensors_shards::open(here / "m.json");
    const auto found = io::try_find_described_owner<int4>(model, "m.weight");
    if (!found) return std::string(found.error().what);
    CHECK(io::owner_names(model) == std::vector<std::string_view>{"m.weight"});
    CHECK(support::same_bytes(io::read_owner<int4>(model, "m.weight"), w));
    return std::string();
  };
  CHECK(rule(support::all_in("first"), "", "") == "");
  CHECK(rule(support::all_in("second"), "", "") == "");
  CHECK(rule(support::second_has("m.weight"), "", "") == "");
  CHECK(rule(support::all_in(""), "", "") == "there is no such packed matrix");
  // Both say it: the same, or not.
  const std::string differ = "two files of a model say different things";
  CHECK(rule(support::all_in("first"), key, "1 3 128 " + std::string(name<int4>)) == "");
  CHECK(rule(support::all_in("first"), key, "1 3 128 other") == differ);
  CHECK(rule(support::all_in("first"), codec, describe<int4>()) == "");
  CHECK(rule(support::all_in("first"), codec, "other") == differ);
}

TEST_CASE("tensors that are not there") {
  const support::folder here;
  io::safetensors_contents c;
  io::add_owner_metadata<int4>(c, "m.weight", 3, 128);
  io::safetensors_writer::create(here / "m", c).commit();
  CHECK(rule_of<int4>(io::safetensors_file::open(here / "m")) == "the matrix has no such tensor");
}

}  // namespace
