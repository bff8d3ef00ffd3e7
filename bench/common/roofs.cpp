// The loops of roofs.hpp, for every target of the build.
// SPDX-License-Identifier: Apache-2.0
#include "common/roofs.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/roofs.cpp"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <bool Ahead>
HWY_INLINE std::uint64_t Sum(const std::uint8_t* bytes, std::size_t n) {
  const hn::ScalableTag<std::uint8_t> d8;
  const hn::ScalableTag<std::uint64_t> d;
  const std::size_t lanes = hn::Lanes(d8);
  const auto word = [&](std::size_t at) HWY_ATTR { return hn::BitCast(d, hn::LoadU(d8, bytes + at)); };
  auto a = hn::Zero(d), b = a, c = a, e = a;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    if constexpr (Ahead)
      for (std::size_t line = 0; line < 4 * lanes; line += 64) hwy::Prefetch(bytes + i + line + 8192);
    a = hn::Add(a, word(i)), b = hn::Add(b, word(i + lanes));
    c = hn::Add(c, word(i + 2 * lanes)), e = hn::Add(e, word(i + 3 * lanes));
  }
  std::uint64_t sum = hn::ReduceSum(d, hn::Add(hn::Add(a, b), hn::Add(c, e)));
  for (; i < n; ++i) sum += bytes[i];
  return sum;
}

std::uint64_t ReadAll(const std::uint8_t* bytes, std::size_t n, bool ahead) {
  return ahead ? Sum<true>(bytes, n) : Sum<false>(bytes, n);
}

// f of twelve values, again and again: enough of them that none waits for itself. first: what they begin with, loaded, so
// that the compiler does not know that they are equal and computes each.
template <class D, class F>
HWY_INLINE hn::VFromD<D> Chains(D d, const hn::TFromD<D>* first, std::size_t turns, const F& f) {
  const std::size_t n = hn::Lanes(d);
  const auto load = [&](std::size_t i) HWY_ATTR { return hn::LoadU(d, first + i * n); };
  auto v0 = load(0), v1 = load(1), v2 = load(2), v3 = load(3), v4 = load(4), v5 = load(5);
  auto v6 = load(6), v7 = load(7), v8 = load(8), v9 = load(9), v10 = load(10), v11 = load(11);
  for (std::size_t t = 0; t < turns; ++t) {
    v0 = f(v0), v1 = f(v1), v2 = f(v2), v3 = f(v3), v4 = f(v4), v5 = f(v5);
    v6 = f(v6), v7 = f(v7), v8 = f(v8), v9 = f(v9), v10 = f(v10), v11 = f(v11);
  }
  const auto six = hn::Add(hn::Add(hn::Add(v0, v1), hn::Add(v2, v3)), hn::Add(v4, v5));
  return hn::Add(six, hn::Add(hn::Add(hn::Add(v6, v7), hn::Add(v8, v9)), hn::Add(v10, v11)));
}

// operands: one vector, loaded for the same reason. They are ones, and the sums begin at zero.
double Int8(std::size_t turns, const std::uint8_t* operands, const std::int32_t* first) {
  const hn::ScalableTag<std::int32_t> d;
  const auto x = hn::LoadU(hn::Repartition<std::uint8_t, decltype(d)>(), operands);
  const auto y = hn::BitCast(hn::Repartition<std::int8_t, decltype(d)>(), x);
  return hn::ReduceSum(
      d, Chains(d, first, turns, [&](auto s) HWY_ATTR { return hn::SumOfMulQuadAccumulate(d, x, y, s); }));
}
double Bf16(std::size_t turns, const std::uint16_t* operands, const float* first) {
  const hn::ScalableTag<float> d;
  const hn::Repartition<hwy::bfloat16_t, decltype(d)> db;
  const auto x = hn::BitCast(db, hn::LoadU(hn::RebindToUnsigned<decltype(db)>(), operands));
  auto rest = hn::Zero(d);
  const auto sum =
      Chains(d, first, turns, [&](auto s) HWY_ATTR { return hn::ReorderWidenMulAccumulate(d, x, x, s, rest); });
  return static_cast<double>(hn::ReduceSum(d, hn::Add(sum, rest)));
}
double F32(std::size_t turns, const float* operands, const float* first) {
  const hn::ScalableTag<float> d;
  const auto x = hn::LoadU(d, operands);
  return static_cast<double>(
      hn::ReduceSum(d, Chains(d, first, turns, [&](auto s) HWY_ATTR { return hn::MulAdd(x, x, s); })));
}

// How many 32-bit lanes a vector has.
std::size_t Lanes() { return hn::Lanes(hn::ScalableTag<float>()); }

}  // namespace bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <vector>

namespace bench {
namespace {
HWY_EXPORT(ReadAll);
HWY_EXPORT(Int8);
HWY_EXPORT(Bf16);
HWY_EXPORT(F32);
HWY_EXPORT(Lanes);
volatile double kept;  // what was computed
}  // namespace

std::uint64_t read_all(std::span<const std::byte> bytes, bool ahead) {
  return HWY_DYNAMIC_DISPATCH(ReadAll)(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), ahead);
}

double multiply_adds(arithmetic kind, std::size_t turns) {
  const std::size_t lanes = HWY_DYNAMIC_DISPATCH(Lanes)();
  const double chains = 12 * static_cast<double>(lanes) * static_cast<double>(turns);
  const std::vector<float> zeros(12 * lanes);
  if (kind == arithmetic::int8) {
    const std::vector<std::uint8_t> ones(4 * lanes, 1);
    const std::vector<std::int32_t> first(12 * lanes);
    kept = HWY_DYNAMIC_DISPATCH(Int8)(turns, ones.data(), first.data());
    return 4 * chains;
  }
  if (kind == arithmetic::bf16) {
    const std::vector<std::uint16_t> ones(2 * lanes, 0x3f80);
    kept = HWY_DYNAMIC_DISPATCH(Bf16)(turns, ones.data(), zeros.data());
    return 2 * chains;
  }
  const std::vector<float> ones(lanes, 1.0f);
  kept = HWY_DYNAMIC_DISPATCH(F32)(turns, ones.data(), zeros.data());
  return chains;
}

}  // namespace bench
#endif  // HWY_ONCE
