// What fits read of weights: the statistics of the regions along a row, to the bit those of fit/statistics.hpp.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_STATISTICS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_STATISTICS_INL_HPP_
#undef QUERN_SIMD_STATISTICS_INL_HPP_
#else
#define QUERN_SIMD_STATISTICS_INL_HPP_
#endif

#include <algorithm>

#include "quern/base/matrix_view.hpp"
#include "quern/simd/region_fit.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

struct extremes {
  float least, greatest;
};

// Of n > 0 weights; of equal zeros either. The last vector may overlap the one before: all here is idempotent.
template <bool Magnitudes>
HWY_INLINE extremes ExtremesOf(const float* x, std::size_t n) {
  const DF df;
  const std::size_t lanes = hn::Lanes(df);
  if (n < lanes) {
    extremes e{Magnitudes ? magnitude(x[0]) : x[0], Magnitudes ? magnitude(x[0]) : x[0]};
    for (std::size_t i = 1; i < n; ++i) {
      const float v = Magnitudes ? magnitude(x[i]) : x[i];
      e.least = v < e.least ? v : e.least;
      e.greatest = v > e.greatest ? v : e.greatest;
    }
    return e;
  }
  const auto load = [&](const float* p) QUERN_INLINE {
    const VF v = hn::LoadU(df, p);
    return Magnitudes ? hn::Abs(v) : v;
  };
  VF least0 = load(x), greatest0 = least0, least1 = least0, greatest1 = least0;
  std::size_t i = lanes;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const VF a = load(x + i), b = load(x + i + lanes);
    greatest0 = hn::Max(greatest0, a), greatest1 = hn::Max(greatest1, b);
    if constexpr (!Magnitudes) least0 = hn::Min(least0, a), least1 = hn::Min(least1, b);
  }
  for (; i < n; i += lanes) {
    const VF v = load(x + std::min(i, n - lanes));
    greatest0 = hn::Max(greatest0, v);
    if constexpr (!Magnitudes) least0 = hn::Min(least0, v);
  }
  const float greatest = hn::ReduceMax(df, hn::Max(greatest0, greatest1));
  return {Magnitudes ? 0.0f : hn::ReduceMin(df, hn::Min(least0, least1)), greatest};
}

// The first of n weights that equals `a` or, by its magnitude, `a`; there is one.
HWY_INLINE float FirstOf(const float* x, float a) {
  while (!(*x == a)) ++x;
  return *x;
}
HWY_INLINE float FirstOfMagnitude(const float* x, float a) {
  while (!(magnitude(*x) == a)) ++x;
  return *x;
}

// The statistic of each of `count` regions of `each` weights in a row of n; the last one may be cut.
template <statistic Kind>
HWY_INLINE void RowStatistics(const float* x, std::size_t n, std::size_t each, float* first, float* second) {
  for (std::size_t at = 0, i = 0; at < n; at += each, ++i) {
    const std::size_t size = std::min(each, n - at);
    if constexpr (Kind == statistic::magnitude) {
      first[i] = ExtremesOf<true>(x + at, size).greatest;
    } else if constexpr (Kind == statistic::extreme) {
      const extremes e = ExtremesOf<false>(x + at, size);
      if (e.greatest == -e.least) first[i] = e.greatest == 0 ? 0 : FirstOfMagnitude(x + at, magnitude(e.greatest));
      else first[i] = e.greatest > -e.least ? e.greatest : e.least;
    } else {
      static_assert(Kind == statistic::range);
      const extremes e = ExtremesOf<false>(x + at, size);
      first[i] = e.least == 0 ? FirstOf(x + at, 0) : e.least;
      second[i] = e.greatest == 0 ? FirstOf(x + at, 0) : e.greatest;
    }
  }
}

// Means add one weight after the other: eight regions at once, so that their sums do not wait for each other.
HWY_INLINE void RowMeans(const float* x, std::size_t n, std::size_t each, float* first) {
  constexpr int kAtOnce = 8;
  std::size_t at = 0, i = 0;
  for (; at + kAtOnce * each <= n; at += kAtOnce * each, i += kAtOnce) {
    float sum[kAtOnce] = {};
    const float* const from = x + at;
    for (std::size_t j = 0; j < each; ++j)
      Unroll<kAtOnce>([&](auto k) QUERN_INLINE { sum[k] += magnitude(from[static_cast<std::size_t>(k) * each + j]); });
    for (int k = 0; k < kAtOnce; ++k) first[i + static_cast<std::size_t>(k)] = sum[k] / static_cast<float>(each);
  }
  for (; at < n; at += each, ++i) {
    const std::size_t size = std::min(each, n - at);
    float sum = 0;
    for (std::size_t j = 0; j < size; ++j) sum += magnitude(x[at + j]);
    first[i] = sum / static_cast<float>(size);
  }
}

// The statistic of each region of `each` columns in rows of n columns, all rows together, row by row.
template <statistic Kind>
HWY_INLINE void RegionStatistics(const matrix_view<const float>& x, std::size_t row, std::size_t rows, std::size_t col,
                                 std::size_t n, std::size_t each, float* first, float* second) {
  if constexpr (Kind == statistic::mean || Kind == statistic::precise_mean) {
    if (Kind == statistic::mean && rows == 1) return RowMeans(x.row(row) + col, n, each, first);
    for (std::size_t at = 0, i = 0; at < n; at += each, ++i) {
      const std::size_t size = std::min(each, n - at);
      first[i] = call_gather<Kind>(x, coord{row, col + at}, shape{rows, size}).mean;
    }
  } else {
    RowStatistics<Kind>(x.row(row) + col, n, each, first, second);
    for (std::size_t r = row + 1; r < row + rows; ++r) {
      for (std::size_t at = 0, i = 0; at < n; at += each, ++i) {
        float a = 0, b = 0;
        RowStatistics<Kind>(x.row(r) + col + at, std::min(each, n - at), each, &a, &b);
        if constexpr (Kind == statistic::range) {
          if (a < first[i]) first[i] = a;
          if (b > second[i]) second[i] = b;
        } else if (magnitude(a) > magnitude(first[i])) {
          first[i] = a;
        }
      }
    }
  }
}

// The index, row * cols + col, of the first weight that is infinite or not a number; rows * cols if there is none.
inline std::size_t FirstNonFinite(matrix_view<const float> x) {
  const DU32 du;
  const std::size_t lanes = hn::Lanes(du);
  const auto magnitudes = [&](const float* p) QUERN_INLINE {
    return hn::And(hn::LoadU(du, reinterpret_cast<const std::uint32_t*>(p)), hn::Set(du, 0x7fffffff));
  };
  for (std::size_t r = 0; r < x.rows(); ++r) {
    const float* const row = x.row(r);
    std::size_t c = 0;
    while (c + 8 * lanes <= x.cols()) {
      VU32 a = hn::Zero(du), b = a;
      for (std::size_t i = 0; i < 8; i += 2) {
        a = hn::Max(a, magnitudes(row + c + i * lanes));
        b = hn::Max(b, magnitudes(row + c + (i + 1) * lanes));
      }
      if (!hn::AllTrue(du, hn::Lt(hn::Max(a, b), hn::Set(du, 0x7f800000)))) break;
      c += 8 * lanes;
    }
    for (; c < x.cols(); ++c)
      if (!is_finite(row[c])) return r * x.cols() + c;
  }
  return x.rows() * x.cols();
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
