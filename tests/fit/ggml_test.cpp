// ggml's fits of one scale to a block against ggml's own bytes: 16 rows x 1536 weights, without and with importance.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/ggml.hpp"

#include "fit/encoding.hpp"
#include "quern/catalog/gguf.hpp"

namespace {

using namespace encoding;

template <class C>
std::size_t differing_from(const std::string& file, std::span<const float> importance = {}) {
  const std::vector<float> x = floats("gguf/input.f32");
  return differing(encoded<C>(x, 16, 1536, importance).array(0), golden("gguf/" + file));
}

TEST_CASE("without importance the bytes are ggml's") {
  CHECK(differing_from<gguf::f32>("input.f32") == 0);
  CHECK(differing_from<gguf::f16>("f16.bin") == 0);
  CHECK(differing_from<gguf::bf16>("bf16.bin") == 0);
  CHECK(differing_from<gguf::q4_0>("q4_0.bin") == 0);
  CHECK(differing_from<gguf::q4_1>("q4_1.bin") == 0);
  CHECK(differing_from<gguf::q5_0>("q5_0.bin") == 0);
  CHECK(differing_from<gguf::q5_1>("q5_1.bin") == 0);
  CHECK(differing_from<gguf::q8_0>("q8_0.bin") == 0);
  CHECK(differing_from<gguf::iq4_nl>("iq4_nl.bin") == 0);
  CHECK(differing_from<gguf::mxfp4>("mxfp4.bin") == 0);
  CHECK(differing_from<gguf::nvfp4>("nvfp4.bin") == 0);
  CHECK(differing_from<gguf::q1_0>("q1_0.bin") == 0);
  CHECK(differing_from<gguf::q2_0>("q2_0.bin") == 0);
  CHECK(differing_from<gguf::tq1_0>("tq1_0.bin") == 0);
  CHECK(differing_from<gguf::tq2_0>("tq2_0.bin") == 0);
}

TEST_CASE("with importance the bytes are ggml's") {
  const std::vector<float> importance = floats("gguf/imatrix.f32");
  CHECK(differing_from<gguf::q4_0>("q4_0.imat.bin", importance) == 0);
  CHECK(differing_from<gguf::q4_1>("q4_1.imat.bin", importance) == 0);
  CHECK(differing_from<gguf::q5_0>("q5_0.imat.bin", importance) == 0);
  CHECK(differing_from<gguf::q5_1>("q5_1.imat.bin", importance) == 0);
  CHECK(differing_from<gguf::iq4_nl>("iq4_nl.imat.bin", importance) == 0);
  // formats that know nothing of it
  CHECK(differing_from<gguf::q8_0>("q8_0.imat.bin", importance) == 0);
  CHECK(differing_from<gguf::mxfp4>("mxfp4.imat.bin", importance) == 0);
  CHECK(differing_from<gguf::tq1_0>("tq1_0.imat.bin", importance) == 0);
}

TEST_CASE("a block of zeros has scale -0 in Q4_0 and Q5_0, +0 elsewhere") {
  const std::vector<float> zeros(32);
  CHECK(code_at<scale<>>(encoded<gguf::q4_0>(zeros, 1, 32).view(), {0, 0}) == 0x8000);
  CHECK(code_at<scale<>>(encoded<gguf::q5_0>(zeros, 1, 32).view(), {0, 0}) == 0x8000);
  CHECK(code_at<scale<>>(encoded<gguf::q8_0>(zeros, 1, 32).view(), {0, 0}) == 0);
  CHECK(code_at<scale<>>(encoded<gguf::iq4_nl>(zeros, 1, 32).view(), {0, 0}) == 0);
  CHECK(code_at<codes>(encoded<gguf::q4_0>(zeros, 1, 32).view(), {0, 0}) == 8);
}

}  // namespace
