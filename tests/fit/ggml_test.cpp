// ggml's fits against ggml's own bytes: 16 rows x 1536 weights, without and with importance.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/ggml.hpp"

#include "quern/catalog/gguf.hpp"
#include "quern/fit/ggml_k.hpp"
#include "quern/reference/encode.hpp"
#include "quern/storage/packed.hpp"
#include "support.hpp"

namespace {

using namespace quern;
using support::elements;
using support::golden;

constexpr std::size_t rows = 16, cols = 1536;

const std::vector<float>& weights() {
  static const std::vector<float> x = elements<float>(golden("gguf/input.f32"));
  return x;
}

// Bytes that differ from the golden file.
template <class C, class Fit>
std::size_t differing(const std::string& file, std::span<const float> importance = {}) {
  const std::vector<std::byte> want = golden("gguf/" + file);
  packed<C> p(rows, cols);
  const auto ok = reference::encode<C, Fit>(matrix_view<const float>(weights().data(), rows, cols), p.span(), importance);
  REQUIRE(ok);
  REQUIRE(p.array(0).size() == want.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < want.size(); ++i) n += p.array(0)[i] != want[i];
  return n;
}

TEST_CASE("without importance the bytes are ggml's") {
  CHECK(differing<gguf::f32, absmax>("input.f32") == 0);
  CHECK(differing<gguf::f16, absmax>("f16.bin") == 0);
  CHECK(differing<gguf::bf16, absmax>("bf16.bin") == 0);
  CHECK(differing<gguf::q4_0, ggml::full_range>("q4_0.bin") == 0);
  CHECK(differing<gguf::q5_0, ggml::full_range>("q5_0.bin") == 0);
  CHECK(differing<gguf::q4_1, ggml::min_max>("q4_1.bin") == 0);
  CHECK(differing<gguf::q5_1, ggml::min_max>("q5_1.bin") == 0);
  CHECK(differing<gguf::q8_0, ggml::absmax>("q8_0.bin") == 0);
  CHECK(differing<gguf::tq1_0, ggml::absmax>("tq1_0.bin") == 0);
  CHECK(differing<gguf::tq2_0, ggml::absmax>("tq2_0.bin") == 0);
  CHECK(differing<gguf::q2_0, ggml::absmax>("q2_0.bin") == 0);
  CHECK(differing<gguf::q1_0, ggml::absmean>("q1_0.bin") == 0);
  CHECK(differing<gguf::mxfp4, ggml::mxfp4>("mxfp4.bin") == 0);
  CHECK(differing<gguf::nvfp4, ggml::nvfp4>("nvfp4.bin") == 0);
  CHECK(differing<gguf::iq4_nl, ggml::codebook_scale>("iq4_nl.bin") == 0);
  CHECK(differing<gguf::q2_k, ggml::q2_k>("q2_K.bin") == 0);
  CHECK(differing<gguf::q3_k, ggml::q3_k>("q3_K.bin") == 0);
  CHECK(differing<gguf::q4_k, ggml::q4_k>("q4_K.bin") == 0);
  CHECK(differing<gguf::q5_k, ggml::q5_k>("q5_K.bin") == 0);
  CHECK(differing<gguf::q6_k, ggml::q6_k>("q6_K.bin") == 0);
  CHECK(differing<gguf::iq4_xs, ggml::iq4_xs>("iq4_xs.bin") == 0);
}

TEST_CASE("with importance the bytes are ggml's") {
  const std::vector<float> importance = elements<float>(golden("gguf/imatrix.f32"));
  CHECK(differing<gguf::q4_0, ggml::full_range>("q4_0.imat.bin", importance) == 0);
  CHECK(differing<gguf::q5_0, ggml::full_range>("q5_0.imat.bin", importance) == 0);
  CHECK(differing<gguf::q4_1, ggml::min_max>("q4_1.imat.bin", importance) == 0);
  CHECK(differing<gguf::q5_1, ggml::min_max>("q5_1.imat.bin", importance) == 0);
  CHECK(differing<gguf::iq4_nl, ggml::codebook_scale>("iq4_nl.imat.bin", importance) == 0);
  CHECK(differing<gguf::q2_k, ggml::q2_k>("q2_K.imat.bin", importance) == 0);
  CHECK(differing<gguf::q3_k, ggml::q3_k>("q3_K.imat.bin", importance) == 0);
  CHECK(differing<gguf::q4_k, ggml::q4_k>("q4_K.imat.bin", importance) == 0);
  CHECK(differing<gguf::q5_k, ggml::q5_k>("q5_K.imat.bin", importance) == 0);
  CHECK(differing<gguf::q6_k, ggml::q6_k>("q6_K.imat.bin", importance) == 0);
  CHECK(differing<gguf::iq4_xs, ggml::iq4_xs>("iq4_xs.imat.bin", importance) == 0);
  CHECK(differing<gguf::q8_0, ggml::absmax>("q8_0.imat.bin", importance) == 0);
}

}  // namespace
