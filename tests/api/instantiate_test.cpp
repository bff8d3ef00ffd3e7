// Kernels of the codecs of these tests, compiled here for callers that have the light header only.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "api/codecs.hpp"
#include "quern/reference/decode.hpp"

QUERN_INSTANTIATE(api::blocks);
QUERN_INSTANTIATE(api::cut_blocks);  // of the same description: the kernels are shared
QUERN_INSTANTIATE(api::zero_points);
QUERN_INSTANTIATE(api::squares);
QUERN_INSTANTIATE(api::whole);
QUERN_INSTANTIATE(api::points);

namespace {
using namespace api;

TEST_CASE("presets of one description share their kernels and keep their own encoder") {
  CHECK((operations_of<blocks>().decode == operations_of<cut_blocks>().decode));
  CHECK((product_operations_of<tiled<blocks>, automatic>().matmul ==
         product_operations_of<tiled<cut_blocks>, automatic>().matmul));
  CHECK((operations_of<blocks>().encode != operations_of<cut_blocks>().encode));
}

TEST_CASE("int8 is chosen for small integers, f32 for all else") {
  CHECK(is_int8<activation_for<tiled<blocks>, automatic>>);
  CHECK(is_int8<activation_for<tiled<zero_points>, automatic>>);
  CHECK(is_int8<activation_for<blocks, automatic>>);
  CHECK(std::same_as<activation_for<squares, automatic>, quern::f32>);
  CHECK(std::same_as<activation_for<tiled<squares>, automatic>, quern::f32>);
}

TEST_CASE("a target can be forced by its name and released") {
  const std::string best = target_name();
  CHECK(!best.empty());
  std::size_t forced = 0;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const std::string name = hwy::TargetName(target);
    CAPTURE(name);
    REQUIRE(try_force_target(name).has_value());
    CHECK(target_name() == name);
    CHECK(kernels<blocks::base>::target() == target);
    ++forced;
  }
  CHECK(forced > 0);
  const std::string last = target_name();
  CHECK(!try_force_target("no such target"));
  CHECK(target_name() == last);
  CHECK_THROWS_AS(force_target("AVX9"), error);
  force_target("");
  CHECK(target_name() == best);
}

}  // namespace
