// Symmetric fits.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/absmax.hpp"

#include "quern/number/codebook.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
#include "support.hpp"

namespace {

using namespace quern;

inline constexpr std::array<float, 4> uneven{-0.75f, 0.0f, 0.5f, 1.0f};

template <class N>
using of = codec<N, levels<group<32, f32>>>;

// What a number reaches on both sides of 0, or on its only side.
static_assert(reach<offset_integer<4>> == 7 && reach<integer<8>> == 127 && reach<unsigned_integer<4>> == 15);
static_assert(reach<ternary> == 1 && reach<binary> == 1 && reach<e2m1> == 6 && reach<e4m3> == 448 &&
              reach<e5m2> == 57344);
static_assert(reach<codebook<uneven>> == 0.75f && reach<f16> == 1 && reach<f32> == 1);

static_assert(absmax::ideal<of<offset_integer<4>>>({.magnitude = 14}).scale == 2);
static_assert(absmax::ideal<of<e4m3>>({.magnitude = 224}).scale == 0.5f);
static_assert(absmax::ideal<of<e4m3>>({}).scale == 0);
static_assert(full_range::ideal<of<offset_integer<4>>>({.extreme = 16}).scale == -2);
static_assert(full_range::ideal<of<offset_integer<4>>>({.extreme = -16}).scale == 2);
static_assert(full_range::ideal<of<ternary>>({.extreme = -3}).scale == -1.5f);

TEST_CASE("absmax and full_range put the greatest weight on the number's end") {
  constexpr element_map m = map_of<of<offset_integer<4>>, absmax>(affine{2}, affine{2});
  CHECK(code_of<of<offset_integer<4>>, absmax>(14, m) == 15);
  CHECK(code_of<of<offset_integer<4>>, absmax>(-14, m) == 1);
  constexpr element_map f = map_of<of<offset_integer<4>>, full_range>(affine{-2}, affine{-2});
  CHECK(code_of<of<offset_integer<4>>, full_range>(16, f) == 0);
  CHECK(code_of<of<offset_integer<4>>, full_range>(-16, f) == 15);  // beyond the end
}

}  // namespace
