// Packed matrices in safetensors: written, viewed and read, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/packed_tensors.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/folder.hpp"
#include "io/shards.hpp"
#include "quern/catalog/bnb.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/catalog/hqq.hpp"
#include "quern/storage/tiled.hpp"

namespace {

using namespace quern;
using support::bytes_of;
using support::text_of;

using q4 = codec<offset_integer<4>, levels<group<32, f16>>>;
// The same name for two formats.
struct mine : q4 {
  static constexpr const char* name = "mine.q4";
};
struct other : codec<offset_integer<4>, levels<group<64, f16>>> {
  static constexpr const char* name = "mine.q4";
};
// Scales and offsets in one array, and one of padding.
using pairs = codec<unsigned_integer<4>, levels<group<32, f16>>, minimum<group<32, f16>>,
                    separate<array<unit<1, 2>, by_rows, stream<codes>>,
                             array<unit<1, 32>, by_rows, shared<1, strided<nothing, 8, 0, 0>>>,
                             array<unit<1, 32>, by_rows, stream<scale<>>, stream<offset<>>>>>;

// Every byte its number, so that arrays are told apart.
template <class C>
packed<C> filled(std::size_t rows, std::size_t cols) {
  packed<C> w(rows, cols);
  unsigned n = 1;
  for (std::size_t i = 0; i < C::layout::arrays; ++i)
    for (std::byte& b : w.array(i)) b = static_cast<std::byte>(n++ * 37);
  return w;
}
template <class W, class V>
bool same_bytes(const W& a, const V& b) {
  for (std::size_t i = 0; i < W::codec_type::layout::arrays; ++i)
    if (text_of(a.array(i)) != text_of(b.array(i))) return false;
  return a.rows() == b.rows() && a.cols() == b.cols();
}
template <class C>
void write(const support::folder& here, const std::string& name, const packed<C>& w) {
  io::safetensors_contents c;
  io::add_packed<C>(c, name, w.rows(), w.cols());
  auto out = io::safetensors_writer::create(here / "m", c);
  io::write_packed(out, name, w);
  out.commit();
}

TEST_CASE_TEMPLATE("a matrix is read as it was written", C, q4, mine, gguf::q4_0, gguf::q6_k, bnb::nf4, bnb::nf4_double,
                   hqq::axis1<4>, tiled<gguf::q4_0>, pairs) {
  const support::folder here;
  const packed<C> w = filled<C>(1, 2048);
  write(here, "layer.0.weight", w);
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto f = io::safetensors_file::open(here / "m", how);
    CHECK(io::packed_names(f) == std::vector<std::string_view>{"layer.0.weight"});
    const io::packed_matrix m = io::find_packed(f, "layer.0.weight");
    CHECK(m.codec == name<C>);
    CHECK(m.rows == 1);
    CHECK(m.cols == 2048);
    CHECK(f.tensors().size() == C::layout::arrays);
    CHECK(same_bytes(io::read_packed<C>(f, "layer.0.weight"), w));
    if (how == io::access::mapped) {
      CHECK(same_bytes(io::view_packed<C>(f, "layer.0.weight"), w));
    } else {
      const auto view = io::try_view_packed<C>(f, "layer.0.weight");
      REQUIRE(!view);
      CHECK(std::string(view.error().what) == "the file is not mapped, its matrices can only be read");
    }
  }
}

TEST_CASE("arrays are named after what they hold") {
  CHECK(io::packed_tensor_name<gguf::q4_0, 0>("w") == "w.packed");
  CHECK(io::packed_tensor_name<q4, 0>("w") == "w.codes");
  CHECK(io::packed_tensor_name<q4, 1>("w") == "w.scales");
  CHECK(io::packed_tensor_name<hqq::axis1<4>, 2>("w") == "w.offsets");
  CHECK(io::packed_suffix<bnb::nf4_double, 1>() == "scales1");
  CHECK(io::packed_suffix<pairs, 1>() == "padding1");
  CHECK(io::packed_suffix<pairs, 2>() == "scales_offsets");
}

