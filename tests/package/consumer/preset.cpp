// Decodes a matrix of the first preset of FAMILY with the light header and the installed library of the catalogue.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>

#include <vector>

template <class... Cs>
bool decodes(quern::type_list<Cs...>) {
  constexpr std::size_t rows = 2, cols = 512;
  const quern::packed<typename quern::nth<0, Cs...>::type> w(rows, cols);
  std::vector<float> decoded(rows * cols);
  return quern::try_dequantize(w, quern::matrix_view(decoded.data(), rows, cols)).has_value();
}

int main() { return decodes(quern::FAMILY::presets::types{}) ? 0 : 1; }
