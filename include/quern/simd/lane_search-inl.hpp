// The searches of fit/ggml/search.hpp for as many groups as `lanes` have lanes, one in each: the same steps in the same order,
// so to the bit the same numbers. x and e hold weight i of every group, and how much it counts, side by side. No group has
// weights or counts so great, or a range so small, that a sum or a quotient is not finite.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_LANE_SEARCH_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_LANE_SEARCH_INL_HPP_
#undef QUERN_SIMD_LANE_SEARCH_INL_HPP_
#else
#define QUERN_SIMD_LANE_SEARCH_INL_HPP_
#endif

#include "quern/fit/ggml/search.hpp"
#include "quern/simd/lanes-inl.hpp"
#include "quern/simd/round-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Where the numbers that are found go, those of a `mapped` of fit/fit.hpp; not all by every search.
struct lane_groups {
  float *scale, *offset, *inverse, *shift;
  bool usual = true;  // else a group turned out to need the scalar search
};

// Number i of every group.
template <int W>
HWY_INLINE lanes<W> At(const float* x, std::size_t i) { return lanes<W>::Load(x + i * lanes<W>::count); }

// value_near<N, R>
template <scalar_format N, rounding R, int W>
HWY_INLINE lanes<W> ValueNear(const lanes<W>& q) {
  return lanes<W>::Each([&](auto k) QUERN_INLINE {
    const VF v = q.part[k];
    if constexpr (is_integers<N> && R == rounding::nearest) return Held(hn::Round(v), lowest<N>, highest<N>);
    else return Values<N>(hn::BitCast(D32(), RoundedCodes<N, R>(v)));
  });
}

// ggml::extreme_of
template <int W, std::size_t Size>
HWY_INLINE lanes<W> ExtremeOf(const float* HWY_RESTRICT x) {
  lanes<W> extreme = 0;
  for (std::size_t i = 0; i < Size; ++i) {
    const lanes<W> v = At<W>(x, i);
    extreme = Select(Abs(v) > Abs(extreme), v, extreme);
  }
  return extreme;
}

// ggml::correlation
template <int W>
struct lane_correlation {
  lanes<W> with_weights, with_itself;

  HWY_INLINE lanes<W> Scale() const { return Select(with_itself > 0, with_weights / with_itself, 0); }
  HWY_INLINE lane_mask<W> ExplainsMoreThan(const lanes<W>& best) const {
    return (with_itself > 0) & (with_weights * with_weights > best * with_itself);
  }
};

// ggml::best_scale
template <class N, int W, std::size_t Size>
HWY_INLINE void BestScale(const float* HWY_RESTRICT x, const float* HWY_RESTRICT e, lane_groups& found) {
  constexpr float steps = -lowest<N>;
  const lanes<W> extreme = ExtremeOf<W, Size>(x);
  const lane_mask<W> counts = Abs(extreme) >= ggml::smallest_group;
  const lanes<W> divisor = Select(counts, extreme, 1);
  HWY_ALIGN float counted[Size * lanes<W>::count];
  for (std::size_t i = 0; i < Size; ++i) Store(At<W>(e, i) * At<W>(x, i), counted + i * lanes<W>::count);
  const auto correlate = [&](const lanes<W>& factor) QUERN_INLINE {
    lanes<W> with_weights = 0, with_itself = 0;
    for (std::size_t i = 0; i < Size; ++i) {
      const lanes<W> v = ValueNear<N, rounding::nearest>(factor * At<W>(x, i));
      with_weights = with_weights + At<W>(counted, i) * v, with_itself = with_itself + At<W>(e, i) * v * v;
    }
    return lane_correlation<W>{with_weights, with_itself};
  };
  lanes<W> inverse = lanes<W>(-steps) / divisor;
  const lane_correlation<W> first = correlate(inverse);
  lanes<W> scale = first.Scale(), best = scale * first.with_weights;
  for (int t = -9; t <= 9; ++t) {
    if (t == 0) continue;
    const lanes<W> factor = lanes<W>(-ggml::plus_product(steps, 0.1f, static_cast<float>(t))) / divisor;
    const lane_correlation<W> c = correlate(factor);
    const lane_mask<W> better = c.ExplainsMoreThan(best);
    const lanes<W> now = c.Scale();
    inverse = Select(better, factor, inverse);
    scale = Select(better, now, scale), best = Select(better, now * c.with_weights, best);
  }
  Store(Select(counts, scale, 0), found.scale), Store(lanes<W>(0), found.offset);
  Store(Select(counts, inverse, 1), found.inverse), Store(Select(counts, lanes<W>(0), steps), found.shift);
}

