// Codecs that are known at run time only.
// SPDX-License-Identifier: Apache-2.0
#include "quern/api/any_packed.hpp"

#include "api/codecs.hpp"
#include "api/threads.hpp"
#include "quern/api/by_name.hpp"

namespace {
using namespace api;

constexpr std::size_t m = 3, n = 40, k = 96;

// A list of one's own: some of the catalogue is as good a part of it as one's own codecs.
struct formats : concat<type_list<blocks, zero_points>, type_list<squares>>::type {};

template <class C>
std::vector<std::span<const std::byte>> arrays_of(const packed<C>& w) {
  std::vector<std::span<const std::byte>> arrays;
  for (std::size_t i = 0; i < C::layout::arrays; ++i) arrays.push_back(w.array(i));
  return arrays;
}

TEST_CASE("a matrix found by name does what its codec does") {
  for_each_type(formats{}, []<class C>() {
    CAPTURE(C::name);
    const auto w = quantize<C>(view_of(random_floats(n * k), n, k));
    const any_view v = any_view::make<formats>(C::name, arrays_of(w), n, k);
    CHECK(v.name() == C::name);
    CHECK(v.rows() == n);
    CHECK(v.cols() == k);
    CHECK(!v.is_tiled());
    CHECK(v.arrays() == C::layout::arrays);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < v.arrays(); ++i) {
      bytes += w.array(i).size();
      CHECK(v.array(i).data() == w.array(i).data());
    }
    CHECK(v.bytes() == bytes);

    std::vector<float> a(n * k), b(n * k);
    v.dequantize(view_of(a, n, k));
    dequantize(w, view_of(b, n, k));
    CHECK(support::differences(a, b) == 0);

    const std::vector<std::uint32_t> rows{39, 0};
    std::vector<float> c(2 * k), d(2 * k);
    v.decode_rows(rows, view_of(c, 2, k));
    decode_rows(w, rows, view_of(d, 2, k));
    CHECK(support::differences(c, d) == 0);

    const auto x = random_floats(m * k, 5);
    std::vector<float> y(m * n), z(m * n);
    std::vector<std::byte> scratch(v.scratch_bytes(m));
    v.matmul(view_of(x, m, k), view_of(y, m, n), scratch);
    matmul(w, view_of(x, m, k), view_of(z, m, n));
    CHECK(support::differences(y, z) == 0);

    // Tiles, and tiles of tiles, hold the same numbers.
    test_threads two(2);
    const any_packed tiles = v.tiled(two.executor());
    CHECK(tiles->is_tiled());
    CHECK(tiles->rows() == n);
    tiles->dequantize(view_of(a, n, k));
    CHECK(support::differences(a, b) == 0);
    const any_packed again = tiles.view().tiled();
    again->dequantize(view_of(a, n, k));
    CHECK(support::differences(a, b) == 0);
    tiles->matmul(view_of(x, m, k), view_of(y, m, n));
    matmul(transcode<tiled<C>>(w), view_of(x, m, k), view_of(z, m, n));
    CHECK(support::differences(y, z) == 0);
  });
}

TEST_CASE("rows of a view are a view") {
  const auto w = quantize<zero_points>(view_of(random_floats(n * k), n, k));
  const any_view part = any_view(w).rows(10, 12).rows(2, 5);
  CHECK(part.rows() == 5);
  std::vector<float> a(5 * k), b(5 * k);
  part.dequantize(view_of(a, 5, k));
  dequantize(w.view().rows(12, 5), view_of(b, 5, k));
  CHECK(support::differences(a, b) == 0);
  const any_packed tiles = part.tiled();
  tiles->dequantize(view_of(a, 5, k));
  CHECK(support::differences(a, b) == 0);
  CHECK(!any_view(w).try_rows(30, 11));
  CHECK(!tiles->rows(1, 3).try_tiled());
  CHECK_THROWS_AS(any_view(w).rows(n + 1, 0), error);
}

TEST_CASE("a GGUF id finds its codec") {
  const auto w = quantize<blocks>(view_of(random_floats(n * k), n, k));
  const any_view v = any_view::make<formats>(blocks::gguf_id, w.array(0), n, k);
  CHECK(v.name() == "test.blocks");
  CHECK(!any_view::try_make<formats>(4002, w.array(0), n, k));
  CHECK(!any_view::try_make<formats>(-1, w.array(0), n, k));
  CHECK_THROWS_AS(any_view::make<formats>(4002, w.array(0), n, k), error);
}

TEST_CASE("what does not fit is refused") {
  const auto w = quantize<blocks>(view_of(random_floats(n * k), n, k));
  const auto arrays = arrays_of(w);
  CHECK(!any_view::try_make<formats>("test.nothing", arrays, n, k));
  CHECK(!any_view::try_make<formats>("", arrays, n, k));
  const auto rows = any_view::try_make<formats>("test.blocks", arrays, n + 1, k);
  REQUIRE(!rows);
  CHECK(rows.error().value == w.array(0).size());
  const std::array two{w.array(0), w.array(0)};
  CHECK(!any_view::try_make<formats>("test.blocks", two, n, k));
  CHECK_THROWS_AS(any_view::make<formats>("test.zero_points", arrays, n, k), error);
}

TEST_CASE("shapes are checked behind the view, too") {
  const auto w = quantize<blocks>(view_of(random_floats(n * k), n, k));
  const any_view v(w);
  std::vector<float> y(m * n), out(n * k);
  CHECK(!v.try_dequantize(view_of(out, n - 1, k)));
  CHECK(!v.try_decode_rows(std::vector<std::uint32_t>{n}, view_of(out, 1, k)));
  CHECK(!v.try_matmul(view_of(out, m, k - 1), view_of(y, m, n)));
  CHECK_THROWS_AS(v.matmul(view_of(out, m, k), view_of(y, m, n - 1)), error);
}

TEST_CASE("an empty view refuses everything") {
  const any_view none;
  CHECK(none.name().empty());
  CHECK(none.rows() == 0);
  CHECK(none.bytes() == 0);
  CHECK(!none.try_dequantize({}));
  CHECK(!none.try_decode_rows({}, {}));
  CHECK(!none.try_matmul({}, {}));
  CHECK(!none.try_tiled());
}

TEST_CASE("any_packed owns its bytes and moves") {
  std::vector<float> a(n * k), b(n * k);
  any_packed p;
  {
    auto w = quantize<squares>(view_of(random_floats(n * k), n, k));
    dequantize(w, view_of(b, n, k));
    any_packed q(std::move(w));
    p = std::move(q);
  }
  CHECK(p->name() == "test.squares");
  p->dequantize(view_of(a, n, k));
  CHECK(support::differences(a, b) == 0);
}

}  // namespace
