// Names: a preset's own, else the shortest declaration; the same text under every compiler.
// SPDX-License-Identifier: Apache-2.0
#include "quern/codec/name.hpp"

#include <doctest/doctest.h>

#include <string>

#include "quern/catalog/gguf.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/f32.hpp"
#include "quern/storage/tiled.hpp"

namespace mill {
// A user's policies.
inline constexpr std::array<float, 4> quarters{-1, -0.25f, 0.25f, 1};
struct log4 {
  static constexpr unsigned bits = 4;
  static constexpr float value(std::uint32_t code) { return quern::exp2i(static_cast<int>(code)); }
};
template <int Steps, class Base>
struct shifted : Base {};
template <int Steps = 3>
struct named : log4 {
  static constexpr std::string_view name = Steps == 3 ? "mill::named" : "mill::named with steps";
};
}  // namespace mill

namespace {
using namespace quern;
struct local : mill::log4 {};

// ---- presets ----

static_assert(name<gguf::q4_k> == "gguf.q4_k");
static_assert(name<gguf::f32> == "gguf.f32");

// ---- numbers ----

static_assert(name<f32> == "f32" && name<e8m0> == "e8m0" && name<f16> == "f16" && name<bf16> == "bf16");
static_assert(name<e4m3> == "e4m3" && name<e4m3_nan> == "e4m3_nan" && name<ue4m3> == "ue4m3" && name<e2m1> == "e2m1");
static_assert(name<minifloat<4, 3, 8>> == "minifloat<4, 3, 8>");
static_assert(name<minifloat<4, 3, 8, special::nan>> == "minifloat<4, 3, 8, special::nan>");
static_assert(name<minifloat<5, 2, 16, special::ieee, overflow::nan>> ==
              "minifloat<5, 2, 16, special::ieee, overflow::nan>");
static_assert(name<minifloat<5, 3, 15, special::none, overflow::saturate, false>> ==
              "minifloat<5, 3, 15, special::none, overflow::saturate, false>");
static_assert(name<offset_integer<4>> == "offset_integer<4>" && name<unsigned_integer<16>> == "unsigned_integer<16>");
static_assert(name<ternary> == "ternary" && name<binary> == "binary" && name<odd<3>> == "odd<3>");
static_assert(name<progression<8, 1, -128, 64>> == "progression<8, 1, -128, 64>");
static_assert(name<progression<2, 1, -1, 1>> == "ternary" && name<progression<4, 3, 0>> == "progression<4, 3, 0>");
static_assert(name<integer<8>> == "integer<8>");
static_assert(name<gguf::nl> == "codebook<gguf::nl_values>");
static_assert(name<gguf::iq3_xxs::number> == "grid<gguf::iq3xxs_points, gguf::iq3xxs_levels, 4, signs::even, 2>");
static_assert(name<gguf::iq1_grid> == "grid<gguf::iq1s_points, gguf::iq1_levels, 8, signs::none>");
static_assert(name<gguf::e8m0_half> == "gguf::e8m0_half");

// ---- a user's own ----

static_assert(name<mill::log4> == "mill::log4");
static_assert(name<codebook<mill::quarters>> == "codebook<mill::quarters>");
static_assert(name<mill::shifted<-3, mill::log4>> == "mill::shifted<-3, mill::log4>");
static_assert(name<mill::named<>> == "mill::named" && name<mill::named<4>> == "mill::named with steps");
static_assert(name<local> == "local");

// ---- granularities, symmetries ----

static_assert(name<levels<>> == "levels<>" && name<symmetric> == "symmetric");
static_assert(name<levels<group<16, e4m3>, tensor<f32>>> == "levels<group<16, e4m3>, tensor<f32>>");
static_assert(name<levels<plus<tensor<f32>>, channel<f16>>> == "levels<plus<tensor<f32>>, channel<f16>>");
static_assert(name<block<128, 128, f32>> == "block<128, 128, f32>" && name<block<all, 1, f16>> == "block<all, 1, f16>");
static_assert(name<zero_point<group<64, unsigned_integer<4>>>> == "zero_point<group<64, unsigned_integer<4>>>");
static_assert(name<minimum<group<8, f16>>> == "minimum<group<8, f16>>" &&
              name<bias<group<8, f16>>> == "bias<group<8, f16>>");

// ---- layouts and codecs ----

static_assert(name<stream<scale<>>> == "stream<scale<0>>" && name<stream<codes, 0, 4>> == "stream<codes, 0, 4>");
static_assert(name<plane<codes, 2, all>> == "plane<codes, 2, all>" &&
              name<plane<codes, 1, 32, 2>> == "plane<codes, 1, 32, 2>");
static_assert(name<section<160, 80, trits<codes, 16>>> == "section<160, 80, trits<codes, 16>>");
static_assert(name<strided<offset<3>, 2, 0, 6, axis<32, 8>, axis<4, std::size_t(-2)>>> ==
              "strided<offset<3>, 2, 0, 6, axis<32, 8>, axis<4, -2>>");
static_assert(name<array<unit<all, 64>, word_rows<4>, ordered<permuted<1, 0>, stream<codes>>>> ==
              "array<unit<all, 64>, word_rows<4>, ordered<permuted<1, 0>, stream<codes>>>");
static_assert(name<ordered<interleaved<4>, repeat<512, plane<codes, 4, 64>>>> ==
              "ordered<interleaved<4>, repeat<512, plane<codes, 4, 64>>>");
static_assert(
    name<gguf::q4_0::base> ==
    "codec<offset_integer<4>, levels<group<32, f16>>, symmetric, blocked<32, stream<scale<0>>, plane<codes, 4, 16>>>");
static_assert(
    name<gguf::q2_k::base> ==
    "codec<unsigned_integer<2>, levels<group<16, unsigned_integer<4>>, group<256, f16>>, "
    "minimum<group<16, unsigned_integer<4>>, group<256, f16>>, "
    "blocked<256, shared<16, strided<scale<0>, 4, 0, 0, axis<16, 8>>, strided<offset<0>, 4, 0, 4, axis<16, 8>>>, "
    "plane<codes, 2, 32>, stream<scale<1>>, stream<offset<1>>>>");

// The default layout is left out, whether or not it was spelled out.
using short_form = codec<integer<8>, levels<channel<f32>>>;
using long_form = codec<integer<8>, levels<channel<f32>>, symmetric, short_form::layout>;
static_assert(!std::same_as<short_form, long_form>);
static_assert(name<short_form> == "codec<integer<8>, levels<channel<f32>>>" && name<long_form> == name<short_form>);
static_assert(name<codec<integer<4>, levels<group<8, f16>>, zero_point<group<8, f16>>>> ==
              "codec<integer<4>, levels<group<8, f16>>, zero_point<group<8, f16>>>");

// A tiled codec is named after its source, not after what the compiler calls that.
static_assert(name<tiled<gguf::q4_0>> == "tiled<gguf.q4_0>");
static_assert(name<tiled<short_form>> == "tiled<codec<integer<8>, levels<channel<f32>>>>");

TEST_CASE("a name is text") { CHECK(std::string(name<gguf::q4_0>) + "!" == "gguf.q4_0!"); }

}  // namespace
