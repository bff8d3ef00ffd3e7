// The levels of scales and of offsets, chosen from the coarsest to the finest and written.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/reference/regions.hpp"
#include "quern/storage/locate.hpp"

namespace quern::inline v0::reference {

// A granularity's levels make one number: the stored numbers of all multiplied levels, coarsest first, then the adding
// levels'. What<I> is the part of level I, scale<I> or offset<I>. ideal(first, size, last) is what the levels should
// make in a fitted region; `last` says that only the finest one is left to choose. Fit is void for offsets, since a fit
// has rules of its own for levels of scales only.

// f.operator()<I>() for every level of G, finest first; or coarsest first.
template <class G>
constexpr void each_level(auto f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) { (f.template operator()<I>(), ...); }
  (std::make_index_sequence<G::size>{});
}
template <class G>
constexpr void each_level_down(auto f) {
  each_level<G>([&]<std::size_t I>() { f.template operator()<G::size - 1 - I>(); });
}

template <class G, std::size_t I>
inline constexpr bool adds = adding_level<typename G::template level<I>>;

// How many multiplied levels are finer, and coarser, than level I; and what the finer ones reach together.
template <class G, std::size_t I>
struct neighbours {
  std::size_t finer = 0, coarser = 0;
  float finer_reach = 1;

  consteval neighbours() {
    each_level<G>([this]<std::size_t J>() {
      if constexpr (adds<G, J>) return;
      else if constexpr (J < I) ++finer, finer_reach *= reach<typename G::template level<J>::number>;
      else if constexpr (J > I) ++coarser;
    });
  }
};

// The stored number of level I at w.
template <class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr float stored_at(const packed_span<C>& out, coord w) {
  return value<typename G::template level<I>::number>(code_at<What<I>>(out, w));
}
// What the stored levels coarser than level I make at w, adding levels left out.
template <class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr float coarser_product(const packed_span<C>& out, coord w) {
  float total = 1;
  each_level_down<G>([&]<std::size_t J>() {
    if constexpr (J > I && !adds<G, J>) total = exact(total * stored_at<G, What, J>(out, w));
  });
  return total;
}
// x less what the stored adding levels before level I add at w.
template <class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr float without_sums(float x, const packed_span<C>& out, coord w) {
  each_level<G>([&]<std::size_t J>() {
    if constexpr (J < I && adds<G, J>) x = exact(x - stored_at<G, What, J>(out, w));
  });
  return x;
}
// x and what the stored adding levels add at w, in the order of decoding.
template <class G, template <std::uint8_t> class What, class C>
constexpr float with_sums(float x, const packed_span<C>& out, coord w) {
  each_level_down<G>([&]<std::size_t J>() {
    if constexpr (adds<G, J>) x = exact(x + stored_at<G, What, J>(out, w));
  });
  return x;
}

// The code of an adding level: the mean of what there is to make in its region.
template <class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr std::uint32_t sum_code(const source& s, const packed_span<C>& out, coord first, shape size, auto& ideal) {
  double sum = 0;
  std::size_t count = 0;
  each_region_in(s.rows, fit_region<C>, first, size, [&](coord f, shape n) {
    sum += static_cast<double>(without_sums<G, What, I>(ideal(f, n, false), out, f)), ++count;
  });
  return nearest_finite<typename G::template level<I>::number>(static_cast<float>(sum / static_cast<double>(count)));
}

// The code of a multiplied level: that of the coarsest of several and that of the finest may be the fit's. Else the
// finest makes up the rest of what there is to make, and any other stores the least that lets the finer ones reach the
// greatest magnitude in its region.
template <class Fit, class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr std::uint32_t factor_code(const source& s, const packed_span<C>& out, coord first, shape size, auto& ideal) {
  using N = typename G::template level<I>::number;
  constexpr neighbours<G, I> others;
  const float product = coarser_product<G, What, I>(out, first);
  if constexpr (others.coarser == 0 && others.finer > 0 && chooses_coarsest<Fit, C>) {
    return Fit::template coarsest_code<C>(gather_region<Fit::reads>(s, first, size));
  } else if constexpr (others.finer == 0 && chooses_finest<Fit, C>) {
    return Fit::template finest_code<C>(gather_region<Fit::reads>(s, first, size), product);
  } else {
    float wanted = -0.0f;  // 0 keeps its sign
    each_region_in(s.rows, fit_region<C>, first, size, [&](coord f, shape n) {
      const float x = without_sums<G, What, G::size>(ideal(f, n, others.finer == 0), out, f);
      if (x == wanted || magnitude(x) > magnitude(wanted)) wanted = x;
    });
    if constexpr (others.coarser > 0) wanted = product == 0 ? 0 : wanted / product;
    if constexpr (others.finer > 0) {
      float reached = others.finer_reach;
      if constexpr (chooses_reach<Fit> && others.coarser == 0) reached = Fit::finer_reach;
      wanted = magnitude(wanted) / reached;
      if constexpr (powers_of_two<N>) wanted = power_of_two_above(wanted);
    }
    return nearest_finite<N>(wanted);
  }
}