TEST_CASE("several matrices, and tensors that are not packed") {
  const support::folder here;
  const packed<q4> a = filled<q4>(3, 40), empty(0, 0);
  const packed<gguf::q4_0> b = filled<gguf::q4_0>(2, 64);
  io::safetensors_contents c;
  io::add_packed<q4>(c, "a", 3, 40);
  io::add_packed<q4>(c, "a.codes", 3, 40);
  io::add_packed<gguf::q4_0>(c, "b", 2, 64);
  io::add_packed<q4>(c, "empty", 0, 0);
  c.add("norm", io::safetensors_dtype::f32, {1});
  auto out = io::safetensors_writer::create(here / "m", c);
  out.write("norm", bytes_of("1234"));
  io::write_packed(out, "a", a);
  io::write_packed(out, "a.codes", a);
  io::write_packed(out, "b", b);
  io::write_packed(out, "empty", empty);
  out.commit();
  const auto f = io::safetensors_file::open(here / "m");
  CHECK(io::packed_names(f) == std::vector<std::string_view>{"a", "a.codes", "b", "empty"});
  CHECK(same_bytes(io::view_packed<q4>(f, "a"), a));
  CHECK(same_bytes(io::view_packed<q4>(f, "a.codes"), a));
  CHECK(same_bytes(io::view_packed<gguf::q4_0>(f, "b"), b));
  CHECK(io::view_packed<q4>(f, "empty").rows() == 0);
  CHECK(io::read_packed<q4>(f, "empty").cols() == 0);
  CHECK_THROWS_AS(io::view_packed<q4>(f, "norm"), io::file_error);
  CHECK(f.metadata().size() == 4 + 2);  // a description for each codec, not each matrix
}

TEST_CASE_TEMPLATE("a matrix is read whose arrays lie in several files", C, q4, bnb::nf4_double, hqq::axis1<4>, pairs) {
  const support::folder here;
  const packed<C> w = filled<C>(1, 2048);
  write(here, "w", w);
  const auto one = io::safetensors_file::open(here / "m");
  // A file for each array; what is said of the matrix stands beside its codes.
  const auto file = [](std::string_view name) { return "m-" + std::string(name); };
  support::write_shards(here, one, file, support::all_in(file("w.codes")));
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto model = io::safetensors_shards::open(here / "m.json", how);
    CHECK(model.files().size() == C::layout::arrays);
    CHECK(io::packed_names(model) == std::vector<std::string_view>{"w"});
    CHECK(io::find_packed(model, "w").codec == name<C>);
    CHECK(same_bytes(io::read_packed<C>(model, "w"), w));
    const auto view = io::try_view_packed<C>(model, "w");
    CHECK(view.has_value() == (how == io::access::mapped));
    if (view) CHECK(same_bytes(*view, w));
    else CHECK(std::string(view.error().what) == "the file is not mapped, its matrices can only be read");
  }
}

