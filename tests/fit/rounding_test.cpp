// Rules for rounding, against a search in double over all values.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/rounding.hpp"

#include <cmath>
#include <random>

#include "quern/catalog/gguf_numbers.hpp"
#include "quern/number/e8m0.hpp"
#include "quern/number/f32.hpp"
#include "quern/number/integer.hpp"
#include "support.hpp"

namespace {

using namespace quern;

// Every midpoint of neighbouring values of N and the floats next to it, and random quotients.
template <class N>
std::vector<float> quotients() {
  std::vector<float> q{0.0f, -0.0f, 1e30f, -1e30f};
  constexpr const auto& s = sorted<N>;
  for (std::size_t i = 0; i + 1 < s.size; ++i) {
    const auto m = static_cast<float>((static_cast<double>(s.value[i]) + static_cast<double>(s.value[i + 1])) / 2);
    for (const float x : {m, std::nextafter(m, -1e30f), std::nextafter(m, 1e30f), s.value[i]}) q.push_back(x);
  }
  std::mt19937 random(1);
  const float span = s.value[s.size - 1] - s.value[0];
  for (int i = 0; i < 2000; ++i)
    q.push_back(s.value[0] + span * (static_cast<float>(random() >> 8) / 0x1p24f * 1.2f - 0.1f));
  return q;
}

// Whether rule R prefers value b with code cb to a with ca, of values equally near.
bool prefers(rounding r, float a, std::uint32_t ca, float b, std::uint32_t cb) {
  const float ma = std::fabs(a), mb = std::fabs(b);
  switch (r) {
    case rounding::ties_down:
      return b < a;
    case rounding::ties_up:
      return b > a;
    case rounding::ties_to_zero:
      return mb < ma || (mb == ma && cb < ca);
    case rounding::ties_away:
      return mb > ma || (mb == ma && b > a);
    default:
      return false;
  }
}

template <class N, rounding R>
void check() {
  std::size_t wrong = 0;
  for (const float q : quotients<N>()) {
    std::uint32_t best = sorted<N>.code[0];
    for (std::size_t i = 0; i < sorted<N>.size; ++i) {
      const std::uint32_t c = sorted<N>.code[i];
      // Values rise, so c is nearer if q lies beyond the middle; twice the middle is exact in double.
      const double beyond = 2 * static_cast<double>(q),
                   middle = static_cast<double>(N::value(best)) + static_cast<double>(N::value(c));
      if (beyond > middle || (beyond == middle && prefers(R, N::value(best), best, N::value(c), c))) best = c;
    }
    wrong += round_to<N, R>(q) != best;
  }
  CHECK(wrong == 0);
}

template <class N>
void check_all() {
  check<N, rounding::ties_down>(), check<N, rounding::ties_up>();
  check<N, rounding::ties_to_zero>(), check<N, rounding::ties_away>();
}

TEST_CASE("rules for ties choose the nearest value, and of two the one they say") {
  check_all<offset_integer<4>>(), check_all<integer<8>>(), check_all<ternary>(), check_all<unsigned_integer<6>>();
  check_all<gguf::nl>(), check_all<gguf::e2m1_doubled>(), check_all<e2m1>(), check_all<e4m3>(), check_all<odd<4>>();
}

TEST_CASE("truncation is C's: add 0.5 less the first value, cut, keep within the codes") {
  for (const float q : quotients<offset_integer<4>>()) {
    const float t = q + 8.5f;
    CHECK(round_to<offset_integer<4>, rounding::truncate>(q) == (t < 1     ? 0u
                                                                 : t >= 15 ? 15u
                                                                           : static_cast<unsigned>(t)));
  }
  CHECK(round_to<unsigned_integer<5>, rounding::truncate>(2.5f) == 3);
  CHECK(round_to<unsigned_integer<5>, rounding::truncate>(0.49999997f) == 1);  // because 0.5 + it is 1 in f32
}

TEST_CASE("a stored number is finite, whatever is wanted") {
  const float infinity = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();
  const auto stored = [](auto n, float x) { return decltype(n)::value(nearest_finite<decltype(n)>(x)); };
  CHECK(stored(f16{}, 1e6f) == 65504);
  CHECK(stored(f16{}, -65520) == -65504);
  CHECK(stored(f16{}, 65519) == 65504);
  CHECK(stored(f16{}, infinity) == 65504);
  CHECK(stored(bf16{}, most) == bf16::value(bf16::largest));
  CHECK(stored(e5m2_inf{}, 1e9f) == 57344);
  CHECK(stored(e4m3_nan{}, 1e9f) == 448);
  CHECK(stored(e8m0{}, infinity) == 0x1p127f);
  CHECK(stored(f32{}, infinity) == most);
  CHECK(stored(f32{}, -infinity) == -most);
  CHECK(stored(f32{}, std::numeric_limits<float>::quiet_NaN()) == 0);
  CHECK(support::same(stored(f16{}, -0.0f), -0.0f));
  CHECK(stored(ue4m3{}, -3) == 0);
}

}  // namespace
