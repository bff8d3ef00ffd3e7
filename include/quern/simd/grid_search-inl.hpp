// The searches of ggml's fits of grids, side by side: the scales that are tried, the points of a list. The same steps in the
// same order as those of fit/ggml/, so to the bit the same numbers.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_GRID_SEARCH_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_GRID_SEARCH_INL_HPP_
#undef QUERN_SIMD_GRID_SEARCH_INL_HPP_
#else
#define QUERN_SIMD_GRID_SEARCH_INL_HPP_
#endif

#include <algorithm>
#include <limits>
#include <span>

#include "quern/fit/ggml/grid.hpp"
#include "quern/simd/split_search-inl.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

template <const ggml::search_rules& Rules, class C>
class tried_scales {
  using N = typename C::number;
  using lists = ggml::neighbour_lists<N, Rules.shells>;
  static constexpr std::size_t dimension = N::dimension, points = ggml::points_of_group<C>::count,
                               levels = ggml::level_count<N>, lanes = static_cast<std::size_t>(kLanes);
  static constexpr auto tops = ggml::tried_tops<C, Rules>;
  static constexpr std::size_t count = round_up(tops.size(), lanes);  // those added are the last one again
  static constexpr int level_bits = static_cast<int>(N::level_bits);

 public:
  HWY_INLINE tried_scales(const ggml::magnitudes_of_group<C>& group, float range) : group_(group) {
    static constexpr auto numerators = [] {
      std::array<float, count> t{};
      for (std::size_t i = 0; i < count; ++i) t[i] = tops[std::min(i, tops.size() - 1)];
      return t;
    }();
    const DF df;
    for (std::size_t u = 0; u < count; u += lanes) {
      const VF inverse = hn::Div(hn::LoadU(df, &numerators[u]), hn::Set(df, range));
      const VF scale = hn::Div(hn::Set(df, 1.0f), inverse);
      hn::Store(inverse, df, inverse_ + u);
      for (std::size_t l = 0; l < levels; ++l)
        hn::Store(Exact(hn::Mul(scale, hn::Set(df, static_cast<float>(2 * l + 1)))), df, value_ + l * count + u);
    }
  }

  HWY_INLINE void Search(ggml::points_of_group<C>& found) {
    for (std::size_t k = 0; k < points; ++k) ChoosePoint(k, found.in_range);
    HWY_ALIGN float with_weights[count], with_itself[count];
    Correlate(with_weights, with_itself);
    float explained = 0;
    std::size_t best = tops.size();
    for (std::size_t i = 0; i < tops.size(); ++i)
      if (ggml::is_better({with_weights[i], with_itself[i]}, explained, found)) best = i;
    if (best == tops.size()) return;
    found.off_grid = 0;
    for (std::size_t k = 0; k < points; ++k) {
      found.points[k] = chosen_[k * count + best];
      found.off_grid |= chosen_[k * count + best] != rounded_[k * count + best] ? 1u << k : 0;
    }
  }

 private:
  // ggml::choose_point, for every scale.
  HWY_INLINE void ChoosePoint(std::size_t k, bool& in_range) {
    const DU32 d;
    std::uint32_t *const rounded = rounded_ + k * count, *const chosen = chosen_ + k * count;
    Round(k, rounded);
    std::copy_n(rounded, count, chosen);
    const lists& all = lists::shared();
    bool priced = false;
    for (std::size_t i = 0, end; i < count; i = end) {
      for (end = i + 1; end < count && rounded[end] == rounded[i];) ++end;
      const std::uint32_t number = ggml::combination<N>(rounded[i]);
      if (all.is_point(number)) continue;
      if (!priced) Price(k);
      priced = true;
      typename lists::room room;
      const auto list = all.neighbours(number, room);
      const VU32 same = hn::Set(d, rounded[i]), none = hn::Set(d, ggml::no_neighbour);
      for (std::size_t u = i / lanes * lanes; u < end; u += lanes) {
        const auto own = hn::Eq(hn::Load(d, rounded + u), same);
        VU32 best = Nearest(list, cost_ + u);
        const auto lost = hn::And(own, hn::Eq(best, none));
        in_range = in_range && hn::AllFalse(d, lost);
        best = hn::IfThenElse(lost, hn::Set(d, list[0]), best);
        hn::Store(hn::IfThenElse(own, best, hn::Load(d, chosen + u)), d, chosen + u);
      }
    }
  }

