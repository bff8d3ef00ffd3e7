// Encode kernels of fits that search, on every target, without and with importance.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "quern/catalog/gguf.hpp"
#include "quern/fit/best.hpp"
#include "simd/encode_check.hpp"

using namespace quern;

namespace {

template <class P, class Fit = fit_of<P>>
void check() {
  using support::weights;
  CAPTURE(P::name);
  static_assert(encodes_by_regions<typename P::base, Fit> || encodes_by_blocks<typename P::base, Fit>);
  support::check_encode<P, Fit>();
  for (const weights kind :
       {weights::uniform, weights::ties, weights::zeros, weights::subnormal, weights::huge, weights::positive})
    support::check_important<P, Fit>({3, 768}, kind);
  for (const weights kind : {weights::ties, weights::zeros, weights::spread}) {
    support::check_encode<P, Fit>({2, 9216}, kind);
    support::check_important<P, Fit>({2, 9216}, kind);
  }
}

// Q4_K's numbers in arrays of their own, so that rows need not be whole blocks; and groups that are no power of two.
struct apart : codec<unsigned_integer<4>, gguf::k_scales<32, unsigned_integer<6>>, gguf::k_minimum<32, unsigned_integer<6>>> {
  static constexpr const char* name = "apart";
  using fit = ggml::q4_k;
};
struct by_24 : codec<offset_integer<4>, levels<group<24, f16>>> {
  static constexpr const char* name = "by_24";
  using fit = ggml::weighted_scale;
};

}  // namespace

TEST_CASE("K-quants are encoded to the reference's bytes") {
  check<gguf::q2_k>();
  check<gguf::q3_k>();
  check<gguf::q4_k>();
  check<gguf::q6_k>();
}

TEST_CASE("IQ4 is encoded to the reference's bytes") {
  check<gguf::iq4_nl>();
  check<gguf::iq4_xs>();
}

TEST_CASE("searches for one scale, or scale and minimum, are the reference's") {
  check<gguf::q4_0, ggml::weighted_scale>();
  check<gguf::q5_1, ggml::weighted_range>();
}

TEST_CASE("the codes of regions that best fits are the reference's") {
  check<gguf::q4_1, best<gguf::q4_1>>();
  check<gguf::tq2_0, best<gguf::tq2_0>>();
}

TEST_CASE("searches know no layout, and groups may have any size") {
  check<apart>();
  check<by_24>();
}
