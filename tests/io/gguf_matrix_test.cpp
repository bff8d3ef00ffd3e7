// Tensors of GGUF files as matrices of codecs. No kernels run: the codec of this test says what it is and no more.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/gguf_matrix.hpp"

#include <doctest/doctest.h>

#include <string>

#include "io/folder.hpp"
#include "io/gguf_bytes.hpp"
#include "quern/catalog/gguf.hpp"

namespace {

struct eight_bits : quern::gguf::q8_0 {
  static constexpr const char* name = "test.eight_bits";
};
struct formats : quern::type_list<eight_bits> {};

constexpr quern::any_operations ops{&quern::any_codec_operations<eight_bits>::name,
                                    1,
                                    false,
                                    &quern::any_codec_operations<eight_bits>::check,
                                    nullptr,
                                    nullptr,
                                    nullptr,
                                    nullptr,
                                    nullptr};

}  // namespace

template <>
const quern::any_operations& quern::any_operations_of<eight_bits>() noexcept {
  return ops;
}

namespace {

using namespace quern;
using namespace support;

TEST_CASE("a tensor is a matrix of its type's codec, with all other dimensions as rows") {
  const folder here;
  here.write("m.gguf", small_gguf().text());
  for (const io::access how : {io::access::mapped, io::access::read}) {
    const auto f = io::gguf_file::open(here / "m.gguf", how);
    aligned_bytes room;
    const auto m = io::try_matrix<formats>(f, *f.find_tensor("w.q8_0"), room);
    REQUIRE(m);
    CHECK(m->name() == "test.eight_bits");
    CHECK(m->rows() == 2);
    CHECK(m->cols() == 64);
    CHECK(m->bytes() == 136);
    CHECK(m->array(0)[0] == std::byte{32});
    CHECK(io::matrix<formats>(f, *f.find_tensor("w.q8_0"), room).rows() == 2);
  }
}

TEST_CASE("a tensor of a type that no codec of the list has is refused by name") {
  const folder here;
  here.write("m.gguf", small_gguf().text());
  const auto f = io::gguf_file::open(here / "m.gguf");
  aligned_bytes room;
  const auto m = io::try_matrix<formats>(f, *f.find_tensor("w.i8"), room);
  REQUIRE(!m);
  CHECK(std::string(m.error().what) == "no codec of the list has this GGUF id");
  CHECK(m.error().where == f.file_name() + ", tensor w.i8");
  CHECK(m.error().value == type_i8);
  io::gguf_tensor forged = *f.find_tensor("w.q8_0");
  forged.bytes -= 34;
  CHECK(!io::try_matrix<formats>(f, forged, room));
  forged.bytes = ~std::uint64_t{0};
  CHECK_THROWS_AS(io::matrix<formats>(f, forged, room), io::file_error);
}

}  // namespace
