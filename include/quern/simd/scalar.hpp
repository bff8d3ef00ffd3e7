// What users' policies compute, called from kernels one weight at a time. These functions are compiled for no SIMD target but
// with the translation unit's own flags, as reference/ is: a target with fused multiply-add must not change a formula.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quern/number/number.hpp"
#include "quern/storage/row_codes.hpp"
#include "quern/symmetry/symmetry.hpp"

namespace quern::inline v0 {

// values[i * elements<N> + j] = value j of codes[i]. Codes need not be aligned.
template <number_format N, class T>
__attribute__((noinline)) void call_values(const T* codes, std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; ++i) {
    T code;
    std::memcpy(&code, reinterpret_cast<const unsigned char*>(codes) + i * sizeof(T), sizeof(T));
    for (std::size_t j = 0; j < elements<N>; ++j) values[i * elements<N> + j] = value<N>(code, j);
  }
}

// weights[i] = weight(s[i], v[i], o[i]).
template <symmetry S>
__attribute__((noinline)) void call_weight(const float* s, const float* v, const float* o, std::size_t count, float* weights) {
  for (std::size_t i = 0; i < count; ++i) weights[i] = S::weight(s[i], v[i], o[i]);
}

// The numbers of levels that are the same for a whole row, kept from row to row where they are the same for several.
template <class C>
class row_constants {
 public:
  // For the row at hand of the matrix.
  void load(const packed_view<C>& w, std::size_t row) {
    each_part<C>([&]<std::size_t K>() {
      if constexpr (K > 0 && parts<C>[K].region.cols == all) {
        constexpr std::size_t rows = parts<C>[K].region.rows;
        const std::size_t region = rows == all ? 0 : row / rows;
        if (region != region_[K]) {
          using N = part_number<C, K>;
          code_t<N::bits> code;
          read_codes<C, K>(w, row, 0, 1, &code);
          call_values<N>(&code, 1, &value_[K]);
          region_[K] = region;
        }
      }
    });
  }
  template <std::size_t K>
  float value() const { return value_[K]; }

 private:
  std::array<float, part_count<C>> value_{};
  std::array<std::size_t, part_count<C>> region_ = [] {
    std::array<std::size_t, part_count<C>> none{};
    for (auto& r : none) r = ~std::size_t{0};
    return none;
  }();
};

}  // namespace quern::inline v0
