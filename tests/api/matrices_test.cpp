// quantize, dequantize and rows by index of whole matrices.
// SPDX-License-Identifier: Apache-2.0
#include "quern/api/matrices.hpp"

#include <limits>
#include <thread>

#include "api/codecs.hpp"
#include "api/threads.hpp"
#include "quern/reference/decode.hpp"

namespace {
using namespace api;

constexpr std::size_t rows = 21, cols = 96;

template <class C>
std::vector<float> reference_weights(const packed_view<C>& w) {
  std::vector<float> out(w.rows() * w.cols());
  reference::decode(packed_view<typename C::base>(w), view_of(out, w.rows(), w.cols()));
  return out;
}

TEST_CASE("dequantize gives the reference's bits, in every element type and in windows of rows") {
  for_each_type(list{}, []<class C>() {
    CAPTURE(C::name);
    const auto x = random_floats(rows * cols);
    const packed<C> w = quantize<C>(view_of(x, rows, cols));
    const auto want = reference_weights(w.view());
    std::vector<float> out(rows * cols);
    dequantize(w, view_of(out, rows, cols));
    CHECK(support::differences(out, want) == 0);

    std::vector<f16_t> half(rows * cols);
    dequantize(w, matrix_view(half.data(), rows, cols));
    std::vector<bf16_t> brain(rows * cols);
    dequantize(w.view(), matrix_view(brain.data(), rows, cols));
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < want.size(); ++i) wrong += half[i] != to_f16(want[i]) || brain[i] != to_bf16(want[i]);
    CHECK(wrong == 0);

    const packed_view<C> window = w.view().rows(5, 9);
    std::vector<float> part(9 * cols);
    dequantize(window, view_of(part, 9, cols));
    CHECK(support::differences(part, std::span(want).subspan(5 * cols, 9 * cols)) == 0);
  });
}

TEST_CASE("tiles hold the numbers that quantize gives without tiles") {
  for_each_type(list{}, []<class C>() {
    CAPTURE(C::name);
    const auto x = random_floats(rows * cols, 3);
    std::vector<float> a(rows * cols), b(rows * cols);
    dequantize(quantize<C>(view_of(x, rows, cols)), view_of(a, rows, cols));
    dequantize(quantize<tiled<C>>(view_of(x, rows, cols)), view_of(b, rows, cols));
    CHECK(support::differences(a, b) == 0);
  });
}

TEST_CASE("f16 and bf16 weights are quantized as the floats they are") {
  const auto x = random_floats(rows * cols);
  std::vector<f16_t> half;
  std::vector<bf16_t> brain;
  std::vector<float> from_half, from_brain;
  for (const float v : x) {
    half.push_back(to_f16(v)), from_half.push_back(to_float(half.back()));
    brain.push_back(to_bf16(v)), from_brain.push_back(to_float(brain.back()));
  }
  CHECK(same_bytes(quantize<squares>(matrix_view(half.data(), rows, cols)),
                   quantize<squares>(view_of(from_half, rows, cols))));
  CHECK(same_bytes(quantize<squares>(matrix_view<const bf16_t>(brain.data(), rows, cols)),
                   quantize<squares>(view_of(from_brain, rows, cols))));
}

TEST_CASE("rows with a stride are quantized and written as such") {
  const auto x = random_floats(rows * cols);
  std::vector<float> wide(rows * (cols + 5), std::numeric_limits<float>::quiet_NaN());
  for (std::size_t r = 0; r < rows; ++r) std::copy_n(&x[r * cols], cols, &wide[r * (cols + 5)]);
  const auto w = quantize<blocks>(matrix_view(wide.data(), rows, cols, cols + 5));
  CHECK(same_bytes(w, quantize<blocks>(view_of(x, rows, cols))));
  std::vector<float> out(wide.size(), 7.0f);
  dequantize(w, matrix_view(out.data(), rows, cols, cols + 5));
  const auto want = reference_weights(w.view());
  for (std::size_t r = 0; r < rows; ++r) {
    CHECK(support::differences(std::span(out).subspan(r * (cols + 5), cols), std::span(want).subspan(r * cols, cols)) ==
          0);
    CHECK(out[r * (cols + 5) + cols] == 7.0f);
  }
}

TEST_CASE("rows are looked up by index, some of them twice") {
  const auto x = random_floats(rows * cols);
  const packed<zero_points> w = quantize<zero_points>(view_of(x, rows, cols));
  const auto want = reference_weights(w.view());
  const std::vector<std::uint32_t> wanted{20, 0, 7, 7};
  std::vector<float> out(wanted.size() * cols);
  decode_rows(w, wanted, view_of(out, wanted.size(), cols));
  for (std::size_t i = 0; i < wanted.size(); ++i)
    CHECK(support::differences(std::span(out).subspan(i * cols, cols),
                               std::span(want).subspan(wanted[i] * cols, cols)) == 0);

  // An index counts from the first row of a window.
  decode_rows(w.view().rows(6, 10), std::vector<std::uint32_t>{1}, view_of(out, 1, cols));
  CHECK(support::differences(std::span(out).first(cols), std::span(want).subspan(7 * cols, cols)) == 0);
}

