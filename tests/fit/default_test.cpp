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
