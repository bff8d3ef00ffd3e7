// Encode kernels of GGUF's presets of one scale to a block, on every target.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <limits>

#include "quern/catalog/gguf.hpp"
#include "simd/encode_check.hpp"

using namespace quern;

TEST_CASE("every GGUF format that is fitted by statistics is encoded to the reference's bytes on every target") {
  for_each_type(gguf::presets{}, []<class P>() {
    if constexpr (scalar_format<typename P::number>) {
      if constexpr (statistics_fit<fit_of<P>>) {
        static_assert(encodes_by_regions<typename P::base, fit_of<P>>);
        CAPTURE(P::name);
        support::check_encode<P>();
      }
    }
  });
}

TEST_CASE("a matrix without elements is encoded to nothing") {
  support::check_encode<gguf::q4_0>({0, 256}, support::weights::uniform);
  support::check_encode<gguf::q4_0>({4, 0}, support::weights::uniform);
}

TEST_CASE("the first weight that is not finite is found wherever it lies") {
  using kernels = encoding_kernels<encoding<gguf::q8_0::base, fit_of<gguf::q8_0>>>;
  for (const support::edge at : {support::edge::begin, support::edge::end}) {
    const support::weight_matrix x({3, 600}, 603, support::weights::huge, at);
    support::on_every_target(HWY_TARGETS, &kernels::target, [&] {
      CHECK(kernels::first_nonfinite(x.view()) == 1800);
      for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()}) {
        for (const std::size_t col : {0u, 1u, 255u, 511u, 599u}) {
          const float before = x.view()(1, col);
          x.writable()(1, col) = bad;
          CHECK(kernels::first_nonfinite(x.view()) == 600 + col);
          x.writable()(1, col) = before;
        }
      }
    });
  }
}

TEST_CASE("what kernels do not take is refused or encoded as the reference does") {
  using C = gguf::q8_0::base;
  using Fit = fit_of<gguf::q8_0>;
  const support::weight_matrix x({2, 64}, 64, support::weights::uniform, support::edge::end);
  const auto want = support::random_arrays<C>({2, 64}, support::edge::end, 1),
             out = support::random_arrays<C>({2, 64}, support::edge::end, 2);
  const auto bytes = support::span_over<C>(out, {2, 64}), reference_bytes = support::span_over<C>(want, {2, 64});
  const auto encoded = [&](nonfinite policy) {
    return encode_by_kernels<C, Fit, HWY_TARGETS>(x.view(), bytes, {}, policy);
  };
  REQUIRE(encoded(nonfinite::refuse));
  REQUIRE(reference::encode<C, Fit>(x.view(), reference_bytes));
  CHECK(out.differences(want) == 0);

  CHECK(!encode_by_kernels<C, Fit, HWY_TARGETS>(x.view(), *bytes.try_rows(0, 1), {}, nonfinite::refuse));
  x.writable()(1, 3) = std::numeric_limits<float>::infinity();
  const auto refused = encoded(nonfinite::refuse);
  REQUIRE(!refused);
  CHECK(refused.error().value == 67);
  CHECK(out.differences(want) == 0);
  REQUIRE(encoded(nonfinite::saturate));
  REQUIRE(reference::encode<C, Fit>(x.view(), reference_bytes, {}, nonfinite::saturate));
  CHECK(out.differences(want) == 0);
}
