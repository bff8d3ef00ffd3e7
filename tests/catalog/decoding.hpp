// Decoding of presets for tests: from golden files, and against a formula.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <string>
#include <vector>

#include "quern/reference/decode.hpp"
#include "quern/storage/packed.hpp"
#include "support.hpp"

namespace support {

// The arrays of a matrix, in the order of the declaration.
template <class... Arrays>
std::array<std::vector<std::byte>, sizeof...(Arrays)> arrays_of(Arrays... arrays) {
  return {std::move(arrays)...};
}

template <class C, std::size_t N>
std::vector<float> decoded(const std::array<std::vector<std::byte>, N>& arrays, std::size_t rows, std::size_t cols) {
  std::array<std::span<const std::byte>, N> spans;
  for (std::size_t i = 0; i < N; ++i) spans[i] = arrays[i];
  std::vector<float> out(rows * cols);
  quern::reference::decode(quern::packed_view<C>(spans, rows, cols), quern::matrix_view<float>(out.data(), rows, cols));
  return out;
}

// How many weights of a matrix of random bytes differ from formula(arrays, row, col), arrays being those of the matrix.
template <class C>
std::size_t differences_from(std::size_t rows, std::size_t cols, auto formula) {
  quern::packed<C> p(rows, cols);
  random_source random(rows * 131 + cols);
  for (std::size_t i = 0; i < C::layout::arrays; ++i) random.fill(p.array(i));
  const quern::packed<C>& w = p;
  std::size_t wrong = 0;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < cols; ++c)
      wrong += !same(quern::reference::decode_one(w.view(), {r, c}), formula(w, r, c));
  return wrong;
}

// Element i of array A.
template <class T, class C>
T element(const quern::packed<C>& p, std::size_t array, std::size_t i) {
  return element<T>(p.array(array), i);
}

}  // namespace support
