// Large matrices made of a small one, again and again: its bytes are real, and making them takes no time.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>
#include <vector>

#include "quern/storage/packed.hpp"
#include "quern/storage/tiled.hpp"

namespace bench {

constexpr std::size_t sample_rows = 64;  // whole panels of tiles

// Normal numbers, the same ones every time.
inline std::vector<float> normal(std::size_t n, unsigned seed = 1, float deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0, deviation);
  std::vector<float> x(n);
  for (float& v : x) v = distribution(random);
  return x;
}

// Rows of so many columns that take about so many bytes: a multiple of sample_rows.
template <quern::any_codec C>
std::size_t rows_of(std::size_t bytes, std::size_t cols) {
  const double row = quern::bits_per_weight<C> / 8 * static_cast<double>(cols);
  return std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(bytes) / row) / sample_rows) *
         sample_rows;
}

// sample: sample_rows rows. Row r of the result is row r % sample_rows of it; scales of whole matrices are its own.
template <quern::any_codec C>
quern::packed<C> repeated(const quern::packed<C>& sample, std::size_t rows) {
  quern::packed<C> w(rows, sample.cols());
  for (std::size_t a = 0; a < C::layout::arrays; ++a) {
    const auto from = sample.array(a);
    const auto to = w.array(a);
    for (std::size_t at = 0; !from.empty() && at < to.size(); at += from.size())
      std::memcpy(to.data() + at, from.data(), std::min(from.size(), to.size() - at));
  }
  return w;
}

template <quern::any_codec C>
std::size_t bytes_of(const quern::packed<C>& w) {
  std::size_t n = 0;
  for (std::size_t a = 0; a < C::layout::arrays; ++a) n += w.array(a).size();
  return n;
}

}  // namespace bench