// Whether level I of G is the last to be chosen, and has its regions inside those that are fitted together.
template <class C, class G, std::size_t I>
inline constexpr bool is_last = !adds<G, I> && neighbours<G, I>().finer == 0 &&
                                common_whole(G::template level<I>::region, fit_region<C>) == fit_region<C>;

// Writes the levels of G but the last: the adding ones, then the others from the coarsest. Stored numbers are read back,
// so that each level makes up for the rounding of those before.
template <class Fit, class G, template <std::uint8_t> class What, class C>
constexpr void write_upper_levels(const source& s, const packed_span<C>& out, auto&& ideal) {
  each_level<G>([&]<std::size_t I>() {
    if constexpr (adds<G, I>)
      each_region(s.rows, G::template level<I>::region, [&](coord first, shape size) {
        set_code<What<I>>(out, first, sum_code<G, What, I>(s, out, first, size, ideal));
      });
  });
  each_level_down<G>([&]<std::size_t I>() {
    if constexpr (!adds<G, I> && !is_last<C, G, I>)
      each_region(s.rows, G::template level<I>::region, [&](coord first, shape size) {
        set_code<What<I>>(out, first, factor_code<Fit, G, What, I>(s, out, first, size, ideal));
      });
  });
}

// Writes the last level in a fitted region, for which it is to make `wanted`.
template <class Fit, class G, template <std::uint8_t> class What, class C>
constexpr void write_last_level(const source& s, const packed_span<C>& out, coord fitted, shape fitted_size,
                                float wanted) {
  const auto ideal = [&](coord, shape, bool) { return wanted; };
  each_level<G>([&]<std::size_t I>() {
    if constexpr (is_last<C, G, I>)
      each_region_in(s.rows, G::template level<I>::region, fitted, fitted_size, [&](coord first, shape size) {
        set_code<What<I>>(out, first, factor_code<Fit, G, What, I>(s, out, first, size, ideal));
      });
  });
}

// What would be read back in a region if the finest level of scales, and an offset of one level, were chosen for `a`.
template <class C>
constexpr affine settled(const packed_span<C>& out, coord first, affine a) {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  if constexpr (G::size == 0) a.scale = 1;
  each_level<G>([&]<std::size_t I>() {
    if constexpr (!adds<G, I> && neighbours<G, I>().finer == 0) {
      using N = typename G::template level<I>::number;
      const float product = coarser_product<G, scale, I>(out, first);
      const float rest = without_sums<G, scale, G::size>(saturated(a.scale), out, first);
      const float factor = N::value(nearest_finite<N>(product == 0 ? 0 : rest / product));
      a.scale = with_sums<G, scale>(exact(product * factor), out, first);
    }
  });
  if constexpr (O::size == 1) {
    using N = typename O::template level<0>::number;
    a.offset = N::value(nearest_finite<N>(saturated(a.offset)));
  }
  return a;
}

// The fit's last word on a region, given its ideal and what the coarser levels of scales store.
template <class C, any_fit Fit>
constexpr affine final_of(const source& s, const packed_span<C>& out, coord first, shape size, const affine& ideal) {
  if constexpr (refines<Fit, C>)
    return Fit::template refine<C>(s.region(first, size), ideal, [&](affine a) { return settled(out, first, a); });
  else return ideal;
}

// A function of a region and a flag that remembers its last result: a region of a level often is a part of what is
// fitted together, and the next one another part.
template <class F>
class remembering {
 public:
  constexpr explicit remembering(F f) : f_(f) {}
  constexpr float operator()(coord first, shape size, bool last) {
    if (!known_ || first != first_ || last != last_)
      known_ = true, first_ = first, last_ = last, value_ = f_(first, size, last);
    return value_;
  }

 private:
  F f_;
  coord first_{};
  bool last_ = false, known_ = false;
  float value_ = 0;
};

}  // namespace quern::inline v0::reference
