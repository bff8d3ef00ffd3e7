// From names and GGUF ids to codecs.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/visit.hpp"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>

#include "quern/storage/sizes.hpp"

using namespace quern;

namespace {

struct mine
    : codec<unsigned_integer<4>, levels<group<48, f16>>, symmetric, blocked<48, stream<scale<>>, stream<codes>>> {
  static constexpr const char* name = "mine.u4_48";
};
struct mine_in_files : mine {
  static constexpr const char* name = "mine.u4_48_file";
  static constexpr int gguf_id = 1000;
};
struct formats : concat<catalog, type_list<mine, mine_in_files>>::type {};

// The same name, or the same id, twice.
struct also_mine : codec<unsigned_integer<4>, levels<group<64, f16>>> {
  static constexpr const char* name = "mine.u4_48";
  static constexpr int gguf_id = 1000;
};
static_assert(names_differ<catalog> && gguf_ids_differ<catalog>);
static_assert(names_differ<formats> && gguf_ids_differ<formats>);
static_assert(!names_differ<type_list<mine, also_mine>> && !gguf_ids_differ<type_list<mine_in_files, also_mine>>);

template <class C>
constexpr auto is = []<class Found>() {
  if (!std::is_same_v<C, Found>) throw "the visited codec is another one";
};
static_assert(visit("gguf.q4_k", is<gguf::q4_k>) && visit("bnb.nf4", is<bnb::nf4>) &&
              visit("gptq.v1_4bit_g128", is<gptq::v1<4>>));
static_assert(visit(12, is<gguf::q4_k>) && visit(39u, is<gguf::mxfp4>) && visit(0, is<gguf::f32>));
static_assert(visit<formats>("mine.u4_48", is<mine>) && visit<formats>(1000, is<mine_in_files>));
static_assert(visit<formats>("gguf.q4_k", is<gguf::q4_k>));

struct counter {
  int calls = 0;
  template <class C>
  int operator()() {
    return ++calls;
  }
};

constexpr auto never = []<class>() { throw "nothing is to be visited"; };
static_assert(!visit("gguf.q4_2", never) && !visit("", never) && !visit("mine.u4_48", never));
static_assert(!visit(4, never) && !visit(-1, never) && !visit(std::uint64_t{1} << 40, never));

}  // namespace

// Tells types apart at run time, and so lets one visitor serve for all: a visit compiles a call for each codec.
template <class C>
constexpr char identity = 0;

TEST_CASE("every preset is found by its name, and by its id") {
  const void* found = nullptr;
  const auto visitor = [&]<class Found>() { found = &identity<Found>; };
  std::size_t n = 0;
  for_each_type(catalog{}, [&]<class C>() {
    CAPTURE(C::name);
    found = nullptr;
    CHECK(visit(std::string(C::name), visitor));
    CHECK(found == &identity<C>);
    if constexpr (numbered_codec<C>) {
      found = nullptr;
      CHECK(visit(C::gguf_id, visitor));
      CHECK(found == &identity<C>);
    }
    ++n;
  });
  CHECK(n == catalog::size);
}

TEST_CASE("a visitor may return something, which is ignored, and may have state") {
  counter count;
  CHECK(visit("mx.mxfp4", count));
  CHECK_FALSE(visit("mx.mxfp5", count));
  CHECK(count.calls == 1);
}
