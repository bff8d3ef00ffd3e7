// Values of GGUF metadata: what a program gets from what a file has, and what it does not get.
// SPDX-License-Identifier: Apache-2.0
#include "quern/io/gguf_values.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <ranges>
#include <string>
#include <vector>

#include "io/gguf_bytes.hpp"

namespace {

using namespace quern;
using io::gguf_value;
using io::gguf_value_type;

static_assert(std::ranges::forward_range<io::gguf_strings>);

template <class T>
std::string refused(const io::result<T>& r) {
  return r ? "" : r.error().what;
}
gguf_value array(gguf_value_type element, std::size_t count, const support::gguf_bytes& b) {
  return gguf_value::array_at(element, count, b.bytes());
}

TEST_CASE("types of values have their numbers and sizes") {
  const unsigned sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  for (unsigned i = 0; i < 13; ++i) CHECK(io::gguf_value_bytes(static_cast<gguf_value_type>(i)) == sizes[i]);
  CHECK(io::gguf_value_bytes(static_cast<gguf_value_type>(13)) == 0);
  CHECK(io::gguf_value_bytes(static_cast<gguf_value_type>(~0u)) == 0);
  CHECK(gguf_value(std::uint8_t{}).type() == gguf_value_type::uint8);
  CHECK(gguf_value(std::int8_t{}).type() == gguf_value_type::int8);
  CHECK(gguf_value(std::uint16_t{}).type() == gguf_value_type::uint16);
  CHECK(gguf_value(std::int16_t{}).type() == gguf_value_type::int16);
  CHECK(gguf_value(1u).type() == gguf_value_type::uint32);
  CHECK(gguf_value(1).type() == gguf_value_type::int32);
  CHECK(gguf_value(1.0f).type() == gguf_value_type::float32);
  CHECK(gguf_value(true).type() == gguf_value_type::boolean);
  CHECK(gguf_value("a").type() == gguf_value_type::string);
  CHECK(gguf_value(1ull).type() == gguf_value_type::uint64);
  CHECK(gguf_value(1ll).type() == gguf_value_type::int64);
  CHECK(gguf_value(1.0).type() == gguf_value_type::float64);
  CHECK(static_cast<unsigned>(gguf_value_type::float64) == 12);
}

TEST_CASE("an integer of any width is any integer that can hold it") {
  CHECK(gguf_value(std::int8_t{-100}).try_get<std::int64_t>().value() == -100);
  CHECK(gguf_value(std::int16_t{-1}).try_get<std::int8_t>().value() == -1);
  CHECK(gguf_value(std::int64_t{77}).try_get<std::uint8_t>().value() == 77);
  CHECK(gguf_value(~std::uint64_t{0}).try_get<std::uint64_t>().value() == ~std::uint64_t{0});
  CHECK(gguf_value(std::numeric_limits<std::int64_t>::min()).try_get<std::int64_t>().value() ==
        std::numeric_limits<std::int64_t>::min());
  const std::string what = "the integer does not fit";
  CHECK(refused(gguf_value(300u).try_get<std::uint8_t>()) == what);
  CHECK(refused(gguf_value(-1).try_get<std::uint64_t>()) == what);
  CHECK(refused(gguf_value(std::int8_t{-1}).try_get<std::uint8_t>()) == what);
  CHECK(refused(gguf_value(~std::uint64_t{0}).try_get<std::int64_t>()) == what);
  CHECK(refused(gguf_value(std::uint64_t{1} << 63).try_get<std::int64_t>()) == what);
  CHECK(refused(gguf_value(std::int64_t{1} << 32).try_get<std::uint32_t>()) == what);
  for (const gguf_value& v : {gguf_value(1.0f), gguf_value(true), gguf_value("1"), gguf_value(2.0)})
    CHECK(refused(v.try_get<int>()) == "the value is not an integer");
}

TEST_CASE("floats and bools are what they are") {
  CHECK(gguf_value(1.5f).try_get<double>().value() == 1.5);
  CHECK(gguf_value(0.1).try_get<double>().value() == 0.1);
  CHECK(gguf_value(0.5).try_get<float>().value() == 0.5f);
  CHECK(refused(gguf_value(0.1).try_get<float>()) == "the number does not fit a float");
  CHECK(refused(gguf_value(1e300).try_get<float>()) == "the number does not fit a float");
  CHECK(refused(gguf_value(-1e300).try_get<float>()) == "the number does not fit a float");
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(gguf_value(-infinity).try_get<float>().value() == -std::numeric_limits<float>::infinity());
  const auto nan = gguf_value(std::numeric_limits<double>::quiet_NaN()).try_get<float>();
  REQUIRE(nan);
  CHECK(*nan != *nan);
  CHECK(refused(gguf_value(1).try_get<float>()) == "the value is not a float");
  CHECK(gguf_value(true).try_get<bool>().value());
  CHECK(!gguf_value(false).try_get<bool>().value());
  CHECK(refused(gguf_value(1u).try_get<bool>()) == "the value is not a bool");
}

TEST_CASE("strings are views") {
  const std::string s("a\0b", 3);
  CHECK(gguf_value(s).try_get<std::string_view>().value() == s);
  CHECK(gguf_value("").try_get<std::string_view>().value().empty());
  CHECK(refused(gguf_value(1).try_get<std::string_view>()) == "the value is not a string");
}

TEST_CASE("an array is read as what it is and as nothing else") {
  support::gguf_bytes b;
  for (int i = 0; i < 4; ++i) b.number<std::int16_t>(static_cast<std::int16_t>(-i));
  const gguf_value v = array(gguf_value_type::int16, 4, b);
  CHECK(v.is_array());
  CHECK(v.count() == 4);
  const auto a = v.try_get<io::gguf_array<std::int16_t>>();
  REQUIRE(a);
  REQUIRE(a->size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK((*a)[i] == -static_cast<int>(i));
  CHECK(refused(v.try_get<io::gguf_array<float>>()) == "the array's elements are of another type");
  CHECK(refused(v.try_get<io::gguf_array<std::uint16_t>>()) == "the array's elements are of another type");
  CHECK(refused(v.try_get<io::gguf_strings>()) == "the value is not an array of strings");
  CHECK(refused(v.try_get<int>()) == "the value is not an integer");
  CHECK(refused(v.try_get<std::string_view>()) == "the value is not a string");
  CHECK(refused(gguf_value(1).try_get<io::gguf_array<int>>()) == "the value is not an array");
  CHECK(v.try_at<long long>(3).value() == -3);
  CHECK(refused(v.try_at<unsigned>(3)) == "the integer does not fit");
  CHECK(refused(v.try_at<float>(0)) == "the value is not a float");
  const auto beyond = v.try_at<int>(4);
  CHECK(refused(beyond) == "beyond the end of the array");
  CHECK(beyond.error().value == 4);
  CHECK(beyond.error().bound == 4);
  CHECK(refused(gguf_value(1).try_at<int>(0)) == "the value is not an array");
}

TEST_CASE("numbers of arrays are little-endian at any address") {
  support::gguf_bytes b;
  b.raw("?").number<double>(-0.1).number<double>(7);
  const auto a = gguf_value::array_at(gguf_value_type::float64, 2, b.bytes().subspan(1)).get<io::gguf_array<double>>();
  CHECK(a[0] == -0.1);
  CHECK(a[1] == 7);
  CHECK(gguf_value::number_at(gguf_value_type::int32, support::gguf_bytes().n32(~0u).bytes().data()) == gguf_value(-1));
}

TEST_CASE("strings of an array are walked") {
  support::gguf_bytes b;
  b.string("one").string("").string("three");
  const gguf_value v = array(gguf_value_type::string, 3, b);
  const auto s = v.get<io::gguf_strings>();
  CHECK(s.size() == 3);
  CHECK(std::vector<std::string_view>(s.begin(), s.end()) == std::vector<std::string_view>{"one", "", "three"});
  CHECK(refused(v.try_at<int>(0)) == "the elements are strings, not numbers");
  CHECK(refused(v.try_get<io::gguf_array<std::uint8_t>>()) == "the array's elements are of another type");
  const auto none = array(gguf_value_type::string, 0, {}).get<io::gguf_strings>();
  CHECK(none.begin() == none.end());
}

TEST_CASE("values are equal if they are of one type and the same to the bit") {
  CHECK(gguf_value(1) == gguf_value(1));
  CHECK(gguf_value(1) != gguf_value(2));
  CHECK(gguf_value(1) != gguf_value(1u));
  CHECK(gguf_value(0.0f) != gguf_value(-0.0f));
  CHECK(gguf_value("ab") == gguf_value(std::string("ab")));
  CHECK(gguf_value("ab") != gguf_value("ac"));
  CHECK(gguf_value("") == gguf_value(std::string_view()));
  support::gguf_bytes b;
  b.n32(1).n32(2);
  CHECK(array(gguf_value_type::int32, 2, b) == array(gguf_value_type::int32, 2, b));
  CHECK(array(gguf_value_type::int32, 2, b) != array(gguf_value_type::uint32, 2, b));
  CHECK(array(gguf_value_type::int32, 0, {}) != array(gguf_value_type::int64, 0, {}));
}

TEST_CASE("the throwing spellings throw") {
  CHECK(gguf_value(1).get<int>() == 1);
  CHECK_THROWS_AS(gguf_value(1).get<bool>(), io::file_error);
  CHECK_THROWS_AS(gguf_value(1).at<int>(0), io::file_error);
}

}  // namespace