TEST_CASE("what several files say of a matrix") {
  const support::folder here;
  write(here, "w", filled<mine>(2, 64));
  const auto one = io::safetensors_file::open(here / "m");
  const std::string key = "quern.matrix:w", codec = "quern.codec:mine.q4";
  using say = std::function<void(const std::string&, io::safetensors_contents&)>;
  const auto rule = [&](const support::which_shard& of_tensor, const support::which_shard& of_key,
                        const say& more = {}) {
    support::write_shards(here, one, of_tensor, of_key, more);
    const auto model = io::safetensors_shards::open(here / "m.json");
    const auto view = io::try_view_packed<mine>(model, "w");
    const auto read = io::try_read_packed<mine>(model, "w");
    REQUIRE(view.has_value() == read.has_value());
    if (view) {
      CHECK(io::packed_names(model) == std::vector<std::string_view>{"w"});
      return std::string();
    }
    CHECK(view.error().text() == read.error().text());
    return view.error().text().substr(here.path().native().size() + 1);
  };
  const auto also = [](const std::string& what, const std::string& said) -> say {
    return [=](const std::string& shard, io::safetensors_contents& c) {
      if (shard == "second") c.add_metadata(what, said);
    };
  };
  const auto apart = support::second_has("scales");
  CHECK(rule(apart, support::all_in("first")) == "");
  CHECK(rule(apart, support::second_has(":w")) == "");
  CHECK(rule(apart, support::all_in("first"), also(key, "1 2 64 mine.q4")) == "");
  CHECK(rule(apart, support::all_in("first"), also(codec, describe<mine>())) == "");
  CHECK(rule(apart, support::all_in("first"), also(key, "1 4 32 mine.q4")) ==
        "second, metadata " + key + ": two files of a model say different things");
  CHECK(rule(apart, support::all_in("first"), also(codec, describe<other>())) ==
        "second, metadata " + codec + ": two files of a model say different things");
  CHECK(rule(apart, support::all_in("")) == "m.json, matrix w: there is no such packed matrix");
  CHECK(rule(apart, [&](std::string_view k) { return k == key ? "first" : ""; }) ==
        "m.json, matrix w, codec mine.q4: the file does not describe the codec");
  CHECK(rule([](std::string_view t) { return t == "w.scales" ? "" : "first"; }, support::all_in("first")) ==
        "m.json, matrix w, tensor w.scales: the matrix has no such tensor");
}

TEST_CASE("what does not fit is not written") {
  const support::folder here;
  const auto rule = [](const io::result<void>& r) { return std::string(r ? "" : r.error().what); };
  io::safetensors_contents c;
  io::add_packed<mine>(c, "a", 4, 64);
  CHECK(rule(io::try_add_packed<mine>(c, "a", 4, 64)) == "a key stands twice");
  CHECK(rule(io::try_add_packed<other>(c, "b", 4, 64)) == "two codecs have one name");
  CHECK(rule(io::try_add_packed<mine>(c, "b", SIZE_MAX, 64)) == "rows x cols overflows");
  CHECK(rule(io::try_add_packed<mine>(c, "\xff", 4, 64)) == "a text is not UTF-8");
  c.add("c.codes", io::safetensors_dtype::u8, {0});
  CHECK(rule(io::try_add_packed<mine>(c, "c", 4, 64)) == "two tensors have one name");

  io::safetensors_contents one;
  io::add_packed<mine>(one, "a", 4, 64);
  auto out = io::safetensors_writer::create(here / "m", one);
  const packed<mine> w = filled<mine>(4, 64), turned = filled<mine>(8, 32);
  const std::string undeclared = "the matrix was not declared, or with another codec or shape";
  CHECK(rule(io::try_write_packed(out, "b", w)) == undeclared);
  CHECK(rule(io::try_write_packed(out, "a", turned)) == undeclared);
  CHECK(rule(io::try_write_packed(out, "a", packed_view<q4>(w.view()))) == undeclared);
  CHECK(rule(io::try_write_packed(out, "a", w.view().rows(0, 2))) ==
        "some rows of a matrix are not written; give it whole");
  CHECK(rule(io::try_write_packed(out, "a", w)) == "");
  CHECK(rule(io::try_write_packed(out, "a", w)) == "the tensor is already written");
  CHECK(rule(out.try_commit()) == "");
}

// A file that says of "w" what `text` says, of the codec what `format` says, and has the tensors of q4 as given.
struct said {
  std::string text = "1 2 64 mine.q4", format = describe<mine>();
  io::safetensors_dtype dtype = io::safetensors_dtype::u8;
  std::uint64_t codes = 64, scales = 8;
};
std::string rule_of(const said& s) {
  const support::folder here;
  io::safetensors_contents c;
  if (!s.text.empty()) c.add_metadata("quern.matrix:w", s.text);
  if (!s.format.empty()) c.add_metadata("quern.codec:mine.q4", s.format);
  if (s.codes != 0) c.add("w.codes", s.dtype, {s.codes});
  c.add("w.scales", io::safetensors_dtype::u8, {s.scales});
  auto out = io::safetensors_writer::create(here / "m", c);
  for (const io::safetensors_declaration& t : out.contents().tensors())
    out.write(t.name, bytes_of(std::string(static_cast<std::size_t>(t.bytes), 'a')));
  out.commit();
  const auto f = io::safetensors_file::open(here / "m");
  const auto view = io::try_view_packed<mine>(f, "w");
  const auto read = io::try_read_packed<mine>(f, "w");
  CHECK(view.has_value() == read.has_value());
  if (!view) CHECK(view.error().text() == read.error().text());
  return view ? "" : view.error().what;
}

