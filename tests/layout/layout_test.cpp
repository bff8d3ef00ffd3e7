// Orders, arrangements, and the walk through a unit.
// SPDX-License-Identifier: Apache-2.0
#include "quern/layout/layout.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "quern/layout/plane.hpp"
#include "quern/layout/stream.hpp"
#include "quern/layout/strided.hpp"

namespace {
using namespace quern;

// ---- orders ----

static_assert(row_major::at(7, {2, 4}) == coord{1, 3} && row_major::position({1, 3}, {2, 4}) == 7);
static_assert(interleaved<1>::at(1, {3, 4}) == coord{1, 0});   // column-major
static_assert(interleaved<4>::at(5, {16, 8}) == coord{1, 1});  // columns in fours, rows below each other
static_assert(interleaved<4>::at(64, {16, 8}) == coord{0, 4});
static_assert(permuted<0, 2, 4, 6, 1, 3, 5, 7>::at(1, {1, 16}) == coord{0, 2} &&
              permuted<0, 2, 4, 6, 1, 3, 5, 7>::at(12, {1, 16}) == coord{0, 9});
static_assert(order<row_major> && order<interleaved<4>> && order<permuted<1, 0>> && !order<by_rows> && !order<int>);

template <order O>
bool one_to_one(shape grid) {
  std::vector<bool> seen(grid.count());
  for (std::size_t p = 0; p < grid.count(); ++p) {
    const coord c = O::at(p, grid);
    if (c.row >= grid.rows || c.col >= grid.cols || O::position(c, grid) != p) return false;
    seen[c.row * grid.cols + c.col] = true;
  }
  for (const bool s : seen)
    if (!s) return false;
  return true;
}
TEST_CASE("orders map positions one to one onto grids that hold whole runs") {
  for (std::size_t rows = 1; rows <= 20; ++rows)
    for (std::size_t cols = 1; cols <= 20; ++cols) {
      const shape grid{rows, cols};
      CHECK(one_to_one<row_major>(grid));
      CHECK(one_to_one<interleaved<1>>(grid));
      if (cols % 4 == 0) CHECK(one_to_one<interleaved<4>>(grid));
      if (cols % 3 == 0) CHECK(one_to_one<interleaved<3>>(grid));
      if (grid.count() % 2 == 0) CHECK(one_to_one<permuted<1, 0>>(grid));
      if (grid.count() % 8 == 0) CHECK(one_to_one<permuted<0, 2, 4, 6, 1, 3, 5, 7>>(grid));
    }
  CHECK(!one_to_one<interleaved<4>>({2, 6}));
  CHECK(!one_to_one<permuted<1, 1>>({1, 2}));
}

// ---- arrangements ----

static_assert(by_rows::byte({1, 2}, {3, 4}, 5, 10) == 65 && by_columns::byte({1, 2}, {3, 4}, 5, 10) == 75);
// 96 bits of codes of 3 bits, as three words; word w of a column lies in row w of the words' matrix of 4 columns.
static_assert(word_rows<4>::byte({2, 0}, {4, 1}, 0, 12) == 8 &&
              word_rows<4>::byte({2, 0}, {4, 1}, 5, 12) == 16 + 8 + 1);
static_assert(word_rows<4>::byte({0, 1}, {4, 2}, 0, 12) == 48);

template <arrangement A>
bool fills(shape units, std::size_t size) {
  std::vector<bool> seen(units.count() * size);
  for (std::size_t r = 0; r < units.rows; ++r)
    for (std::size_t c = 0; c < units.cols; ++c)
      for (std::size_t b = 0; b < size; ++b) {
        const std::size_t at = A::byte({r, c}, units, b, size);
        if (at >= seen.size() || seen[at]) return false;
        seen[at] = true;
      }
  return true;
}
TEST_CASE("every byte of every unit has a place of its own, and no place is left") {
  for (std::size_t rows = 1; rows <= 6; ++rows)
    for (std::size_t cols = 1; cols <= 6; ++cols)
      for (const std::size_t size : {4u, 12u, 20u}) {
        CHECK(fills<by_rows>({rows, cols}, size));
        CHECK(fills<by_columns>({rows, cols}, size));
        CHECK(fills<word_rows<4>>({rows, cols}, size));
        CHECK(fills<word_rows<2>>({rows, cols}, size));
      }
}

// ---- the fields of a unit ----

struct seen {
  std::size_t byte;
  bool plain_order;
};
template <class... Order, class... F>
std::vector<seen> seen_at(type_list<ordered_field<Order, F>...>, const std::vector<std::size_t>& begin) {
  std::vector<seen> s;
  (s.push_back({begin[s.size()], std::is_same_v<Order, row_major>}), ...);
  return s;
}
template <class Fields>
std::vector<seen> fields_of(std::size_t& size) {
  using below = fields_below<Fields, row_major>;
  std::vector<std::size_t> begin(below::list::size);
  std::size_t* next = begin.data();
  size = below::put(0, [](part p) { return p == codes::id ? run{64, 6} : run{2, 16}; }, next);
  CHECK(next == begin.data() + begin.size());
  return seen_at(typename below::list{}, begin);
}
TEST_CASE("fields lie one after the other, shared ones begin together") {
  std::size_t size = 0;
  const auto s = fields_of<sequence<stream<scale<>>, shared<5, strided<scale<>, 4, 0, 0>, strided<scale<>, 4, 4, 8>>,
                                 ordered<interleaved<4>, plane<codes, 4, 16>>, plane<codes, 2, 8, 4>>>(size);
  REQUIRE(s.size() == 5);
  CHECK(s[0].byte == 0);
  CHECK(s[1].byte == 4);
  CHECK(s[2].byte == 4);
  CHECK(s[3].byte == 9);
  CHECK(!s[3].plain_order);
  CHECK(s[4].byte == 9 + 32);
  CHECK(s[4].plain_order);
  CHECK(size == 9 + 32 + 16);
}
TEST_CASE("the fields of a repeat lie together for each run of positions") {
  std::size_t size = 0;
  const auto s = fields_of<sequence<stream<scale<>>, repeat<32, plane<codes, 4, 16>, plane<codes, 2, 8, 4>>>>(size);
  REQUIRE(s.size() == 3);
  CHECK(s[1].byte == 4);
  CHECK(s[2].byte == 4);
  CHECK(size == 4 + 2 * 24);
}

// ---- concepts ----

using one_block = blocked<32, stream<scale<>>, stream<codes>>;
static_assert(layout<one_block> && one_block::arrays == 1 && one_block::array<0>::unit == shape{1, 32});
static_assert(
    layout<separate<array<unit<1, 2>, by_rows, stream<codes>>, array<unit<1, all>, by_columns, stream<scale<>>>>>);
static_assert(!layout<stream<codes>> && !layout<separate<>> && !layout<unit<1, 2>> && !layout<int>);
struct by_hand {  // a user's own layout
  static constexpr std::size_t arrays = 1;
  struct only {
    static constexpr shape unit{1, 8};
    using arrangement = by_rows;
    using fields = sequence<stream<codes>>;
  };
  template <std::size_t>
  using array = only;
};
static_assert(layout<by_hand>);

}  // namespace