// ggml::best_table_scale; only the scale is found.
template <class N, int W, std::size_t Size>
HWY_INLINE void BestTableScale(const float* HWY_RESTRICT x, const float* HWY_RESTRICT e, lane_groups& found) {
  constexpr float end = lowest<N>;
  const lanes<W> extreme = ExtremeOf<W, Size>(x);
  const lane_mask<W> counts = Abs(extreme) >= ggml::smallest_group;
  const lanes<W> divisor = Select(counts, extreme, 1);
  const auto correlate = [&](const lanes<W>& factor) QUERN_INLINE {
    lanes<W> with_weights = 0, with_itself = 0;
    for (std::size_t i = 0; i < Size; ++i) {
      const lanes<W> v = ValueNear<N, rounding::ties_up>(factor * At<W>(x, i)), counted = At<W>(e, i) * v;
      with_weights = with_weights + counted * At<W>(x, i), with_itself = with_itself + counted * v;
    }
    return lane_correlation<W>{with_weights, with_itself};
  };
  const lane_correlation<W> first = correlate(lanes<W>(1) / (divisor / -end));
  lanes<W> scale = first.Scale(), best = scale * first.with_weights;
  for (int t = -7; t <= 7; ++t) {
    const lane_correlation<W> c = correlate(lanes<W>(static_cast<float>(t) + end) / divisor);
    const lane_mask<W> better = c.ExplainsMoreThan(best);
    const lanes<W> now = c.Scale();
    scale = Select(better, now, scale), best = Select(better, now * c.with_weights, best);
  }
  Store(Select(counts, scale, 0), found.scale);
}

// ggml::best_range
template <class N, int W, std::size_t Size>
HWY_INLINE void BestRange(const float* HWY_RESTRICT x, const float* HWY_RESTRICT e, const ggml::range_grid& grid,
                          lane_groups& found) {
  constexpr float steps = highest<N>;
  lanes<W> least = At<W>(x, 0), greatest = least, sum_e = At<W>(e, 0), sum_x = sum_e * least;
  for (std::size_t i = 1; i < Size; ++i) {
    const lanes<W> v = At<W>(x, i);
    least = Min(v, least), greatest = Max(v, greatest);
    sum_e = sum_e + At<W>(e, i), sum_x = sum_x + At<W>(e, i) * v;
  }
  least = Select(least > 0, 0, least);
  const lane_mask<W> flat = greatest <= least;
  const auto too_small = [&](const lanes<W>& minimum) QUERN_INLINE {
    return !(flat | (greatest - minimum > 0x1p-100f));
  };
  lane_mask<W> unusual = too_small(least);

  HWY_ALIGN float values[Size * lanes<W>::count];
  const auto round = [&](std::size_t i, const lanes<W>& factor, const lanes<W>& shift) QUERN_INLINE {
    const lanes<W> v = ValueNear<N, rounding::nearest>(factor * (At<W>(x, i) - shift));
    Store(v, values + i * lanes<W>::count);
    return v;
  };
  const auto error = [&](const lanes<W>& scale, const lanes<W>& minimum) QUERN_INLINE {
    lanes<W> sum = 0;
    for (std::size_t i = 0; i < Size; ++i) {
      const lanes<W> d = minimum + scale * At<W>(values, i) - At<W>(x, i);
      sum = sum + At<W>(e, i) * (grid.absolute ? Abs(d) : d * d);
    }
    return sum;
  };
  lanes<W> inverse = lanes<W>(steps) / Select(flat, 1, greatest - least), scale = lanes<W>(1) / inverse;
  lanes<W> minimum = least, shift = least;  // shift: from which the codes were rounded
  for (std::size_t i = 0; i < Size; ++i) round(i, inverse, least);
  lanes<W> least_error = error(scale, least);
  for (int t = 0; t <= grid.last; ++t) {
    const float reached = ggml::plus_product(grid.first, grid.step, static_cast<float>(t)) + steps;
    const lanes<W> factor = lanes<W>(reached) / (greatest - minimum);
    lanes<W> sum_v = 0, sum_vv = 0, sum_vx = 0;
    for (std::size_t i = 0; i < Size; ++i) {
      const lanes<W> v = round(i, factor, minimum), counted = At<W>(e, i) * v;
      sum_v = sum_v + counted, sum_vv = sum_vv + counted * v, sum_vx = sum_vx + counted * At<W>(x, i);
    }
    const lanes<W> determinant = sum_e * sum_vv - sum_v * sum_v;
    lanes<W> a = (sum_e * sum_vx - sum_x * sum_v) / determinant, b = (sum_vv * sum_x - sum_v * sum_vx) / determinant;
    const lane_mask<W> above = b > 0;
    a = Select(above, sum_vx / sum_vv, a), b = Select(above, 0, b);
    const lanes<W> now = error(a, b);
    const lane_mask<W> better = (!flat) & (determinant > 0) & (now < least_error);
    least_error = Select(better, now, least_error), scale = Select(better, a, scale);
    inverse = Select(better, factor, inverse), shift = Select(better, minimum, shift);
    minimum = Select(better, b, minimum);
    unusual = unusual | too_small(minimum);
  }
  found.usual = !Any(unusual);
  Store(Select(flat, 0, scale), found.scale), Store(minimum, found.offset);
  Store(Select(flat, 0, inverse), found.inverse), Store(Select(flat, 0, shift), found.shift);
}