  // ggml::nearest_levels
  HWY_INLINE void Round(std::size_t k, std::uint32_t* HWY_RESTRICT rounded) {
    const DF df;
    const D32 d;
    for (std::size_t u = 0; u < count; u += lanes) {
      const VF inverse = hn::Load(df, inverse_ + u);
      V32 all = hn::Zero(d);
      Unroll<static_cast<int>(dimension)>([&](auto j) QUERN_INLINE {
        const VF quotient = Exact(hn::Mul(inverse, hn::Set(df, group_.x[k * dimension + j])));
        const VF half = hn::Mul(hn::Set(df, 0.5f), hn::Sub(quotient, hn::Set(df, 1.0f)));
        const V32 bits = hn::And(hn::BitCast(d, hn::Add(half, hn::Set(df, 12582912.0f))), hn::Set(d, 0x7fffff));
        const V32 level = hn::Min(hn::Max(hn::Sub(bits, hn::Set(d, 0x400000)), hn::Zero(d)),
                                  hn::Set(d, ggml::highest_level<N>));
        all = hn::Or(all, hn::ShiftLeft<j * level_bits>(level));
      });
      hn::Store(hn::BitCast(DU32(), all), DU32(), rounded + u);
    }
  }

  // What each level costs in each coordinate of point k.
  HWY_INLINE void Price(std::size_t k) {
    const DF df;
    for (std::size_t u = 0; u < count; u += lanes)
      for (std::size_t j = 0; j < dimension; ++j) {
        const VF x = hn::Set(df, group_.x[k * dimension + j]), root = hn::Set(df, group_.root[k * dimension + j]);
        for (std::size_t l = 0; l < levels; ++l)
          hn::Store(Squared(root, hn::Sub(hn::Load(df, value_ + l * count + u), x)), df,
                    cost_ + (j * levels + l) * count + u);
      }
  }

  // ggml::nearest_neighbour
  static HWY_INLINE VU32 Nearest(typename lists::list list, const float* cost) {
    const DF df;
    const DU32 d;
    VF least = hn::Set(df, std::numeric_limits<float>::max());
    VU32 best = hn::Set(d, ggml::no_neighbour);
    for (const std::uint32_t p : list) {
      VF sum = hn::Zero(df);
      Unroll<static_cast<int>(dimension)>([&](auto j) QUERN_INLINE {
        const VF c = hn::Load(df, cost + (j * levels + ggml::level_of<N>(p, j)) * count);
        if constexpr (j == 0) sum = c;
        else sum = hn::Add(sum, c);
      });
      const auto less = hn::Lt(sum, least);
      least = hn::IfThenElse(less, sum, least);
      best = hn::IfThenElse(hn::RebindMask(d, less), hn::Set(d, p), best);
    }
    return best;
  }

  // ggml::correlate
  HWY_INLINE void Correlate(float* HWY_RESTRICT with_weights, float* HWY_RESTRICT with_itself) const {
    const DF df;
    const D32 d;
    const V32 one = hn::Set(d, 1), twice = hn::Set(d, 2 * ((1 << level_bits) - 1));
    for (std::size_t u = 0; u < count; u += lanes) {
      VF weights = hn::Zero(df), itself = hn::Zero(df);
      for (std::size_t k = 0; k < points; ++k) {
        const V32 p = hn::BitCast(d, hn::Load(DU32(), chosen_ + k * count + u));
        Unroll<static_cast<int>(dimension)>([&](auto j) QUERN_INLINE {
          const std::size_t i = k * dimension + j;
          V32 level;
          if constexpr (j == 0) level = hn::ShiftLeft<1>(p);
          else level = hn::ShiftRight<j * level_bits - 1>(p);
          const VF v = hn::ConvertTo(df, hn::Or(hn::And(level, twice), one));
          const VF e = hn::Set(df, group_.e[i]), ex = Exact(hn::Mul(e, hn::Set(df, group_.x[i])));
          weights = hn::Add(weights, Exact(hn::Mul(ex, v)));
          itself = hn::Add(itself, Squared(e, v));
        });
      }
      hn::Store(weights, df, with_weights + u), hn::Store(itself, df, with_itself + u);
    }
  }

