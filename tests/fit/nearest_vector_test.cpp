// Rounding to vector formats, against trying every code; encoding of codecs whose codes are vectors.
// SPDX-License-Identifier: Apache-2.0
#include "quern/fit/nearest_vector.hpp"

#include <cmath>

#include "fit/encoding.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/fit/least_squares.hpp"

namespace {

using namespace encoding;

template <class N>
double cost_of(std::uint32_t code, const vector_of<N>& q, const vector_of<N>& e) {
  double cost = 0;
  for (std::size_t j = 0; j < N::elements; ++j) {
    const double d = static_cast<double>(q[j]) - static_cast<double>(N::value(code, j));
    cost += static_cast<double>(e[j]) * d * d;
  }
  return cost;
}

template <class N>
void check_all_codes(float spread, std::size_t trials) {
  const std::vector<float> random = bell(trials * N::elements, spread, 40), weights = bell(random.size(), 1, 41);
  std::size_t worse = 0;
  for (std::size_t t = 0; t < trials; ++t) {
    vector_of<N> q{}, e{};
    for (std::size_t j = 0; j < N::elements; ++j) {
      q[j] = random[t * N::elements + j];
      e[j] = t % 2 ? weights[t * N::elements + j] * weights[t * N::elements + j] : 1;
    }
    const double chosen = cost_of<N>(nearest_vector<N>(q, e), q, e);
    double least = chosen;
    for (std::uint32_t code = 0; code < 1u << N::bits; ++code) least = std::min(least, cost_of<N>(code, q, e));
    worse += chosen > least * (1 + 1e-5);
  }
  CHECK(worse == 0);
}

TEST_CASE("no code of a grid is nearer, whichever of its signs are stored") {
  check_all_codes<gguf::iq2_xxs::number>(20, 40);  // an even number of minus signs
  check_all_codes<gguf::iq3_s::number>(6, 100);    // every sign
  check_all_codes<gguf::iq1_s::number>(0.8f, 60);  // none
}

inline constexpr std::array<std::uint8_t, 4> pair_points{0b00, 0b01, 0b10, 0b11};
inline constexpr std::array<std::uint8_t, 2> pair_levels{1, 3};
using two_vectors = grid<pair_points, pair_levels, 2, signs::even, 2>;  // 4 values, 7 bits
static_assert(point_format<two_vectors> && vector_reach<two_vectors> == 3);
static_assert(nearest_vector<two_vectors>({3, -1, 1, -3}, {1, 1, 1, 1}) == (0b01u | 0b10u << 2 | 0b010u << 4));

TEST_CASE("vectors side by side share their signs") { check_all_codes<two_vectors>(2, 500); }

// Eight corners of a cube and their middle's neighbours: a user's format, of which nothing but the values is known.
struct triples {
  static constexpr unsigned bits = 4;
  static constexpr std::size_t elements = 3;
  static constexpr float value(std::uint32_t code, std::size_t j) {
    const float corner = code >> j & 1 ? 1.0f : -1.0f;
    return code & 8 ? corner * 0.25f : corner;
  }
};
static_assert(vector_reach<triples> == 1);

TEST_CASE("a user's vectors are tried one by one") { check_all_codes<triples>(0.7f, 500); }

TEST_CASE("vectors that the edge of the matrix cuts are nearest in what is there") {
  using C = codec<triples, levels<group<12, f16>>>;
  const std::vector<float> x = bell(3 * 20, 0.1f, 42);  // two weights in the last vector of a row
  for (const auto& p : {encoded<C>(x, 3, 20), encoded<C, least_squares>(x, 3, 20)})
    for (std::size_t r = 0; r < 3; ++r)
      for (std::size_t c = 0; c < 20; c += 3) {
        const float s = reference::scale_at(p.view(), {r, c});
        const auto cost = [&](std::uint32_t code) {
          double sum = 0;
          for (std::size_t j = 0; j < 3 && c + j < 20; ++j)
            sum +=
                std::pow(static_cast<double>(x[r * 20 + c + j]) - static_cast<double>(s * triples::value(code, j)), 2);
          return sum;
        };
        double least = cost(0);
        for (std::uint32_t code = 1; code < 16; ++code) least = std::min(least, cost(code));
        CHECK(cost(code_at<codes>(p.view(), {r, c})) <= least * (1 + 1e-5));
      }
}

// ggml weights errors by more than the importance, so the two are not quite the same aim; on normal rows (10 to 15 of
// the golden input) trying every point does better all the same.
template <class C>
void check_against_ggml(const std::string& name, bool weighted) {
  const std::vector<float> x = floats("gguf/input.f32"), importance = floats("gguf/imatrix.f32");
  const std::vector<std::byte> bytes = golden("gguf/" + name + (weighted ? ".imat.bin" : ".bin"));
  const std::span<const float> rows = std::span(x).subspan(11 * 1536, 2 * 1536);
  const std::span<const float> e = weighted ? std::span<const float>(importance) : std::span<const float>{};
  packed<C> theirs(16, 1536);
  std::ranges::copy(bytes, theirs.array(0).begin());
  const std::vector<float> y = decoded(theirs);
  const double ours = squared_error(rows, decoded(encoded<C, least_squares>(rows, 2, 1536, e)), e);
  CHECK(ours < squared_error(rows, std::span(y).subspan(11 * 1536, 2 * 1536), e));
}

TEST_CASE("GGUF's grids have a lesser error than ggml's own encoder gives them") {
  check_against_ggml<gguf::iq2_xxs>("iq2_xxs", true);
  check_against_ggml<gguf::iq2_xs>("iq2_xs", true);
  check_against_ggml<gguf::iq2_s>("iq2_s", false);
  check_against_ggml<gguf::iq3_xxs>("iq3_xxs", true);
  check_against_ggml<gguf::iq3_s>("iq3_s", true);
  check_against_ggml<gguf::iq1_m>("iq1_m", false);
}

}  // namespace
