// The levels of scales and of offsets, chosen from the coarsest to the finest and written.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/reference/regions.hpp"
#include "quern/storage/locate.hpp"

namespace quern::inline v0::reference {

// A granularity's levels make one number: the stored numbers of all multiplied levels, coarsest first, then the adding
// levels'. What<I> is the part of level I, scale<I> or offset<I>. ideal(first, size, last) is what the levels should make
// in a fitted region; `last` says that only the finest one is left to choose. Fit is void for offsets, since a fit has
// rules of its own for levels of scales only.

// Levels [Begin, End) of G that are multiplied: how many there are, and the product of what they reach.
template <class G, std::size_t Begin, std::size_t End>
struct factors {
  template <std::size_t I>
  static constexpr bool is = !adding_level<typename G::template level<I>>;
  static constexpr std::size_t count = []<std::size_t... I>(std::index_sequence<I...>) {
    return (std::size_t{0} + ... + (is<Begin + I> ? 1 : 0));
  }(std::make_index_sequence<End - Begin>{});
  static constexpr float reached = []<std::size_t... I>(std::index_sequence<I...>) {
    return (1.0f * ... * (is<Begin + I> ? reach<typename G::template level<Begin + I>::number> : 1.0f));
  }(std::make_index_sequence<End - Begin>{});
};

// What the stored levels coarser than level I make at w, adding levels left out.
template <class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr float coarser_product(const packed_span<C>& out, coord w) {
  float total = 1;
  [&]<std::size_t... J>(std::index_sequence<J...>) {
    ([&] {
      using L = typename G::template level<G::size - 1 - J>;
      if constexpr (!adding_level<L>)
        total = exact(total * value<typename L::number>(code_at<What<G::size - 1 - J>>(out, w)));
    }(), ...);
  }(std::make_index_sequence<G::size - 1 - I>{});
  return total;
}

// x less what the stored adding levels before level I add at w.
template <class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr float without_sums(float x, const packed_span<C>& out, coord w) {
  [&]<std::size_t... J>(std::index_sequence<J...>) {
    ([&] {
      using L = typename G::template level<J>;
      if constexpr (adding_level<L>) x = exact(x - value<typename L::number>(code_at<What<J>>(out, w)));
    }(), ...);
  }(std::make_index_sequence<I>{});
  return x;
}

// x and what the stored adding levels add at w, in the order of decoding.
template <class G, template <std::uint8_t> class What, class C>
constexpr float with_sums(float x, const packed_span<C>& out, coord w) {
  [&]<std::size_t... J>(std::index_sequence<J...>) {
    ([&] {
      using L = typename G::template level<G::size - 1 - J>;
      if constexpr (adding_level<L>) x = exact(x + value<typename L::number>(code_at<What<G::size - 1 - J>>(out, w)));
    }(), ...);
  }(std::make_index_sequence<G::size>{});
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

// The code of a multiplied level: that of the coarsest of several and that of the finest may be the fit's. Else the finest
// makes up the rest of what there is to make, and any other stores the least that lets the finer ones reach the greatest
// magnitude in its region.
template <class Fit, class G, template <std::uint8_t> class What, std::size_t I, class C>
constexpr std::uint32_t factor_code(const source& s, const packed_span<C>& out, coord first, shape size, auto& ideal) {
  using N = typename G::template level<I>::number;
  using finer = factors<G, 0, I>;
  using coarser = factors<G, I + 1, G::size>;
  const float product = coarser_product<G, What, I>(out, first);
  if constexpr (coarser::count == 0 && finer::count > 0 && chooses_coarsest<Fit, C>) {
    return Fit::template coarsest_code<C>(gather_region<Fit::reads>(s, first, size));
  } else if constexpr (finer::count == 0 && chooses_finest<Fit, C>) {
    return Fit::template finest_code<C>(gather_region<Fit::reads>(s, first, size), product);
  } else {
    float wanted = -0.0f;  // 0 keeps its sign
    each_region_in(s.rows, fit_region<C>, first, size, [&](coord f, shape n) {
      const float x = without_sums<G, What, G::size>(ideal(f, n, finer::count == 0), out, f);
      if (x == wanted || magnitude(x) > magnitude(wanted)) wanted = x;
    });
    if constexpr (coarser::count > 0) wanted = product == 0 ? 0 : wanted / product;
    if constexpr (finer::count > 0) {
      constexpr float reached = [] {
        if constexpr (chooses_reach<Fit> && coarser::count == 0) return Fit::finer_reach;
        else return finer::reached;
      }();
      wanted = magnitude(wanted) / reached;
      if constexpr (powers_of_two<N>) wanted = power_of_two_above(wanted);
    }
    return nearest_finite<N>(wanted);
  }
}

// Writes every level of G: the adding ones, then the others from the coarsest. Stored numbers are read back, so that each
// level makes up for the rounding of those before.
template <class Fit, class G, template <std::uint8_t> class What, class C>
constexpr void write_levels(const source& s, const packed_span<C>& out, auto&& ideal) {
  const auto write = [&]<std::size_t I>(auto code) {
    each_region(s.rows, G::template level<I>::region,
                [&](coord first, shape size) { set_code<What<I>>(out, first, code(s, out, first, size, ideal)); });
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ([&] {
      if constexpr (adding_level<typename G::template level<I>>)
        write.template operator()<I>([](auto&... a) { return sum_code<G, What, I>(a...); });
    }(), ...);
    ([&] {
      constexpr std::size_t J = G::size - 1 - I;
      if constexpr (!adding_level<typename G::template level<J>>)
        write.template operator()<J>([](auto&... a) { return factor_code<Fit, G, What, J>(a...); });
    }(), ...);
  }(std::make_index_sequence<G::size>{});
}

// The fit's last word on a region, given what the coarser levels of scales store.
template <class C, any_fit Fit>
constexpr affine final_of(const source& s, const packed_span<C>& out, coord first, shape size) {
  using G = typename C::granularity;
  using O = typename C::symmetry::offsets;
  const affine ideal = ideal_of<C, Fit>(s, first, size);
  if constexpr (refines<Fit, C>) {
    const auto settled = [&](affine a) {
      a.scale = saturated(a.scale), a.offset = saturated(a.offset);
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        ([&] {
          using L = typename G::template level<I>;
          if constexpr (!adding_level<L> && factors<G, 0, I>::count == 0) {
            const float product = coarser_product<G, scale, I>(out, first);
            const float rest = product == 0 ? 0 : without_sums<G, scale, G::size>(a.scale, out, first) / product;
            const float factor = L::number::value(nearest_finite<typename L::number>(rest));
            a.scale = with_sums<G, scale>(exact(product * factor), out, first);
          }
        }(), ...);
      }(std::make_index_sequence<G::size>{});
      if constexpr (G::size == 0) a.scale = 1;
      if constexpr (O::size == 1) {
        using N = typename O::template level<0>::number;
        a.offset = N::value(nearest_finite<N>(a.offset));
      }
      return a;
    };
    return Fit::template refine<C>(s.region(first, size), ideal, settled);
  } else {
    return {ideal.scale, ideal.offset};
  }
}

// A function of a region and a flag that remembers its last result: a region of a level often is a part of what is fitted
// together, and the next one another part.
template <class F>
class remembering {
 public:
  constexpr explicit remembering(F f) : f_(f) {}
  constexpr float operator()(coord first, shape size, bool last) {
    if (!known_ || first != first_ || last != last_) known_ = true, first_ = first, last_ = last, value_ = f_(first, size, last);
    return value_;
  }

 private:
  F f_;
  coord first_{};
  bool last_ = false, known_ = false;
  float value_ = 0;
};

}  // namespace quern::inline v0::reference
