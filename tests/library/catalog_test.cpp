// The compiled catalogue: every preset of it links, and works by its name.
// SPDX-License-Identifier: Apache-2.0
#include "quern/quern.hpp"
#include "support.hpp"

namespace {
using namespace quern;

static_assert(concat<QUERN_ALL_LISTS>::type::size == catalog::size, "a family is missing in cmake/quern_catalog.cmake");
using built = concat<QUERN_BUILT_LISTS>::type;

// Rows and columns that every preset takes.
constexpr std::size_t rows = 128, cols = 512;

template <class C>
void check() {
  CAPTURE(name<C>);
  auto w = packed<C>::try_make(rows, cols);
  REQUIRE_MESSAGE(w, (w ? "" : w.error().text()));
  support::random_source random(1);
  std::vector<std::span<const std::byte>> arrays;
  for (std::size_t i = 0; i < C::layout::arrays; ++i) {
    random.fill(w->array(i));
    arrays.push_back(w->array(i));
  }
  const auto v = any_view::try_make<built>(name<C>, arrays, rows, cols);
  REQUIRE(v);
  CHECK(v->name() == name<C>);
  std::vector<float> own(rows * cols), tiled(rows * cols), x(cols, 1.0f), y(rows);
  CHECK(v->try_dequantize(matrix_view<float>(own.data(), rows, cols)));
  if (const auto t = v->try_tiled()) {  // base 3 has bytes that no tile holds
    CHECK((*t)->try_dequantize(matrix_view<float>(tiled.data(), rows, cols)));
    CHECK(support::differences(own, tiled) == 0);
    CHECK((*t)->try_matmul(matrix_view<const float>(x.data(), 1, cols), matrix_view<float>(y.data(), 1, rows)));
  }
  if constexpr (scalar_format<typename C::number>)
    CHECK(try_quantize_into<C>(w->span(), matrix_view<const float>(own.data(), rows, cols), {{}, nonfinite::saturate}));
}

TEST_CASE("every preset of the compiled catalogue works by its name") {
  for_each_type(built{}, []<class C>() { check<C>(); });
}

}  // namespace
