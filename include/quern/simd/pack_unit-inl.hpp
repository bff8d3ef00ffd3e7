// The codes of a part that are all that a unit has of it, packed a word at a time instead of code by code.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_PACK_UNIT_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_PACK_UNIT_INL_HPP_
#undef QUERN_SIMD_PACK_UNIT_INL_HPP_
#else
#define QUERN_SIMD_PACK_UNIT_INL_HPP_
#endif

#include "quern/simd/pack-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Where a field keeps the codes of a row of Count, if that is in whole bytes of one word which it has for itself.
template <class Order, field F, std::size_t Count, unsigned Bits>
struct one_word {
  std::array<std::uint8_t, Count> bit{};
  std::size_t bytes = 0;  // 0: it is not

  constexpr one_word() {
    constexpr run r{Count, Bits};
    constexpr slice held = F::holds(r);
    if (held.digits != 0 || held.first != 0 || held.count != Count) return;
    std::uint64_t used = 0;
    for (std::size_t i = 0; i < Count; ++i) {
      const std::size_t at = F::at(Order::position({0, i}, {1, Count}), r).bit;
      if (at + held.width > 64) return;
      bit[i] = static_cast<std::uint8_t>(at), used |= std::uint64_t{low_bits(held.width)} << at;
    }
    for (const std::size_t n : {1u, 2u, 4u, 8u})
      if (used == ~std::uint64_t{0} >> (64 - 8 * n)) bytes = n;
  }
};
template <class Order, field F, std::size_t Count, unsigned Bits>
inline constexpr one_word<Order, F, Count, Bits> word_of{};

// Whether each field keeps the codes of part K, of which a unit has Count in a row, in such a word.
template <class C, std::size_t K, std::size_t Count>
inline constexpr bool packs_by_words = [] {
  using P = part_units<C, K>;
  if constexpr (packs_by_places<C, K>) {
    bool ok = P::grid(sample) == shape{1, Count} && Count <= 64;
    if constexpr (Count <= 64)
      each_field_of<C, K>(sample, [&]<class Order, class F>(std::size_t) {
        ok = ok && word_of<Order, F, Count, P::facts.bits>.bytes != 0;
      });
    return ok;
  }
  return false;
}();

// The codes of part K for the Count regions from `first` on of the row of regions that holds row `row`.
template <class C, std::size_t K, std::size_t Count>
HWY_INLINE void PackRegions(const packed_span<C>& out, std::size_t row, std::size_t first, const std::uint32_t* codes) {
  if constexpr (packs_by_words<C, K, Count>) {
    using P = part_units<C, K>;
    const shape units = units_of<C, P::array>(out.matrix());
    auto* const base = reinterpret_cast<std::uint8_t*>(out.array(P::array).data());
    each_field_of<C, K>(sample, [&]<class Order, class F>(std::size_t byte) HWY_ATTR {
      constexpr const auto& places = word_of<Order, F, Count, P::facts.bits>;
      constexpr slice held = F::holds(run{Count, P::facts.bits});
      std::uint64_t word = 0;
      for (std::size_t i = 0; i < Count; ++i)
        word |= std::uint64_t{codes[i] >> held.shift & low_bits(held.width)} << places.bit[i];
      std::uint8_t* const to = base + P::stored_in::arrangement::byte({row, first / Count}, units, byte, P::bytes(sample));
      for (std::size_t b = 0; b < places.bytes; ++b) to[b] = static_cast<std::uint8_t>(word >> 8 * b);
    });
  } else {
    PackNumbers<C, K>(out, row, first, Count, codes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
