// Packed matrices of safetensors by the name of their codec.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/any_tensors.hpp"

#include <doctest/doctest.h>

#include <string>

#include "io/folder.hpp"
#include "io/shards.hpp"

namespace {

using namespace quern;
using support::text_of;

struct one : codec<offset_integer<4>, levels<group<32, f16>>> {
  static constexpr const char* name = "mine.one";
};
struct two : codec<unsigned_integer<8>, levels<group<64, f16>>> {
  static constexpr const char* name = "mine.two";
};
using formats = type_list<one, two>;

}  // namespace

// Views without kernels: nothing is computed here.
namespace quern::inline v0 {
template <class C>
inline constexpr any_operations bytes_only{&any_codec_operations<C>::name,  C::layout::arrays, false,
                                           &any_codec_operations<C>::check, nullptr,           nullptr,
                                           nullptr,                         nullptr,           nullptr};
template <>
const any_operations& any_operations_of<one>() noexcept {
  return bytes_only<one>;
}
template <>
const any_operations& any_operations_of<two>() noexcept {
  return bytes_only<two>;
}
}  // namespace quern::inline v0

namespace {

TEST_CASE("a matrix is found by the codec that the file names") {
  const support::folder here;
  packed<one> a(2, 64);
  packed<two> b(3, 64);
  for (std::byte& x : b.array(0)) x = std::byte{7};
  {
    io::safetensors_contents c;
    io::add_any<formats>(c, "a", a);
    io::add_any<formats>(c, "b", b);
    auto out = io::safetensors_writer::create(here / "m", c);
    io::write_any<formats>(out, "a", a);
    io::write_any<formats>(out, "b", b);
    out.commit();
  }
  const auto f = io::safetensors_file::open(here / "m");
  const any_view v = io::view_any<formats>(f, "b");
  CHECK(v.name() == "mine.two");
  CHECK(v.rows() == 3);
  CHECK(v.cols() == 64);
  CHECK(text_of(v.array(0)) == text_of(b.array(0)));
  CHECK(io::view_any<formats>(f, "a").name() == "mine.one");
  const any_packed p = io::read_any<formats>(io::safetensors_file::open(here / "m", io::access::read), "b");
  CHECK(text_of(p->array(0)) == text_of(b.array(0)));

  const auto missing = io::try_view_any<formats>(f, "c");
  REQUIRE(!missing);
  CHECK(std::string(missing.error().what) == "there is no such packed matrix");
  const auto unknown = io::try_view_any<type_list<one>>(f, "b");
  REQUIRE(!unknown);
  CHECK(std::string(unknown.error().what) == "no codec of the list has this name");
  CHECK(unknown.error().where.ends_with("/m, matrix b, codec mine.two"));
  CHECK(!io::try_read_any<type_list<one>>(f, "b"));

  // Of a model of two files, in both of which a matrix lies.
  support::write_shards(here, f, support::second_has("b.codes"), support::all_in("first"));
  const auto model = io::safetensors_shards::open(here / "m.json");
  CHECK(text_of(io::view_any<formats>(model, "b").array(0)) == text_of(b.array(0)));
  CHECK(text_of(io::read_any<formats>(model, "b")->array(0)) == text_of(b.array(0)));
  CHECK(io::try_view_any<formats>(model, "c").error().where.ends_with("/m.json, matrix c"));
}

TEST_CASE("a view is written whole, and of a codec of the list") {
  const support::folder here;
  packed<two> b(4, 64);
  io::safetensors_contents c;
  const auto rule = [](const io::result<void>& r) { return std::string(r ? "" : r.error().what); };
  CHECK(rule(io::try_add_any<type_list<one>>(c, "b", b)) == "no codec of the list has this name");
  CHECK(rule(io::try_add_any<formats>(c, "b", any_view())) == "no codec of the list has this name");
  io::add_any<formats>(c, "b", b);
  auto out = io::safetensors_writer::create(here / "m", c);
  CHECK(rule(io::try_write_any<formats>(out, "b", *any_view(b).try_rows(0, 2))) ==
        "some rows of a matrix are not written; give it whole");
  CHECK(rule(io::try_write_any<formats>(out, "b", any_view())) == "no codec of the list has this name");
  CHECK(rule(io::try_write_any<formats>(out, "b", b)) == "");
  CHECK(rule(out.try_commit()) == "");
}

}  // namespace
