// Fields: where codes lie, that `compact` keeps its promise, that what goes in comes out.
// SPDX-License-Identifier: Apache-2.0
#include "quern/layout/field.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "quern/layout/group.hpp"
#include "quern/layout/plane.hpp"
#include "quern/layout/section.hpp"
#include "quern/layout/stream.hpp"
#include "quern/layout/strided.hpp"
#include "quern/layout/trits.hpp"

namespace {
using namespace quern;

// ---- places, written out ----

template <field F, std::size_t Count>
constexpr bool lies_at(run r, const std::size_t (&bits)[Count]) {
  for (std::size_t i = 0; i < Count; ++i)
    if (F::at(i, r).bit != bits[i]) return false;
  return true;
}
static_assert(lies_at<stream<codes>>({5, 3}, {0, 3, 6, 9, 12}) && stream<codes>::bytes({5, 3}) == 2);
static_assert(lies_at<stream<codes, 2, 4>>({3, 6}, {0, 2, 4}) && stream<codes, 2, 4>::holds({3, 6}).shift == 4);
static_assert(stream<codes>::holds({3, 6}).width == 6 && stream<codes, 2, 4>::holds({3, 6}).width == 2);
// Q4_0: code i in the low nibble of byte i, code i + 16 above it.
static_assert(lies_at<plane<codes, 4, 2>>({4, 4}, {0, 8, 4, 12}) && plane<codes, 4, 16>::at(17, {32, 4}).bit == 12);
static_assert(plane<codes, 2, 32>::at(128, {256, 2}).bit == 32 * 8 && plane<codes, 2, 32>::bytes({256, 2}) == 64);
// One run over all: HQQ's slabs, BitNet's.
static_assert(lies_at<plane<codes, 2, all>>({8, 2}, {0, 8, 2, 10, 4, 12, 6, 14}) &&
              plane<codes, 2, all>::bytes({8, 2}) == 2);
static_assert(lies_at<strided<codes, 4, 0, 2, axis<2, 8>, axis<2, 32>>>({4, 4}, {2, 10, 34, 42}));
static_assert(lies_at<strided<codes, 2, 0, 6, axis<4, std::size_t(-2)>>>({4, 2}, {6, 4, 2, 0}));  // from the top down
static_assert(strided<codes, 4, 0, 2, axis<2, 8>, axis<3, 32>>::holds({6, 4}).count == 6);
static_assert(strided<scale<1>, 4, 8, 44>::holds({1, 16}).count == 1 &&
              strided<scale<1>, 4, 8, 44>::at(0, {1, 16}).bit == 44);
static_assert(section<8, 4, stream<codes>>::holds({16, 4}).first == 8 &&
              section<8, 4, stream<codes>>::at(9, {16, 4}).bit == 4);
static_assert(section<8, 4, stream<codes>>::bytes({16, 4}) == 2 && section<8, 4, stream<codes>>::what == codes::id);
using again = repeated<32, 16, 24, plane<codes, 2, 8, 4>>;  // the second of two fields, of each 32 codes
static_assert(again::holds({96, 6}).count == 96 && again::holds({96, 6}).shift == 4 && again::bytes({96, 6}) == 0);
static_assert(again::at(0, {96, 6}).bit == 16 * 8 && again::at(8, {96, 6}).bit == 16 * 8 + 2);
static_assert(again::at(32 + 9, {96, 6}).bit == (24 + 16 + 1) * 8 + 2);

// ---- the promise of compact fields: distinct places, within their own bytes ----

template <field F>
bool keeps_promise(run r) {
  const slice held = F::holds(r);
  std::vector<bool> taken(F::bytes(r) * 8);
  for (std::size_t i = held.first; i < held.first + held.count; ++i) {
    const std::size_t bit = F::at(i, r).bit;
    for (std::size_t b = bit; b < bit + held.width; ++b) {
      if (b >= taken.size() || taken[b]) return false;
      taken[b] = true;
    }
  }
  // Where the bytes hold no more bits than the codes have, check.hpp marks them as one interval: none may be free.
  return F::bytes(r) * 8 != held.count * held.width ||
         std::all_of(taken.begin(), taken.end(), [](bool t) { return t; });
}
template <unsigned Width, std::size_t Stride>
bool planes_keep_promise() {
  for (std::size_t count = 0; count <= 300; ++count)
    if (!keeps_promise<plane<codes, Width, Stride>>({count, 8})) return false;
  return keeps_promise<plane<codes, Width, Stride>>({2048, 8});
}
template <std::size_t... Strides>
bool all_planes_keep_promise(std::index_sequence<Strides...>) {  // stride 0 is `all`
  return ((planes_keep_promise<1, Strides>() && planes_keep_promise<2, Strides>() &&
           planes_keep_promise<4, Strides>() && planes_keep_promise<8, Strides>()) &&
          ...);
}
TEST_CASE("planes of every width, stride and count hold every bit once, in their own bytes") {
  CHECK(all_planes_keep_promise(std::make_index_sequence<34>{}));
  CHECK(planes_keep_promise<4, 64>());
  CHECK(planes_keep_promise<1, 64>());
}
template <std::size_t... Widths>
bool all_streams_keep_promise(std::index_sequence<Widths...>) {
  bool ok = true;
  for (std::size_t count = 0; count <= 100; ++count) {
    ok = ok && (keeps_promise<stream<codes, Widths + 1>>({count, 32}) && ...);
    for (unsigned bits = 1; bits <= 32; ++bits) ok = ok && keeps_promise<stream<codes>>({count, bits});
    ok = ok && keeps_promise<section<3, 20, stream<codes, 5>>>({count, 5}) &&
         keeps_promise<section<3, 20, plane<codes, 2, 5>>>({count, 2});
  }
  return ok;
}
TEST_CASE("streams of every width and count do, too, and sections of them") {
  CHECK(all_streams_keep_promise(std::make_index_sequence<32>{}));
}
static_assert(compact_field<stream<codes>> && compact_field<plane<codes, 4, 16>> &&
              compact_field<section<0, 8, stream<codes>>>);
static_assert(!compact_field<strided<codes, 4, 0, 0>> && !compact_field<trits<codes, 32>> &&
              !compact_field<section<0, 8, trits<codes, 4>>>);

// ---- base 3 ----

static_assert(trits<codes, 4>::bytes({20, 2}) == 4 && trits<codes, 4>::bytes({21, 2}) == 8);
static_assert(trits<codes, 4>::at(5, {20, 2}).bit == 8 && trits<codes, 4>::at(5, {20, 2}).digit == 1);
static_assert(trits<codes, 4>::at(21, {40, 2}).bit == 5 * 8 && trits<codes, 4>::at(39, {40, 2}).digit == 4);

TEST_CASE("five digits go into a byte and come out") {
  for (std::uint32_t n = 0; n < 243; ++n) {
    std::uint32_t byte = 0;
    std::uint32_t digits[5] = {n / 81, n / 27 % 3, n / 9 % 3, n / 3 % 3, n % 3};
    for (unsigned d = 0; d < 5; ++d) byte = with_trit(byte, d, digits[d]);
    CHECK(byte == (n * 256 + 242) / 243);
    for (unsigned d = 0; d < 5; ++d) CHECK(trit_of(byte, d) == digits[d]);
    // One digit changes alone.
    for (unsigned d = 0; d < 5; ++d) {
      const std::uint32_t other = with_trit(byte, d, (digits[d] + 1) % 3);
      for (unsigned e = 0; e < 5; ++e) CHECK(trit_of(other, e) == (e == d ? (digits[d] + 1) % 3 : digits[e]));
    }
  }
}
TEST_CASE("a byte that no encoder writes has digits, too") {
  for (std::uint32_t byte = 0; byte < 256; ++byte)
    for (unsigned d = 0; d < 5; ++d) CHECK(trit_of(byte, d) <= 2);
}

// ---- a user's field ----

struct every_other_bit {
  static constexpr part what = codes::id;
  static constexpr slice holds(run r) { return {0, r.count, 0, 1}; }
  static constexpr place at(std::size_t i, run) { return {2 * i}; }
  static constexpr std::size_t bytes(run r) { return (2 * r.count + 7) / 8; }
};
struct no_place {
  static constexpr part what = codes::id;
  static constexpr slice holds(run r) { return {0, r.count, 0, 1}; }
  static constexpr std::size_t bytes(run r) { return r.count; }
};
static_assert(field<every_other_bit> && !compact_field<every_other_bit> && !field<no_place> && !field<codes> &&
              !field<sequence<>>);

}  // namespace
