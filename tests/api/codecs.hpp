// The codecs of these tests, one for each kind that the public functions treat differently. tests/api/instantiate_test.cpp
// compiles their kernels; the other files see declarations only.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstring>
#include <string>
#include <vector>

#include "quern/quern.hpp"
#include "support.hpp"

namespace api {
using namespace quern;

// Blocks of 32 weights in one array; the values are small integers, so that tiles meet int8 activations.
struct blocks
    : codec<offset_integer<4>, levels<group<32, f16>>, symmetric, blocked<32, stream<scale<0>>, plane<codes, 4, 16>>> {
  static constexpr auto name = "test.blocks";
  static constexpr int gguf_id = 4001;
};
// The same bytes with another name and another fit.
struct cut_blocks : blocks::base {
  static constexpr auto name = "test.cut_blocks";
  struct fit : absmax {};
};
// Three arrays, groups that divide no matrix of these tests.
struct zero_points : codec<unsigned_integer<4>, levels<group<24, f32>>, zero_point<group<24, unsigned_integer<8>>>> {
  static constexpr auto name = "test.zero_points";
};
// Rows that share a scale, and values that are no small integers: tiles meet f32 activations.
struct squares : codec<e4m3, levels<block<8, 32, f32>>> {
  static constexpr auto name = "test.squares";
};
// One scale for all rows.
struct whole : codec<integer<8>, levels<tensor<f32>>> {
  static constexpr auto name = "test.whole";
};
// Points of a grid, four weights to a code.
struct points : codec<gguf::iq3_s::number, levels<group<32, f16>>> {
  static constexpr auto name = "test.points";
};

using list = type_list<blocks, cut_blocks, zero_points, squares, whole, points>;

// ---- helpers ----

inline std::vector<float> random_floats(std::size_t n, std::uint64_t seed = 1) {
  support::random_source random(seed);
  std::vector<float> x(n);
  for (float& v : x) v = random.uniform();
  return x;
}
inline matrix_view<const float> view_of(const std::vector<float>& x, std::size_t rows, std::size_t cols) {
  return *matrix_view<const float>::try_make(x.data(), rows, cols);
}
inline matrix_view<float> view_of(std::vector<float>& x, std::size_t rows, std::size_t cols) {
  return *matrix_view<float>::try_make(x.data(), rows, cols);
}

template <any_codec C>
bool same_bytes(const packed<C>& a, const packed<C>& b) {
  bool same = true;
  for (std::size_t i = 0; i < C::layout::arrays; ++i) same = same && std::ranges::equal(a.array(i), b.array(i));
  return same;
}

inline bool mentions(const failure& f, const std::string& text) { return f.text().find(text) != std::string::npos; }

}  // namespace api