  const ggml::magnitudes_of_group<C>& group_;
  HWY_ALIGN float inverse_[count], value_[levels * count];                    // [level][scale]
  HWY_ALIGN float cost_[dimension * levels * count];                          // [coordinate][level][scale]
  HWY_ALIGN std::uint32_t rounded_[points * count], chosen_[points * count];  // [point][scale]
};

// ---- the points of a list ----

// ggml::nearest_neighbour, as many points at a time as a vector has lanes.
template <class N>
HWY_INLINE std::uint32_t NearestPoint(std::span<const ggml::point<N>> points, const ggml::level_values<N>& value,
                                      const float* x, const float* e) {
  static_assert(sizeof(ggml::point<N>) == 2 && kLanes <= 1 + ggml::neighbour_lists<N, 1>::beyond);
  const DF df;
  const D32 d;
  const hn::Rebind<std::uint16_t, D32> d16;
  constexpr int bits = static_cast<int>(N::level_bits), dimension = static_cast<int>(N::dimension);
  HWY_ALIGN float values[kLanes] = {};
  std::copy(value.begin(), value.end(), values);
  held<DF> cost[dimension];
  Unroll<dimension>([&](auto j) QUERN_INLINE {
    cost[j] = Squared(hn::Set(df, e[j]), hn::Sub(hn::Load(df, values), hn::Set(df, x[j])));
  });
  const V32 levels = hn::Set(d, (1 << bits) - 1), end = hn::Set(d, static_cast<std::int32_t>(points.size()));
  VF least = hn::Set(df, std::numeric_limits<float>::max());
  V32 best = end, place = hn::Iota(d, 0);
  for (std::size_t i = 0; i < points.size(); i += static_cast<std::size_t>(kLanes)) {
    const V32 p = hn::PromoteTo(d, hn::LoadU(d16, points.data() + i));
    VF sum = hn::Zero(df);
    Unroll<dimension>([&](auto j) QUERN_INLINE {
      const auto level = hn::IndicesFromVec(df, hn::And(hn::ShiftRight<j * bits>(p), levels));
      const VF c = hn::TableLookupLanes(VF(cost[j]), level);
      if constexpr (j == 0) sum = c;
      else sum = hn::Add(sum, c);
    });
    const auto less = hn::And(hn::Lt(sum, least), hn::RebindMask(df, hn::Lt(place, end)));
    least = hn::IfThenElse(less, sum, least);
    best = hn::IfThenElse(hn::RebindMask(d, less), place, best);
    place = hn::Add(place, hn::Set(d, kLanes));
  }
  const auto lowest = hn::RebindMask(d, hn::Eq(least, hn::MinOfLanes(df, least)));
  const auto first = static_cast<std::size_t>(hn::ReduceMin(d, hn::IfThenElse(lowest, best, end)));
  return first == points.size() ? ggml::no_neighbour : points[first];
}

// ---- the way ----

struct side_by_side {
  template <class N>
  static HWY_NOINLINE std::uint32_t nearest(std::span<const ggml::point<N>> points, const ggml::level_values<N>& value,
                                            const float* x, const float* e) {
    if constexpr (value_count<N> > kLanes) return ggml::nearest_neighbour<N>(points, value, x, e);
    else return NearestPoint<N>(points, value, x, e);
  }
  template <const auto& Rules, class C>
  static HWY_NOINLINE void search(const ggml::magnitudes_of_group<C>& group, float range,
                                  ggml::points_of_group<C>& found) {
    tried_scales<Rules, C>(group, range).Search(found);
  }
  template <const auto& Rules, class C>
  static HWY_NOINLINE void split(const ggml::weights_in_order<C>& weights, ggml::split_of_group& found) {
    if constexpr (kLanes < static_cast<int>(ggml::split_facts<C>::patterns))
      ggml::one_by_one::split<Rules, C>(weights, found);
    else judged_splits<Rules, C>::Best(weights, found);
  }

 private:
  template <class N>
  static constexpr int value_count = 1 << N::level_bits;
};

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
