// What tests of fits share: encoding a matrix, and comparing bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <random>

#include "quern/reference/encode.hpp"
#include "quern/storage/packed.hpp"
#include "support.hpp"

namespace encoding {

using namespace quern;
using support::golden;

inline std::vector<float> floats(const std::string& file) { return support::elements<float>(golden(file)); }

template <class C, class Fit = fit_of<C>>
packed<C> encoded(std::span<const float> x, std::size_t rows, std::size_t cols,
                  std::span<const float> importance = {}) {
  REQUIRE(x.size() == rows * cols);
  packed<C> p(rows, cols);
  const result<void> ok =
      reference::encode<C, Fit>(matrix_view<const float>(x.data(), rows, cols), p.span(), importance);
  REQUIRE(ok.has_value());
  return p;
}

template <class C>
std::vector<float> decoded(const packed<C>& p) {
  std::vector<float> y(p.rows() * p.cols());
  reference::decode(p.view(), matrix_view<float>(y.data(), p.rows(), p.cols()));
  return y;
}

// Bytes that differ.
inline std::size_t differing(std::span<const std::byte> a, std::span<const std::byte> b) {
  REQUIRE(a.size() == b.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += a[i] != b[i];
  return n;
}

// Roughly normal weights of the given spread.
inline std::vector<float> bell(std::size_t n, float spread, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(n);
  for (float& v : x) {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
    v = static_cast<float>(sum - 6) * spread;
  }
  return x;
}

// Sum of weight * (a - b)^2.
inline double squared_error(std::span<const float> a, std::span<const float> b, std::span<const float> weight = {}) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += d * d * (weight.empty() ? 1.0 : static_cast<double>(weight[i % weight.size()]));
  }
  return sum;
}

}  // namespace encoding