TEST_CASE("an index beyond the rows is refused before anything is written") {
  const auto x = random_floats(rows * cols);
  const packed<blocks> w = quantize<blocks>(view_of(x, rows, cols));
  std::vector<float> out(2 * cols, 7.0f);
  const auto bad = try_decode_rows(w, std::vector<std::uint32_t>{0, rows}, view_of(out, 2, cols));
  REQUIRE(!bad);
  CHECK(bad.error().value == rows);
  CHECK(bad.error().bound == rows);
  CHECK(out == std::vector<float>(2 * cols, 7.0f));
  CHECK(!try_decode_rows(w.view().rows(0, 3), std::vector<std::uint32_t>{3, 0}, view_of(out, 2, cols)));
  CHECK(!try_decode_rows(w, std::vector<std::uint32_t>{0}, view_of(out, 2, cols)));
  CHECK(!try_decode_rows(w, std::vector<std::uint32_t>{0, 1}, view_of(out, 2, cols - 1)));
  CHECK_THROWS_AS(decode_rows(w, std::vector<std::uint32_t>{0, 99}, view_of(out, 2, cols)), error);
}

TEST_CASE("a weight that is not finite is refused with its own index, also in a later task") {
  const std::size_t many = 700, wide = 256;
  auto x = random_floats(many * wide);
  x[600 * wide + 17] = std::numeric_limits<float>::quiet_NaN();
  x[650 * wide] = std::numeric_limits<float>::infinity();
  test_threads three(3);
  for (const executor ex : {executor{}, three.executor()}) {
    const auto r = try_quantize<blocks>(view_of(x, many, wide), {}, ex);
    REQUIRE(!r);
    CHECK(r.error().value == 600 * wide + 17);
  }
  CHECK_THROWS_AS(quantize<blocks>(view_of(x, many, wide)), error);
}

TEST_CASE("saturate takes infinity for the greatest float and NaN for zero") {
  std::vector<float> x = random_floats(rows * cols), y = x;
  x[5] = std::numeric_limits<float>::quiet_NaN(), y[5] = 0;
  x[200] = -std::numeric_limits<float>::infinity(), y[200] = -std::numeric_limits<float>::max();
  const round_to_nearest method{{}, nonfinite::saturate};
  CHECK(
      same_bytes(quantize<zero_points>(view_of(x, rows, cols), method), quantize<zero_points>(view_of(y, rows, cols))));
}

TEST_CASE("importance has one number for each column") {
  const auto x = random_floats(rows * cols);
  const std::vector<float> importance(cols, 1.0f);
  CHECK(try_quantize<blocks>(view_of(x, rows, cols), {importance}));
  const auto bad = try_quantize<blocks>(view_of(x, rows, cols), {std::span(importance).first(cols - 1)});
  REQUIRE(!bad);
  CHECK(bad.error().value == cols - 1);
}

TEST_CASE("shapes that differ are refused with both numbers") {
  const auto x = random_floats(rows * cols);
  packed<blocks> w(rows, cols);
  const auto r = try_quantize_into<blocks>(w.span(), view_of(x, rows - 1, cols));
  REQUIRE(!r);
  CHECK(mentions(r.error(), "20"));
  CHECK(mentions(r.error(), "21"));
  CHECK(!try_quantize_into<blocks>(w.span(), view_of(x, rows, cols - 32)));
  std::vector<float> out(rows * cols);
  CHECK(!try_dequantize(w, view_of(out, rows - 1, cols)));
  CHECK(!try_dequantize(w, view_of(out, rows, cols - 1)));
  CHECK_THROWS_AS(dequantize(w, view_of(out, rows - 1, cols)), error);
  CHECK_THROWS_AS(quantize_into(w.span(), view_of(x, rows - 1, cols)), error);
}

TEST_CASE("a codec of so many weights that their number overflows is refused") {
  constexpr std::size_t huge = std::size_t{1} << 60;
  CHECK(!packed<blocks>::try_make(huge, huge));
  CHECK(!matrix_view<const float>::try_make(nullptr, huge, huge));
}

TEST_CASE("bits of padding are zero whatever the target held and whoever runs the tasks") {
  const std::size_t many = 700, narrow = 100;
  const auto x = random_floats(many * narrow);
  const packed<tiled<zero_points>> want = quantize<tiled<zero_points>>(view_of(x, many, narrow));
  test_threads three(3);
  for (const executor ex : {executor{}, three.executor()}) {
    packed<tiled<zero_points>> w(many, narrow);
    for (std::size_t i = 0; i < tiled<zero_points>::layout::arrays; ++i) std::ranges::fill(w.array(i), std::byte{0xff});
    quantize_into(w.span(), view_of(x, many, narrow), {}, ex);
    CHECK(same_bytes(w, want));
  }
}

TEST_CASE("a part of a matrix can be written, if it cuts no scale") {
  const auto x = random_floats(rows * cols);
  const auto want = quantize<squares>(view_of(x, rows, cols));
  packed<squares> w(rows, cols);
  quantize_into(w.span().rows(0, 8), matrix_view(x.data(), 8, cols));
  quantize_into(w.span().rows(8, 13), matrix_view(x.data() + 8 * cols, 13, cols));
  CHECK(same_bytes(w, want));
  CHECK(!try_quantize_into<squares>(w.span().rows(4, 8), view_of(x, 8, cols)));
}

TEST_CASE("matrices without rows or without columns") {
  for_each_type(list{}, []<class C>() {
    CAPTURE(C::name);
    for (const shape s : {shape{0, 96}, shape{5, 0}, shape{0, 0}}) {
      const auto w = try_quantize<C>(matrix_view<const float>(nullptr, s.rows, s.cols));
      REQUIRE(w);
      CHECK(try_dequantize(*w, matrix_view<float>(nullptr, s.rows, s.cols)));
      CHECK(try_decode_rows(*w, {}, matrix_view<float>(nullptr, 0, s.cols)));
    }
  });
}

}  // namespace
