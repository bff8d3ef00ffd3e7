// The try_ functions, in a file compiled without exceptions and without run-time type information beside others with both.
// SPDX-License-Identifier: Apache-2.0
#include "quern/quern.hpp"

#include "api/codecs.hpp"

namespace {
using namespace api;

#if defined(__cpp_exceptions)
#error "this file is meant to be compiled with -fno-exceptions"
#endif

TEST_CASE("without exceptions every function has its try_ spelling") {
  constexpr std::size_t n = 20, k = 64;
  const std::vector<float> weights = random_floats(n * k), x = random_floats(k);
  std::vector<float> out(n * k), y(n);
  const auto w = try_quantize<blocks>(*matrix_view<const float>::try_make(weights.data(), n, k));
  REQUIRE(w);
  const auto t = try_transcode<tiled<blocks>>(*w);
  REQUIRE(t);
  CHECK(try_dequantize(*t, *matrix_view<float>::try_make(out.data(), n, k)));
  CHECK(try_decode_rows(*w, std::array{std::uint32_t{3}}, *matrix_view<float>::try_make(out.data(), 1, k)));
  const auto row = matrix_view<const float>::try_make(x.data(), 1, k);
  const auto product = matrix_view<float>::try_make(y.data(), 1, n);
  CHECK(try_matmul(*t, *row, *product));
  const auto prepared = try_prepare<quern::f32>(*row, *w);
  REQUIRE(prepared);
  CHECK(try_matmul(*w, *prepared, *product));
  CHECK(!try_matmul(*w, *row, *matrix_view<float>::try_make(y.data(), 1, n - 1)));

  std::vector<std::byte> bytes(2 * block_bytes<blocks>);
  CHECK(try_encode<blocks>(x, bytes));
  CHECK(try_decode<blocks>(bytes, std::span(out).first(k)));
  CHECK(try_dot<blocks>(bytes, x));

  const auto v = any_view::try_make<list>("test.blocks", std::array{w->array(0)}, n, k);
  REQUIRE(v);
  const auto any_tiles = v->try_tiled();
  REQUIRE(any_tiles);
  CHECK((*any_tiles)->try_matmul(*row, *product));
  CHECK(!any_view::try_make<list>("test.nothing", {}, n, k));
}

}  // namespace
