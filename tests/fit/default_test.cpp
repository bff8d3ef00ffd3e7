// Which fit a codec has that names none.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/default.hpp"

#include "quern/catalog/gguf.hpp"
#include "quern/number/e8m0.hpp"
#include "support.hpp"

namespace {

using namespace quern;

template <class F, class C>
inline constexpr bool is = std::same_as<fit_of<C>, F>;

using halves = levels<group<48, f16>>;
static_assert(is<absmax, codec<offset_integer<4>, halves>>);
static_assert(is<absmax, codec<e4m3, levels<>>>);
static_assert(is<min_max, codec<unsigned_integer<4>, halves, zero_point<group<48, unsigned_integer<4>>>>>);
static_assert(is<min_max, codec<unsigned_integer<4>, halves, bias<group<48, f16>>>>);
static_assert(is<min_max, codec<unsigned_integer<2>, halves, zero_point<group<48, unsigned_integer<2>>>>>);
// A zero point of a bit that shifts a table a little is left at its first value.
static_assert(is<absmax, codec<gguf::nl, halves, zero_point<group<48, progression<1, -4, 0>>>>>);
static_assert(has_slight_offset<gguf::iq1_s> && has_slight_offset<gguf::iq1_m>);
static_assert(!has_slight_offset<gguf::q4_1> &&
              !has_slight_offset<codec<unsigned_integer<1>, halves, zero_point<group<48, unsigned_integer<1>>>>>);
static_assert(is<sign_and_mean, codec<binary, halves>>);
static_assert(is<mx_scale<mx_rule::floor>, codec<e2m1, levels<group<32, e8m0>>>>);
static_assert(is<absmax, codec<ternary, halves>>);
static_assert(is<ggml::full_range, gguf::q4_0>);

struct named : codec<offset_integer<4>, halves> {
  using fit = full_range;
};
static_assert(is<full_range, named>);

TEST_CASE("a preset's own fit is used, else one that suits the codec") {}

}  // namespace
