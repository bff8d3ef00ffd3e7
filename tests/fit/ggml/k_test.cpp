// ggml's fits of super-blocks against ggml's own bytes: 16 rows x 1536 weights, without and with importance.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/ggml/k.hpp"

#include "fit/encoding.hpp"
#include "quern/catalog/gguf.hpp"

namespace {

using namespace encoding;

template <class C>
void check(const std::string& name) {
  const std::vector<float> x = floats("gguf/input.f32");
  const std::vector<float> importance = floats("gguf/imatrix.f32");
  CHECK(differing(encoded<C>(x, 16, 1536).array(0), golden("gguf/" + name + ".bin")) == 0);
  CHECK(differing(encoded<C>(x, 16, 1536, importance).array(0), golden("gguf/" + name + ".imat.bin")) == 0);
}

TEST_CASE("Q2_K is ggml's") { check<gguf::q2_k>("q2_K"); }
TEST_CASE("Q3_K is ggml's") { check<gguf::q3_k>("q3_K"); }
TEST_CASE("Q4_K is ggml's") { check<gguf::q4_k>("q4_K"); }
TEST_CASE("Q5_K is ggml's") { check<gguf::q5_k>("q5_K"); }
TEST_CASE("Q6_K is ggml's") { check<gguf::q6_k>("q6_K"); }
TEST_CASE("IQ4_XS is ggml's") { check<gguf::iq4_xs>("iq4_xs"); }

// The numbers of Q4_K with every part in an array of its own: layout changes nothing, and rows need not be whole
// blocks.
using q4_k_apart =
    codec<unsigned_integer<4>, gguf::k_scales<32, unsigned_integer<6>>, gguf::k_minimum<32, unsigned_integer<6>>>;

TEST_CASE("the fits know no layout") {
  const std::vector<float> x = floats("gguf/input.f32");
  CHECK(decoded(encoded<q4_k_apart, ggml::q4_k>(x, 16, 1536)) == decoded(encoded<gguf::q4_k>(x, 16, 1536)));
}
TEST_CASE("a block that the edge of the matrix cuts is fitted by what there is of it") {
  const std::vector<float> x = bell(3 * 300, 0.02f, 1);
  const std::vector<float> y = decoded(encoded<q4_k_apart, ggml::q4_k>(x, 3, 300));
  CHECK(squared_error(x, y) < 0.007 * squared_error(x, std::vector<float>(x.size())));
}

}  // namespace
