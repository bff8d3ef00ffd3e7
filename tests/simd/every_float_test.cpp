// Every float to every 8-bit float: the encode kernel of the best target against the intervals of floats that the reference
// gives each code, and these against halves between neighbouring values, reckoned in double.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "quern/number/minifloat.hpp"
#include "quern/storage/packed.hpp"

using namespace quern;

namespace {

// Bits of floats of one sign, from zero on: those below are finite.
constexpr std::uint32_t infinity_bits = 0x7f800000, nan_end = 0x80000000;

// The first float of a code, in the order of magnitudes; the sign apart.
struct interval {
  std::uint32_t first, code;
};

// The codes that finite floats of one sign become: found by bisection, so each but once.
template <scalar_format N>
std::vector<interval> intervals_of(std::uint32_t sign) {
  const auto code_of = [&](std::uint32_t bits) { return nearest<N>(float_from_bits(sign | bits)); };
  std::vector<interval> list{{0, code_of(0)}};
  while (list.back().code != code_of(infinity_bits - 1)) {
    std::uint32_t same = list.back().first, other = infinity_bits - 1;
    while (other - same > 1) {
      const std::uint32_t middle = same + (other - same) / 2;
      (code_of(middle) == list.back().code ? same : other) = middle;
    }
    list.push_back({other, code_of(other)});
  }
  return list;
}

// Codes follow each other, and each begins at the half between its value and the one before: there if it is even, else
// at the next float. What is no number stands for the value that would come next.
template <scalar_format N>
void check_halves(const std::vector<interval>& list) {
  const auto value_of = [](std::uint32_t code) { return static_cast<double>(magnitude(N::value(code))); };
  for (std::size_t i = 1; i < list.size(); ++i) {
    const std::uint32_t code = list[i].code;
    CAPTURE(code);
    REQUIRE(code == list[i - 1].code + 1);
    const double before = value_of(code - 1);
    const double here = is_finite(N::value(code)) ? value_of(code) : 2 * before - value_of(code - 2);
    const double half = before + (here - before) / 2;
    const float first = float_from_bits(list[i].first), last = float_from_bits(list[i].first - 1);
    if (code % 2 == 0) CHECK((first >= half && last < half));
    else CHECK((first > half && last <= half));
  }
}

// As many floats as are encoded at a time.
constexpr std::uint32_t piece = 1 << 13;
static_assert(infinity_bits % piece == 0);

#if defined(__OPTIMIZE__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool all_pieces = true;
#else
constexpr bool all_pieces = false;  // slow builds and emulated machines: those in which the code changes
#endif

bool all_are(const std::byte* codes, std::size_t count, std::uint32_t code) {
  return codes[0] == static_cast<std::byte>(code) && std::memcmp(codes, codes + 1, count - 1) == 0;
}

// How many pieces of the finite floats of a sign have a code that is not that of their interval.
template <scalar_format N>
std::size_t wrong_pieces(std::uint32_t sign, const std::vector<interval>& list) {
  using C = codec<N, levels<>>;
  using kernels = encoding_kernels<encoding<C, fit_of<C>>>;
  std::vector<float> x(piece);
  packed<C> out(1, piece);
  const std::byte* const codes = out.view().array(0).data();
  std::size_t wrong = 0, k = 0;
  for (std::uint32_t first = 0; first < infinity_bits; first += piece) {
    const auto end_of = [&] { return k + 1 < list.size() ? list[k + 1].first : infinity_bits; };
    if (!all_pieces && end_of() >= first + piece) continue;
    for (std::uint32_t i = 0; i < piece; ++i) x[i] = float_from_bits(sign | (first + i));
    kernels::encode({x.data(), 1, piece}, out.span());
    for (std::uint32_t at = first; at < first + piece;) {
      const std::uint32_t end = std::min(first + piece, end_of());
      if (end > at && !all_are(codes + (at - first), end - at, list[k].code)) ++wrong;
      at = end;
      if (at == end_of()) ++k;
    }
  }
  return wrong;
}

// Infinities count as the greatest floats and NaNs as 0 where they are not refused.
template <scalar_format N>
std::size_t wrong_nonfinite(std::uint32_t sign) {
  using C = codec<N, levels<>>;
  static_assert(N::bits == 8);
  std::vector<float> x(piece);
  packed<C> out(1, piece);
  const auto encoded = [&](nonfinite policy) {
    return encode_by_kernels<C, fit_of<C>, HWY_TARGETS>({x.data(), 1, piece}, out.span(), {}, policy);
  };
  const auto greatest = static_cast<std::byte>(nearest<N>(float_from_bits(sign | (infinity_bits - 1)))),
             zero = static_cast<std::byte>(nearest<N>(0));
  std::size_t wrong = 0;
  for (std::uint32_t first = infinity_bits; first < nan_end; first += all_pieces ? piece : 64 * piece) {
    for (std::uint32_t i = 0; i < piece; ++i) x[i] = float_from_bits(sign | (first + i));
    wrong += encoded(nonfinite::refuse).has_value();
    wrong += !encoded(nonfinite::saturate);
    for (std::uint32_t i = 0; i < piece; ++i)
      wrong += out.view().array(0)[i] != (first + i == infinity_bits ? greatest : zero);
  }
  return wrong;
}

template <scalar_format N>
void check_every_float() {
  for (const std::uint32_t sign : {0u, 0x80000000u}) {
    CAPTURE(sign);
    const std::vector<interval> list = intervals_of<N>(sign);
    CHECK(list.size() == (sign != 0 && N::sign_bit == 0 ? 1 : (list.back().code & ~N::sign_bit) + 1));
    check_halves<N>(list);
    CHECK(wrong_pieces<N>(sign, list) == 0);
    CHECK(wrong_nonfinite<N>(sign) == 0);
  }
}

}  // namespace

TEST_CASE("every float becomes the nearest E4M3, saturated") { check_every_float<e4m3>(); }
TEST_CASE("every float becomes the nearest E4M3 or NaN") { check_every_float<e4m3_nan>(); }
TEST_CASE("every float becomes the nearest E5M2, saturated") { check_every_float<e5m2>(); }
TEST_CASE("every float becomes the nearest E5M2 or infinity") { check_every_float<e5m2_inf>(); }
TEST_CASE("every float becomes the nearest E4M3 of numbers only") {
  check_every_float<minifloat<4, 3, 7, special::none>>();
}
TEST_CASE("every float becomes the nearest E5M3 without a sign") {
  check_every_float<minifloat<5, 3, 15, special::nan, overflow::saturate, false>>();
}
