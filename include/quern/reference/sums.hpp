// Sums that a layout keeps beside the codes, over equal runs of a unit's weights, as the fit has them stored.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/reference/decode.hpp"
#include "quern/reference/regions.hpp"
#include "quern/storage/codes.hpp"

namespace quern::inline v0::reference {

// Whether array I has sums.
template <class C, std::size_t I>
inline constexpr bool array_has_sums = [] {
  bool found = false;
  each_field<C, I>(sample, [&]<class, class F>(std::size_t) { found = found || F::what == sums::id; });
  return found;
}();
template <class C>
inline constexpr bool has_sums = [] {
  bool found = false;
  each_array<C>([&]<std::size_t I>() { found = found || array_has_sums<C, I>; });
  return found;
}();

// Writes the sums of a matrix whose codes are written.
template <any_fit Fit, class C>
requires(has_sums<C>&& stores_sums<Fit, C>) constexpr void write_sums(const source& s, const packed_span<C>& out) {
  each_array<C>([&]<std::size_t I>() {
    if constexpr (array_has_sums<C, I>) {
      using A = array_of<C, I>;
      static_assert(A::unit == fit_region<C> && A::unit.rows == 1 && A::unit.cols != all,
                    "encode: sums are kept in units that are a group of weights of a row");
      const shape units = units_of<C, I>(s.rows.matrix);
      each_region(s.rows, A::unit, [&](coord first, shape size) {
        const affine ideal = ideal_of<C, Fit>(s, first, size);
        each_field<C, I>(sample, [&]<class, class F>(std::size_t byte) {
          if constexpr (F::what == sums::id) {
            constexpr slice held = F::holds(run{1, 0});
            constexpr std::size_t weights = A::unit.cols / held.count;
            static_assert(held.first == 0 && weights * held.count == A::unit.cols,
                          "encode: a unit's sums must divide its weights equally");
            for (std::size_t i = 0; i < held.count; ++i) {
              float sum = 0;
              for (std::size_t c = i * weights; c < std::min((i + 1) * weights, size.cols); ++c)
                sum += value<typename C::number>(code_at<codes>(out, {first.row, first.col + c}),
                                                 (first.col + c) % elements<typename C::number>);
              const std::uint32_t code = Fit::template sum_code<C>(sum, ideal);
              const place at = F::at(i, run{1, 0});
              bits_writer{out.array(I), std::span(&code, 1)}(0, held, place{at.bit % 8, at.digit}, [&](std::size_t b) {
                return A::arrangement::byte({first.row, first.col / A::unit.cols}, units, byte + at.bit / 8 + b,
                                            unit_bytes<C, I>(sample));
              });
            }
          }
        });
      });
    }
  });
}

}  // namespace quern::inline v0::reference
