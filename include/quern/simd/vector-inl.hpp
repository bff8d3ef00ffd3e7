// The vectors that all kernels work in, and two idioms. Compiled once for each SIMD target.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_VECTOR_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_VECTOR_INL_HPP_
#undef QUERN_SIMD_VECTOR_INL_HPP_
#else
#define QUERN_SIMD_VECTOR_INL_HPP_
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "hwy/highway.h"
#include "quern/base/bits.hpp"

// For lambdas in kernels: of this target, and inlined even where they are large (clang++ 14 calls them otherwise, with
// arrays of registers in memory: seven times slower).
#undef QUERN_INLINE
#define QUERN_INLINE HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes of 32 bits: a tile has 16 rows. All other vectors have as many bytes. Where only the machine knows how
// many there are, the four that every machine has.
using DF = hn::CappedTag<float, HWY_HAVE_SCALABLE ? 4 : 16>;
using D32 = hn::RebindToSigned<DF>;
using DU32 = hn::RebindToUnsigned<DF>;
using D16 = hn::Repartition<std::int16_t, DF>;
using D8 = hn::Repartition<std::uint8_t, DF>;
using VF = hn::Vec<DF>;
using V32 = hn::Vec<D32>;
using VU32 = hn::Vec<DU32>;
using V16 = hn::Vec<D16>;
using V8 = hn::Vec<D8>;

// Lanes of DF, on every machine of the target.
inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(DF()));

// A vector as an element of an array; those of SVE and of RISC-V, whose types have no size, lie in memory there.
#if HWY_HAVE_SCALABLE || HWY_TARGET_IS_SVE
template <class D>
class held {
 public:
  held() = default;
  HWY_INLINE held(hn::Vec<D> v) { hn::StoreU(v, D(), lanes_); }
  HWY_INLINE operator hn::Vec<D>() const { return hn::LoadU(D(), lanes_); }

 private:
  hn::TFromD<D> lanes_[hn::MaxLanes(D())];
};
#else
template <class D>
using held = hn::Vec<D>;
#endif

// f(constant 0) ... f(constant N - 1). Arrays of vectors are indexed by such constants only: a loop variable as an index
// puts them in memory. (Nested parameter packs instead crash g++ 12.)
template <int N, class F>
HWY_INLINE void Unroll(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) QUERN_INLINE { (f(std::integral_constant<int, I>()), ...); }
  (std::make_integer_sequence<int, N>());
}

// f(constant r, constant n) for all r < R and n < N.
template <int R, int N, class F>
HWY_INLINE void Unroll2(F f) {
  Unroll<R * N>([&](auto i)
                    QUERN_INLINE { f(std::integral_constant<int, i % R>(), std::integral_constant<int, i / R>()); });
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
