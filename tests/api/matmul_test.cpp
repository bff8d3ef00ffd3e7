// The product through the public functions: activations, scratch, shapes, kinds of arguments, executors.
// SPDX-License-Identifier: Apache-2.0
#include "quern/api/matmul.hpp"

#include <cmath>
#include <limits>

#include "api/codecs.hpp"

namespace {
using namespace api;

constexpr std::size_t m = 5, n = 37, k = 96;

template <any_codec C>
packed<C> weights(std::uint64_t seed = 1) {
  return quantize<C>(view_of(random_floats(n * k, seed), n, k));
}

// The largest error of y, in units of what the f32 bound allows.
template <packed_weights W>
double error_in_bounds(const W& w, const std::vector<float>& x, const std::vector<float>& y) {
  std::vector<float> decoded(w.rows() * k);
  dequantize(w, view_of(decoded, w.rows(), k));
  double worst = 0;
  for (std::size_t i = 0; i < x.size() / k; ++i)
    for (std::size_t r = 0; r < w.rows(); ++r) {
      double sum = 0, magnitude = 0;
      for (std::size_t c = 0; c < k; ++c) {
        const double p = static_cast<double>(x[i * k + c]) * static_cast<double>(decoded[r * k + c]);
        sum += p, magnitude += std::fabs(p);
      }
      // 16 as the largest code: of zero_points, value and zero point may each be that much larger than their difference.
      const double bound = (k + 8) * 0x1p-24 * (magnitude + 1) * 16;
      worst = std::max(worst, std::fabs(static_cast<double>(y[i * w.rows() + r]) - sum) / bound);
    }
  return worst;
}

TEST_CASE("f32 products are within their bound, in the codec's own layout and in tiles") {
  for_each_type(list{}, []<class C>() {
    CAPTURE(C::name);
    const auto x = random_floats(m * k, 5);
    const auto w = weights<C>();
    std::vector<float> y(m * n);
    matmul<quern::f32>(w, view_of(x, m, k), view_of(y, m, n));
    CHECK(error_in_bounds(w, x, y) <= 1);
    const packed<tiled<C>> t = transcode<tiled<C>>(w);
    matmul<quern::f32>(t, view_of(x, m, k), view_of(y, m, n));
    CHECK(error_in_bounds(w, x, y) <= 1);
  });
}

TEST_CASE("int8 products of integers are exact") {
  // All of x is a multiple of its group's amax / 127, and all of w a multiple of its scale 1.
  std::vector<float> x(m * k), w(n * k);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3;
  for (std::size_t i = 0; i < x.size(); i += 32) x[i] = 127;
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 8) - 4;
  for (std::size_t i = 0; i < w.size(); i += 32) w[i] = -8;
  const auto t = quantize<tiled<blocks>>(view_of(w, n, k));
  std::vector<float> decoded(n * k), y(m * n);
  dequantize(t, view_of(decoded, n, k));
  matmul(t, view_of(x, m, k), view_of(y, m, n));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t r = 0; r < n; ++r) {
      double sum = 0, magnitude = 0;
      for (std::size_t c = 0; c < k; ++c) {
        const double p = static_cast<double>(x[i * k + c]) * static_cast<double>(decoded[r * k + c]);
        sum += p, magnitude += std::fabs(p);
      }
      wrong += std::fabs(static_cast<double>(y[i * n + r]) - sum) > magnitude * 0x1p-20;
    }
  CHECK(wrong == 0);
}

TEST_CASE("activations that are not finite follow f32's rules with f32 and make the whole row NaN with int8") {
  auto x = random_floats(m * k, 5);
  x[2 * k + 3] = std::numeric_limits<float>::infinity();
  const auto t = transcode<tiled<blocks>>(weights<blocks>());
  std::vector<float> y(m * n);
  matmul(t, view_of(x, m, k), view_of(y, m, n));
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t r = 0; r < n; ++r) CHECK(std::isnan(y[i * n + r]) == (i == 2));
  matmul<quern::f32>(t, view_of(x, m, k), view_of(y, m, n));
  for (std::size_t r = 0; r < n; ++r) {
    CHECK(std::isfinite(y[n + r]));
    CHECK(!std::isfinite(y[2 * n + r]));
  }
}

TEST_CASE("whatever converts to a view is an argument: packed, view, span") {
  const auto x = random_floats(k, 5);
  packed<blocks> w = weights<blocks>();
  std::vector<float> a(n), b(n), c(n), part(10);
  matmul(w, view_of(x, 1, k), view_of(a, 1, n));
  matmul(w.view(), view_of(x, 1, k), view_of(b, 1, n));
  matmul(w.span(), view_of(x, 1, k), view_of(c, 1, n));
  CHECK(support::differences(a, b) == 0);
  CHECK(support::differences(a, c) == 0);
  matmul(w.view().rows(20, 10), view_of(x, 1, k), view_of(part, 1, 10));
  CHECK(support::differences(part, std::span(a).subspan(20, 10)) == 0);
}

TEST_CASE("x of f16 and of bf16 counts as the floats it is") {
  const auto x = random_floats(m * k, 5);
  std::vector<f16_t> half;
  std::vector<bf16_t> brain;
  std::vector<float> from_half, from_brain, a(m * n), b(m * n);
  for (const float v : x) {
    half.push_back(to_f16(v)), from_half.push_back(to_float(half.back()));
    brain.push_back(to_bf16(v)), from_brain.push_back(to_float(brain.back()));
  }
  const auto t = transcode<tiled<blocks>>(weights<blocks>());
  matmul(t, matrix_view(half.data(), m, k), view_of(a, m, n));
  matmul(t, view_of(from_half, m, k), view_of(b, m, n));
  CHECK(support::differences(a, b) == 0);
  matmul<quern::f32>(t, matrix_view<const bf16_t>(brain.data(), m, k), view_of(a, m, n));
  matmul<quern::f32>(t, view_of(from_brain, m, k), view_of(b, m, n));
  CHECK(support::differences(a, b) == 0);
}