TEST_CASE("what a file says is checked before it is believed") {
  CHECK(rule_of({}) == "");
  const std::string unclear = "the metadata of a packed matrix is not \"1 ROWS COLS CODEC\"";
  CHECK(rule_of({.text = ""}) == "there is no such packed matrix");
  for (const std::string text :
       {" ", "1", "1 ", "1 2", "1 2 ", "1 2 64", " 1 2 64 mine.q4", "1  2 64 mine.q4", "1 -2 64 mine.q4",
        "1 2.0 64 mine.q4", "1 0x2 64 mine.q4", "1 2 18446744073709551616 mine.q4", "mine.q4"}) {
    CAPTURE(text);
    CHECK(rule_of({.text = text}) == unclear);
  }
  CHECK(rule_of({.text = "2 2 64 mine.q4"}) == "unknown version of packed matrices");
  CHECK(rule_of({.text = "0 2 64 mine.q4"}) == "unknown version of packed matrices");
  CHECK(rule_of({.text = "1 2 64 mine.q5"}) == "the matrix is of another codec");
  CHECK(rule_of({.text = "1 2 64 "}) == "the matrix is of another codec");
  CHECK(rule_of({.text = "1 2 64 mine.q4 "}) == "the matrix is of another codec");
  CHECK(rule_of({.format = ""}) == "the file does not describe the codec");
  CHECK(rule_of({.format = describe<other>()}) == "the file means another format by the name of the codec");
  CHECK(rule_of({.format = describe<mine>() + " "}) == "the file means another format by the name of the codec");
  CHECK(rule_of({.text = "1 18446744073709551615 18446744073709551615 mine.q4"}) == "rows x cols overflows");
  CHECK(rule_of({.text = "1 1099511627776 64 mine.q4"}) == "the tensor does not have the bytes of the matrix");
  CHECK(rule_of({.text = "1 4 64 mine.q4"}) == "the tensor does not have the bytes of the matrix");
  CHECK(rule_of({.codes = 0}) == "the matrix has no such tensor");
  CHECK(rule_of({.codes = 63}) == "the tensor does not have the bytes of the matrix");
  CHECK(rule_of({.scales = 9}) == "the tensor does not have the bytes of the matrix");
  CHECK(rule_of({.dtype = io::safetensors_dtype::i8}) == "the tensor is not of bytes, U8");
}

TEST_CASE("a shape that the codec refuses is refused") {
  const support::folder here;
  io::safetensors_contents c;
  c.add_metadata("quern.matrix:w", "1 1 40 gguf.q4_0");
  c.add_metadata("quern.codec:gguf.q4_0", describe<gguf::q4_0>());
  c.add("w.packed", io::safetensors_dtype::u8, {36});
  auto out = io::safetensors_writer::create(here / "m", c);
  out.write("w.packed", bytes_of(std::string(36, 'a')));
  out.commit();
  const auto f = io::safetensors_file::open(here / "m");
  const auto view = io::try_view_packed<gguf::q4_0>(f, "w");
  const auto read = io::try_read_packed<gguf::q4_0>(f, "w");
  REQUIRE(!view);
  REQUIRE(!read);
  CHECK(std::string(view.error().what) == "a row of this format is whole blocks");
  CHECK(std::string(read.error().what) == "a row of this format is whole blocks");
  CHECK(view.error().where.ends_with("/m, matrix w"));
}

}  // namespace
