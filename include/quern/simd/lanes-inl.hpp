// W vectors as one number with as many lanes: arithmetic that reads like that of floats and rounds like it, products before
// they are added to anything. Several vectors fill the time in which one would wait for its own results.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_LANES_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_LANES_INL_HPP_
#undef QUERN_SIMD_LANES_INL_HPP_
#else
#define QUERN_SIMD_LANES_INL_HPP_
#endif

#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Masks in an array: as vectors where masks have no size.
#if HWY_HAVE_SCALABLE || HWY_TARGET_IS_SVE
class held_mask {
 public:
  held_mask() = default;
  HWY_INLINE held_mask(hn::Mask<DF> m) : v_(hn::VecFromMask(DF(), m)) {}
  HWY_INLINE operator hn::Mask<DF>() const { return hn::MaskFromVec(VF(v_)); }

 private:
  held<DF> v_;
};
#else
using held_mask = hn::Mask<DF>;
#endif

template <int W>
struct lane_mask {
  held_mask part[W];

  friend HWY_INLINE lane_mask operator&(const lane_mask& x, const lane_mask& y) {
    return Each([&](auto k) QUERN_INLINE { return hn::And(hn::Mask<DF>(x.part[k]), hn::Mask<DF>(y.part[k])); });
  }
  friend HWY_INLINE lane_mask operator|(const lane_mask& x, const lane_mask& y) {
    return Each([&](auto k) QUERN_INLINE { return hn::Or(hn::Mask<DF>(x.part[k]), hn::Mask<DF>(y.part[k])); });
  }
  friend HWY_INLINE lane_mask operator!(const lane_mask& x) {
    return Each([&](auto k) QUERN_INLINE { return hn::Not(hn::Mask<DF>(x.part[k])); });
  }
  friend HWY_INLINE bool Any(const lane_mask& x) {
    bool any = false;
    Unroll<W>([&](auto k) QUERN_INLINE { any = any || !hn::AllFalse(DF(), hn::Mask<DF>(x.part[k])); });
    return any;
  }
  template <class F>
  static HWY_INLINE lane_mask Each(F f) {
    lane_mask r;
    Unroll<W>([&](auto k) QUERN_INLINE { r.part[k] = f(k); });
    return r;
  }
};

template <int W>
struct lanes {
  static constexpr std::size_t count = static_cast<std::size_t>(W * kLanes);
  held<DF> part[W];

  lanes() = default;
  HWY_INLINE lanes(float x) {
    Unroll<W>([&](auto k) QUERN_INLINE { part[k] = hn::Set(DF(), x); });
  }
  static HWY_INLINE lanes Load(const float* from) {
    return Each([&](auto k) QUERN_INLINE { return hn::LoadU(DF(), from + k * kLanes); });
  }
  friend HWY_INLINE void Store(const lanes& x, float* to) {
    Unroll<W>([&](auto k) QUERN_INLINE { hn::StoreU(VF(x.part[k]), DF(), to + k * kLanes); });
  }

  friend HWY_INLINE lanes operator+(const lanes& x, const lanes& y) {
    return Both(x, y, [](VF a, VF b) QUERN_INLINE { return hn::Add(a, b); });
  }
  friend HWY_INLINE lanes operator-(const lanes& x, const lanes& y) {
    return Both(x, y, [](VF a, VF b) QUERN_INLINE { return hn::Sub(a, b); });
  }
  friend HWY_INLINE lanes operator*(const lanes& x, const lanes& y) {
    return Both(x, y, [](VF a, VF b) QUERN_INLINE { return Exact(hn::Mul(a, b)); });
  }
  friend HWY_INLINE lanes operator/(const lanes& x, const lanes& y) {
    return Both(x, y, [](VF a, VF b) QUERN_INLINE { return hn::Div(a, b); });
  }
  friend HWY_INLINE lanes Min(const lanes& x, const lanes& y) {
    return Both(x, y, [](VF a, VF b) QUERN_INLINE { return hn::Min(a, b); });
  }
  friend HWY_INLINE lanes Max(const lanes& x, const lanes& y) {
    return Both(x, y, [](VF a, VF b) QUERN_INLINE { return hn::Max(a, b); });
  }
  friend HWY_INLINE lanes Abs(const lanes& x) {
    return Each([&](auto k) QUERN_INLINE { return hn::Abs(VF(x.part[k])); });
  }
  friend HWY_INLINE lanes Sqrt(const lanes& x) {
    return Each([&](auto k) QUERN_INLINE { return hn::Sqrt(VF(x.part[k])); });
  }
  friend HWY_INLINE lanes Select(const lane_mask<W>& m, const lanes& x, const lanes& y) {
    return Each([&](auto k) QUERN_INLINE { return hn::IfThenElse(hn::Mask<DF>(m.part[k]), VF(x.part[k]), VF(y.part[k])); });
  }

  friend HWY_INLINE lane_mask<W> operator<(const lanes& x, const lanes& y) {
    return lane_mask<W>::Each([&](auto k) QUERN_INLINE { return hn::Lt(VF(x.part[k]), VF(y.part[k])); });
  }
  friend HWY_INLINE lane_mask<W> operator>(const lanes& x, const lanes& y) {
    return lane_mask<W>::Each([&](auto k) QUERN_INLINE { return hn::Gt(VF(x.part[k]), VF(y.part[k])); });
  }
  friend HWY_INLINE lane_mask<W> operator<=(const lanes& x, const lanes& y) {
    return lane_mask<W>::Each([&](auto k) QUERN_INLINE { return hn::Le(VF(x.part[k]), VF(y.part[k])); });
  }
  friend HWY_INLINE lane_mask<W> operator>=(const lanes& x, const lanes& y) {
    return lane_mask<W>::Each([&](auto k) QUERN_INLINE { return hn::Ge(VF(x.part[k]), VF(y.part[k])); });
  }
  friend HWY_INLINE lane_mask<W> operator!=(const lanes& x, const lanes& y) {
    return lane_mask<W>::Each([&](auto k) QUERN_INLINE { return hn::Ne(VF(x.part[k]), VF(y.part[k])); });
  }

  // f(0) ... f(W - 1), a vector each.
  template <class F>
  static HWY_INLINE lanes Each(F f) {
    lanes r;
    Unroll<W>([&](auto k) QUERN_INLINE { r.part[k] = f(k); });
    return r;
  }

 private:
  template <class F>
  static HWY_INLINE lanes Both(const lanes& x, const lanes& y, F f) {
    return Each([&](auto k) QUERN_INLINE { return f(VF(x.part[k]), VF(y.part[k])); });
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
