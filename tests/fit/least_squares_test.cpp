// The search for the least squared error.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/least_squares.hpp"

#include "fit/encoding.hpp"
#include "quern/catalog/bnb.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/catalog/gptq.hpp"
#include "quern/catalog/mx.hpp"
#include "quern/catalog/nv.hpp"
#include "quern/catalog/torchao.hpp"

namespace {

using namespace encoding;

// Rows of many kinds: normal, sparse, one outlier, one sign, constant, zero, tiny, huge.
std::vector<float> mixed(std::size_t rows, std::size_t cols) {
  std::vector<float> x = bell(rows * cols, 0.05f, 10);
  for (std::size_t c = 0; c < cols; ++c) {
    x[cols + c] *= c % 7 == 0, x[2 * cols + c] *= c == 5 ? 100.0f : 1.0f, x[3 * cols + c] = magnitude(x[3 * cols + c]);
    x[4 * cols + c] = -0.3f, x[5 * cols + c] = 0, x[6 * cols + c] *= 0x1p-70f, x[7 * cols + c] *= 0x1p60f;
  }
  return x;
}

template <class C>
double ratio(std::size_t rows, std::size_t cols, std::span<const float> x, std::span<const float> importance) {
  const double base = squared_error(decoded(encoded<C, default_fit<C>>(x, rows, cols)), x, importance);
  const double searched = squared_error(decoded(encoded<C, least_squares>(x, rows, cols, importance)), x, importance);
  CHECK(searched <= base);
  return base > 0 ? searched / base : 1;
}

template <class C>
void check_never_worse() {
  const std::vector<float> x = mixed(32, 256);
  std::vector<float> importance = bell(256, 1, 11);
  for (float& v : importance) v = v * v;
  importance[3] = 0;
  for (std::size_t r = 0; r < 32; ++r) {
    ratio<C>(1, 256, std::span(x).subspan(r * 256, 256), {});
    ratio<C>(1, 256, std::span(x).subspan(r * 256, 256), importance);
  }
}

TEST_CASE("on no input is it worse than the default fit, with importance or without") {
  check_never_worse<gguf::q4_0>(), check_never_worse<gguf::q4_1>(), check_never_worse<gguf::q8_0>();
  check_never_worse<gguf::tq2_0>(), check_never_worse<gguf::q1_0>(), check_never_worse<gguf::iq4_nl>();
  check_never_worse<bnb::nf4>(), check_never_worse<mx::mxfp4>(), check_never_worse<nv::nvfp4>();
  check_never_worse<torchao::tinygemm<128>>(), check_never_worse<gguf::q3_k>();
}

TEST_CASE("on normal weights it is clearly better, unless scales are powers of two") {
  const std::vector<float> x = bell(32 * 256, 0.05f, 12);
  CHECK(ratio<gguf::q4_0>(32, 256, x, {}) < 0.75);
  CHECK(ratio<gguf::q4_1>(32, 256, x, {}) < 0.90);
  CHECK(ratio<gguf::tq2_0>(32, 256, x, {}) < 0.35);
  CHECK(ratio<gptq::v2<2>>(32, 256, x, {}) < 0.70);
  CHECK(ratio<nv::nvfp4>(32, 256, x, {}) < 0.80);
  CHECK(ratio<bnb::nf4>(1, 32 * 256, x, {}) < 0.92);
  CHECK(ratio<mx::mxfp4>(32, 256, x, {}) < 1.0);
}

TEST_CASE("weights of importance 0 do not count") {
  std::vector<float> x = bell(32, 0.05f, 13), importance(32, 1.0f);
  x[4] = 50, importance[4] = 0;
  const std::vector<float> y = decoded(encoded<gguf::q4_0, least_squares>(x, 1, 32, importance));
  const std::vector<float> z = decoded(encoded<gguf::q4_0, least_squares>(x, 1, 32));
  CHECK(squared_error(x, y, importance) < 0.5 * squared_error(x, z, importance));
}

}  // namespace
