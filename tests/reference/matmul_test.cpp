// y = x times the transposed weights.
// SPDX-License-Identifier: Apache-2.0
#include "quern/reference/matmul.hpp"

#include <array>
#include <limits>
#include <vector>

#include "quern/number/integer.hpp"
#include "quern/storage/packed.hpp"
#include "support.hpp"

namespace {
using namespace quern;
using ints = codec<integer<8>, levels<>, symmetric, blocked<1, stream<codes>>>;

packed<ints> weights(std::size_t rows, std::size_t cols) {  // w[n, k] = n - k
  packed<ints> w(rows, cols);
  for (std::size_t n = 0; n < rows; ++n)
    for (std::size_t k = 0; k < cols; ++k) set_code<codes>(w.span(), {n, k}, static_cast<std::uint32_t>(n - k) & 255);
  return w;
}

TEST_CASE("rows of x meet rows of w") {
  const packed<ints> w = weights(3, 4);
  const std::array<float, 8> x{1, 2, 3, 4, 0, 0, 0, -1};
  std::array<float, 6> y{};
  reference::matmul(w.view(), matrix_view<const float>(x.data(), 2, 4), matrix_view<float>(y.data(), 2, 3));
  CHECK(y == std::array<float, 6>{-2 - 6 - 12, 1 - 3 - 8, 2 + 2 - 4, 3, 2, 1});
}
TEST_CASE("windows, strides and empty matrices") {
  const packed<ints> w = weights(5, 4);
  const std::array<float, 10> x{1, 2, 3, 4, 100, 0, 0, 0, -1, 100};
  std::array<float, 6> y{7, 7, 7, 7, 7, 7};
  reference::matmul(w.view().rows(1, 2), matrix_view<const float>(x.data(), 2, 4, 5),
                    matrix_view<float>(y.data(), 2, 2, 3));
  CHECK(y == std::array<float, 6>{1 - 3 - 8, 2 + 2 - 4, 7, 2, 1, 7});
  reference::matmul(packed<ints>(2, 0).view(), matrix_view<const float>(x.data(), 1, 0),
                    matrix_view<float>(y.data(), 1, 2));
  CHECK(y[0] == 0);
  CHECK(y[1] == 0);
}
TEST_CASE("activations are policies") {
  const packed<ints> w = weights(1, 4);  // 0 -1 -2 -3
  const std::array<float, 4> x{127, 1.00390625f, 0, 1.6f};
  std::array<float, 1> y{};
  const matrix_view<const float> in(x.data(), 1, 4);
  const matrix_view<float> out(y.data(), 1, 1);
  reference::matmul(w.view(), in, out);
  CHECK(y[0] == static_cast<float>(-1.00390625 - 3.0 * static_cast<double>(1.6f)));
  reference::matmul<quern::bf16>(w.view(), in, out);
  CHECK(y[0] == -1 - 3 * 1.6015625f);
  reference::matmul<int8<4>>(w.view(), in, out);
  CHECK(y[0] == -1 - 3 * 2);
}
TEST_CASE("infinity times zero is NaN with f32, and all of the row is NaN with int8") {
  const packed<ints> w = weights(2, 2);  // 0 -1; 1 0
  const std::array<float, 4> x{std::numeric_limits<float>::infinity(), 1, 1, 1};
  std::array<float, 4> y{};
  const matrix_view<const float> in(x.data(), 2, 2);
  const matrix_view<float> out(y.data(), 2, 2);
  reference::matmul(w.view(), in, out);
  CHECK(is_nan(y[0]));
  CHECK(y[1] == std::numeric_limits<float>::infinity());
  CHECK(y[2] == -1);
  reference::matmul<int8<4>>(w.view(), in, out);
  CHECK(is_nan(y[0]));
  CHECK(is_nan(y[1]));
  CHECK(y[2] == doctest::Approx(-1));
}

}  // namespace