// The first step of ggml::best_sweeps: where the extreme counts, and the codes' values when it becomes the lowest one.
template <class N, int W, std::size_t Size>
HWY_INLINE lane_correlation<W> FirstValues(const float* HWY_RESTRICT x, const float* HWY_RESTRICT e, lane_mask<W>& counts,
                                           float* HWY_RESTRICT values) {
  const lanes<W> extreme = ExtremeOf<W, Size>(x);
  counts = Abs(extreme) >= ggml::smallest_group;
  const lanes<W> factor = lanes<W>(lowest<N>) / Select(counts, extreme, 1);
  lanes<W> with_weights = 0, with_itself = 0;
  for (std::size_t i = 0; i < Size; ++i) {
    const lanes<W> v = ValueNear<N, rounding::nearest>(factor * At<W>(x, i));
    Store(v, values + i * lanes<W>::count);
    with_weights = with_weights + At<W>(e, i) * At<W>(x, i) * v, with_itself = with_itself + At<W>(e, i) * v * v;
  }
  return {with_weights, with_itself};
}

// ggml::best_sweeps of those groups of which no sweep changes a code, as of most; only the scale is found. Returned is
// which are the others.
template <class N, int W, std::size_t Size>
HWY_INLINE lane_mask<W> UnsweptScale(const float* HWY_RESTRICT x, const float* HWY_RESTRICT e, lane_groups& found) {
  HWY_ALIGN float values[Size * lanes<W>::count];
  lane_mask<W> counts, changes = lanes<W>(0) != 0;
  const lane_correlation<W> sums = FirstValues<N, W, Size>(x, e, counts, values);
  for (std::size_t i = 0; i < Size; ++i) {
    const lanes<W> v = At<W>(values, i);
    const lanes<W> others_weights = sums.with_weights - At<W>(e, i) * At<W>(x, i) * v,
                   others = sums.with_itself - At<W>(e, i) * v * v;
    const lanes<W> other = ValueNear<N, rounding::nearest>(At<W>(x, i) * others / others_weights);
    changes = changes | ((others_weights > 0) & (other != v));
  }
  Store(Select(counts, sums.Scale(), 0), found.scale);
  return changes;
}

// ggml::best_sweeps; only the scale is found. A group that no sweep changes any more stays as it is, and where that is
// every group from one code to the same one in the next sweep, there is no more to do.
template <class N, int W, std::size_t Size>
HWY_INLINE void BestSweeps(const float* HWY_RESTRICT x, const float* HWY_RESTRICT e, lane_groups& found) {
  HWY_ALIGN float values[Size * lanes<W>::count], counted[Size * lanes<W>::count];
  lane_mask<W> counts;
  const lane_correlation<W> first = FirstValues<N, W, Size>(x, e, counts, values);
  lanes<W> with_weights = first.with_weights, with_itself = first.with_itself;
  for (std::size_t i = 0; i < Size; ++i) Store(At<W>(e, i) * At<W>(x, i), counted + i * lanes<W>::count);
  for (std::size_t step = 0, end = Size; step < end; ++step) {
    const std::size_t i = step % Size;
    const lanes<W> v = At<W>(values, i), ex = At<W>(counted, i);
    const lanes<W> others_weights = with_weights - ex * v, others = with_itself - At<W>(e, i) * v * v;
    const lanes<W> other = ValueNear<N, rounding::nearest>(At<W>(x, i) * others / others_weights);
    const lane_mask<W> differs = (others_weights > 0) & (other != v);
    if (!Any(differs)) continue;
    const lanes<W> now_weights = others_weights + ex * other, now = others + At<W>(e, i) * other * other;
    const lane_mask<W> moves = differs & (now > 0) & (now_weights * now_weights * with_itself >
                                                      with_weights * with_weights * now);
    Store(Select(moves, other, v), values + i * lanes<W>::count);
    with_weights = Select(moves, now_weights, with_weights), with_itself = Select(moves, now, with_itself);
    if (Any(moves)) end = std::min(step + Size + 1, 5 * Size);
  }
  const lane_correlation<W> sums{with_weights, with_itself};
  Store(Select(counts, sums.Scale(), 0), found.scale);
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
