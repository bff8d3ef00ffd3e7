// Fields together: one after the other, in the same bytes, in another order, again and again.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/layout/field.hpp"

namespace quern::inline v0 {

template <class... Fields>
struct sequence {};  // one after the other
template <std::size_t Bytes, class... Fields>
struct shared {};  // bit by bit in the same bytes
template <class Order, class... Fields>
struct ordered {};  // positions follow Order (layout/order.hpp) instead of row-major order

// The fields of each Positions codes one after the other, then those of the next Positions codes: planes of a tile that
// are read together lie together.
template <std::size_t Positions, field... Fields>
struct repeat {};

// A field of a `repeat`: of every Positions codes, in field F at byte Offset of each Pitch bytes.
template <std::size_t Positions, std::size_t Offset, std::size_t Pitch, field F>
struct repeated {
  static constexpr part what = F::what;
  static constexpr std::size_t positions = Positions, offset = Offset, pitch = Pitch;
  using inner = F;
  static constexpr slice holds(run r) {
    const slice s = F::holds(run{Positions, r.bits});
    return {0, r.count, s.shift, s.width, s.digits};
  }
  static constexpr place at(std::size_t i, run r) {
    const place p = F::at(i % Positions, run{Positions, r.bits});
    return {p.bit + (i / Positions * Pitch + Offset) * 8, p.digit};
  }
  static constexpr std::size_t bytes(run) { return 0; }
};

template <class F>
inline constexpr bool is_repeated = false;
template <std::size_t P, std::size_t O, std::size_t Pitch, class F>
inline constexpr bool is_repeated<repeated<P, O, Pitch, F>> = true;

}  // namespace quern::inline v0