TEST_CASE("x is prepared once for several weights") {
  const auto x = random_floats(m * k, 5);
  const auto t = transcode<tiled<blocks>>(weights<blocks>(1)), u = transcode<tiled<blocks>>(weights<blocks>(2));
  std::vector<float> a(m * n), b(m * n);
  const auto prepared = prepare(view_of(x, m, k), t);
  CHECK(prepared.rows() == m);
  CHECK(prepared.cols() == k);
  for (const auto* w : {&t, &u}) {
    matmul(*w, prepared, view_of(a, m, n));
    matmul(*w, view_of(x, m, k), view_of(b, m, n));
    CHECK(support::differences(a, b) == 0);
  }
}

TEST_CASE("scratch of any alignment will do, and one byte less than enough will not") {
  const auto x = random_floats(m * k, 5);
  const auto t = transcode<tiled<zero_points>>(weights<zero_points>());
  std::vector<float> want(m * n), y(m * n);
  matmul(t, view_of(x, m, k), view_of(want, m, n));
  const std::size_t bytes = scratch_bytes(t, m);
  std::vector<std::byte> memory(bytes + 64);
  for (const std::size_t skip : std::initializer_list<std::size_t>{0, 1, 4, 63}) {
    CAPTURE(skip);
    const auto scratch = std::span(memory).subspan(skip, bytes);
    REQUIRE(try_matmul(t, view_of(x, m, k), view_of(y, m, n), scratch));
    CHECK(support::differences(y, want) == 0);
    const auto prepared = prepare(view_of(x, m, k), t, scratch);
    CHECK(prepared.data() >= scratch.data());
    CHECK(prepared.data() < scratch.data() + bytes);
  }
  const auto small = try_matmul(t, view_of(x, m, k), view_of(y, m, n), std::span(memory).first(64));
  REQUIRE(!small);
  CHECK(mentions(small.error(), "scratch"));
  CHECK(small.error().value == 64);
  CHECK(small.error().bound > 64);
  CHECK_THROWS_AS(matmul(t, view_of(x, m, k), view_of(y, m, n), std::span(memory).first(1)), error);

  // Exactly as much as the failure says.
  const std::size_t exact = static_cast<std::size_t>(small.error().bound);
  CHECK(try_matmul(t, view_of(x, m, k), view_of(y, m, n), std::span(memory).first(exact)));
  CHECK(!try_matmul(t, view_of(x, m, k), view_of(y, m, n), std::span(memory).first(exact - 1)));
}

TEST_CASE("shapes that do not multiply are refused with both numbers") {
  const auto x = random_floats(m * k, 5);
  const auto w = weights<blocks>();
  std::vector<float> y(m * n, 7.0f);
  const auto refused = [&](matrix_view<const float> a, matrix_view<float> b, const std::string& text) {
    const auto r = try_matmul(w, a, b);
    REQUIRE(!r);
    CAPTURE(r.error().text());
    CHECK(mentions(r.error(), text));
    CHECK(y == std::vector<float>(m * n, 7.0f));
  };
  refused(view_of(x, m, k - 1), view_of(y, m, n), "x has as many columns as w (value 95, against 96)");
  refused(view_of(x, m, k), view_of(y, m - 1, n), "y has as many rows as x (value 4, against 5)");
  refused(view_of(x, m, k), view_of(y, m, n - 1), "y has a column for each row of w (value 36, against 37)");
  CHECK_THROWS_AS(matmul(w, view_of(x, m, k - 1), view_of(y, m, n)), error);
  CHECK_THROWS_AS(prepare(view_of(x, m, k - 1), w), error);
}

TEST_CASE("y may have a stride, and nothing between its rows is written") {
  const auto x = random_floats(m * k, 5);
  const auto t = transcode<tiled<blocks>>(weights<blocks>());
  std::vector<float> want(m * n), y(m * (n + 3), 7.0f);
  matmul(t, view_of(x, m, k), view_of(want, m, n));
  matmul(t, view_of(x, m, k), matrix_view<float>(y.data(), m, n, n + 3));
  for (std::size_t i = 0; i < m; ++i) {
    CHECK(support::differences(std::span(y).subspan(i * (n + 3), n), std::span(want).subspan(i * n, n)) == 0);
    for (std::size_t c = n; c < n + 3; ++c) CHECK(y[i * (n + 3) + c] == 7.0f);
  }
}

TEST_CASE("products without rows, without columns, without activations") {
  for_each_type(list{}, []<class C>() {
    CAPTURE(C::name);
    const packed<C> no_rows(0, 96), no_columns(3, 0);
    const auto x = random_floats(2 * 96);
    CHECK(try_matmul(no_rows, view_of(x, 2, 96), matrix_view<float>(nullptr, 2, 0)));
    std::vector<float> y(6, 7.0f);
    REQUIRE(try_matmul(no_columns, matrix_view<const float>(nullptr, 2, 0), view_of(y, 2, 3)));
    CHECK(y == std::vector<float>(6, 0.0f));
    y.assign(6, 7.0f);
    REQUIRE(try_matmul(packed<tiled<C>>(3, 0), matrix_view<const float>(nullptr, 2, 0), view_of(y, 2, 3)));
    CHECK(y == std::vector<float>(6, 0.0f));
    const packed<C> some(3, 96);
    CHECK(try_matmul(some, matrix_view<const float>(nullptr, 0, 96), matrix_view<float>(nullptr, 0, 3)));
  });
}

}  // namespace
