// Views of matrices, and what a failure says.
// SPDX-License-Identifier: Apache-2.0
#include "quern/base/matrix_view.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <string>

namespace {
using namespace quern;
constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

static_assert([] {
  float data[6] = {1, 2, 3, 4, 5, 6};
  const auto m = *matrix_view<float>::try_make(data, 2, 2, 3);
  m(1, 1) = 9;
  const matrix_view<const float> read = m;
  return read(1, 0) == 4 && data[4] == 9 && read.row(1) == data + 3 && read.size() == shape{2, 2} &&
         read.row_stride() == 3;
}());
static_assert(!std::is_convertible_v<matrix_view<const float>, matrix_view<float>>);
static_assert(matrix_view<float>{}.rows() == 0 && matrix_view<float>{}.data() == nullptr);

template <class T>
std::string why(T* data, std::size_t rows, std::size_t cols, std::size_t row_stride) {
  const auto m = matrix_view<T>::try_make(data, rows, cols, row_stride);
  return m ? "" : m.error().text();
}

TEST_CASE("a view is refused where its numbers contradict each other") {
  float x[8] = {};
  CHECK(why(x, 2, 4, 4).empty());
  CHECK(why(x, 2, 3, 4).empty());
  CHECK(why(x, 2, 4, 3) == "matrix_view: the row stride must be at least the number of columns (value 3, against 4)");
  CHECK(why<float>(nullptr, 2, 4, 4) == "matrix_view: data is null (value 2, against 4)");
  CHECK(why<float>(nullptr, 0, 4, 4).empty());
  CHECK(why<float>(nullptr, 2, 0, 0).empty());
}

TEST_CASE("a view whose size overflows is refused") {
  float x = 0;
  CHECK(why(&x, most, 2, 2) == "matrix_view: rows x row stride overflows (value 18446744073709551615, against 2)");
  CHECK(!why(&x, most / 4, 1, 4).empty());
  CHECK(!why(&x, std::size_t{1} << 62, 1, 1).empty());  // elements fit, bytes do not
  f16_t h{};
  CHECK(why(&h, std::size_t{1} << 62, 1, 1).empty());
  CHECK(!why(&h, std::size_t{1} << 63, 1, 1).empty());
}

TEST_CASE("the throwing spelling throws what try_make says") {
  float x[4] = {};
  CHECK(matrix_view<float>(x, 2, 2)(1, 1) == 0);
  CHECK_THROWS_WITH_AS(matrix_view<float>(x, 2, 2, 1),
                       "matrix_view: the row stride must be at least the number of columns (value 1, against 2)",
                       error);
}

// ---- results ----

static_assert(result<int>(3).has_value() && *result<int>(3) == 3);
static_assert(!result<int>(failure{"no", "here", 1, 2}) && result<int>(failure{"no", "here", 1, 2}).error().value == 1);
static_assert(result<void>{}.has_value() && !result<void>{failure{}});

TEST_CASE("a failure says where, what, and the numbers") {
  CHECK(failure{"too large", "read, size", 5, 4}.text() == "read, size: too large (value 5, against 4)");
  CHECK(failure{"empty", "read", 0}.text() == "read: empty (value 0)");
}
TEST_CASE("a result moves what it holds") {
  result<std::unique_ptr<int>> r(std::make_unique<int>(7));
  CHECK(**r == 7);
  const std::unique_ptr<int> p = *std::move(r);
  CHECK(*p == 7);
  CHECK(r.has_value());
}
TEST_CASE("value_or_throw gives the value or throws the failure") {
  CHECK(value_or_throw(result<int>(3)) == 3);
  CHECK_NOTHROW(value_or_throw(result<void>{}));
  try {
    value_or_throw(result<void>(failure{"broken", "there", 8, 9}));
    FAIL("nothing was thrown");
  } catch (const error& e) {
    CHECK(std::string(e.what()) == "there: broken (value 8, against 9)");
    CHECK(e.details().bound == 9);
  }
}

}  // namespace
