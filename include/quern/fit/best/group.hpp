// Weights that share a scale, as `best` searches them: what a scale and an offset make of them, and which are the
// best for the values that they have then.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/codec/parts.hpp"
#include "quern/fit/best/grid.hpp"
#include "quern/fit/fit.hpp"

namespace quern::inline v0::best_fit {

// ---- what is asked of a codec ----

// The codes of C's number below `Codes`.
template <scalar_format N, std::uint32_t Codes>
struct first_codes {
  static constexpr unsigned bits = N::bits;
  static constexpr float value(std::uint32_t code) { return N::value(code < Codes ? code : 0); }
};

// Whether codes are stored as base-3 digits, so that those above 2 are not stored.
template <class C>
inline constexpr bool in_digits = [] {
  bool found = false;
  each_field_of<C, 0>(sample, [&]<class Order, class F>(std::size_t) {
    found |= F::holds(run{1, C::number::bits}).digits != 0;
  });
  return found;
}();

// The number of the weights, as far as its codes can be stored.
template <class C>
consteval auto stored_number_of() {
  if constexpr (in_digits<C>) return std::type_identity<first_codes<typename C::number, 3>>{};
  else return std::type_identity<typename C::number>{};
}
template <class C>
using stored_number = typename decltype(stored_number_of<C>())::type;

// What an offset is: there is none; a zero point of few values, so that all are tried; a weight of its own, s * v + o
// or s * v - o; anything else.
enum class offset_kind { none, slight, apart, other };
template <class C>
inline constexpr offset_kind offset_kind_of = [] {
  using S = typename C::symmetry;
  const bool plain = S::weight(3, 5, 0) == 15 && S::weight(4, 2, 0) == 8 && S::weight(1, 0, 0) == 0;
  if constexpr (!has_offset<C>) {
    return plain ? offset_kind::none : offset_kind::other;
  } else if constexpr (has_slight_offset<C>) {
    return offset_kind::slight;
  } else {
    const float one = S::weight(1, 1, 1) - S::weight(1, 1, 0), other = S::weight(4, 2, 1) - S::weight(4, 2, 0);
    return plain && one == other && (one == 1 || one == -1) ? offset_kind::apart : offset_kind::other;
  }
}();
// The sign with which an offset that stands apart counts.
template <class C>
inline constexpr float offset_sign = C::symmetry::weight(1, 0, 1);

// Numbers of weights that can be searched.
template <class N>
inline constexpr bool searchable_number = [] {
  if constexpr (scalar_format<N>) {
    if constexpr (N::bits <= 8) return sorted<N>.size >= 2;
    return false;
  } else {
    return searchable_grid<N>;
  }
}();

// Whether another sign of the scale gives other values: not where every value v has a value -v, nor where all have
// one sign.
template <class N>
inline constexpr bool sign_matters = [] {
  if constexpr (scalar_format<N>) {
    if (lowest<N> >= 0 || highest<N> <= 0) return false;
    for (std::size_t i = 0; i < sorted<N>.size; ++i)
      if (sorted<N>.value[i] != -sorted<N>.value[sorted<N>.size - 1 - i]) return true;
    return false;
  } else {
    return false;
  }
}();

// ---- a group ----

// Weights of one scale, four side by side, in units that share an offset, too; units are filled up with weights of
// importance 0. Of numbers with stored signs, x are magnitudes, and `minus` has the signs of the weights of each code.
struct cluster {
  const lanes* x = nullptr;
  const lanes* e = nullptr;
  const std::uint8_t* minus = nullptr;
  std::size_t units = 0, unit_lanes = 0;
  float importance = 0, first_moment = 0, energy = 0;  // the sums of e, e * x and e * x^2
  float extreme = 0, least = 0, greatest = 0;
  // Whether any weight has an importance; else they are treated as if all had the same, but their error counts nothing.
  bool counts = true;
  bool alike = false;  // whether each counts 1

  std::size_t size() const { return units * unit_lanes; }
};

// Weighted sums over a group: of v, v^2 and x * v; of grids also the error, which comes with the codes.
struct moments {
  float v = 0, vv = 0, xv = 0, error = 0;
};

// How weights become quotients: (x - shift) * factor.
struct quotients {
  float factor = 0, shift = 0;
};

// What a scale and an offset make of C's weights. `shift` is the offset with its sign, where it stands apart; where
// it is a zero point, each unit has the one that is best.
template <class C>
struct coder {
  using number = stored_number<C>;
  static constexpr offset_kind kind = offset_kind_of<C>;
  static constexpr bool apart = kind == offset_kind::apart, vectors = vector_format<number>;

  // The sum of e * (x - decoded x)^2 with the nearest codes; of grids infinity if it is not below `limit`.
  static float error(const cluster& g, float scale, float shift = 0, float limit = no_limit) {
    if constexpr (kind != offset_kind::slight) {
      if constexpr (!vectors)
        if (g.alike) return error_of<true>(g.x, g.e, g.minus, g.size(), scale, shift, 0, limit);
      return error_of(g.x, g.e, g.minus, g.size(), scale, shift, 0, limit);
    } else {
      float sum = 0;
      for (std::size_t u = 0; u < g.units && sum < limit; ++u) sum += best_zero<false>(g, u, scale, limit - sum).error;
      return sum;
    }
  }
  // The moments of the nearest values; of slight offsets v is the value less the zero point.
  static moments correlate(const cluster& g, float scale, float shift = 0) {
    if constexpr (kind != offset_kind::slight) {
      if constexpr (!vectors) return correlate_quotients(g, inverse_or_zero(scale), shift);
      else return correlate_of(g.x, g.e, g.minus, g.size(), scale, shift, 0);
    } else {
      moments sum;
      for (std::size_t u = 0; u < g.units; ++u) {
        const zero_choice best = best_zero<vectors>(g, u, scale);
        const moments m = vectors ? best.made
                                  : correlate_of(g.x + u * g.unit_lanes, g.e + u * g.unit_lanes, nullptr, g.unit_lanes,
                                                 scale, 0, zero_number::value(best.code));
        sum.v += m.v, sum.vv += m.vv, sum.xv += m.xv;
      }
      return sum;
    }
  }
  // The same, of scalar numbers and offsets that are not slight: the nearest values of (x - shift) * factor.
  static moments correlate_quotients(const cluster& g, float factor, float shift = 0) {
    return correlate_quotients(g, std::array{quotients{factor, shift}})[0];
  }
  // The same of several, which do not wait for each other.
  template <std::size_t Count>
  static std::array<moments, Count> correlate_quotients(const cluster& g, const std::array<quotients, Count>& of) {
    constexpr auto each = std::make_index_sequence<Count>();
    return g.alike ? moments_of<true>(g.x, g.e, g.size(), of, 0, each) : moments_of<false>(g.x, g.e, g.size(), of, 0, each);
  }
  // code(k, c) for the k-th code of unit u, all of its lanes', and the code of its zero point.
  static std::uint32_t codes(const cluster& g, std::size_t u, float scale, float shift, auto code) {
    const lanes* x = g.x + u * g.unit_lanes;
    const lanes* e = g.e + u * g.unit_lanes;
    std::uint32_t zero_code = 0;
    float zero = 0;
    if constexpr (kind == offset_kind::slight)
      zero_code = best_zero<false>(g, u, scale).code, zero = zero_number::value(zero_code);
    if constexpr (scalar_format<number>) {
      const float f = inverse_or_zero(scale);
      for (std::size_t i = 0; i < g.unit_lanes * width; ++i) {
        float q = x[i / width][i % width];
        if constexpr (apart) q = exact(q - shift);
        q = exact(q * f);
        if constexpr (kind == offset_kind::slight) q += zero;
        code(i, nearest<number>(q));
      }
    } else {
      constexpr std::size_t step = number::elements / width;
      const std::uint8_t* minus = signs_of(g, u);
      for (std::size_t i = 0; i * step < g.unit_lanes; ++i)
        code(i, find_code<number>(x + i * step, e + i * step, minus[i], scale, zero).template code<number>());
    }
    return zero_code;
  }

 private:
  static constexpr auto zero_number_of() {
    if constexpr (kind == offset_kind::slight)
      return std::type_identity<typename C::symmetry::offsets::template level<0>::number>{};
    else return std::type_identity<void>{};
  }
  using zero_number = typename decltype(zero_number_of())::type;

  static const std::uint8_t* signs_of(const cluster& g, std::size_t u) {
    if constexpr (scalar_format<number>) return nullptr;
    else return g.minus + u * g.unit_lanes * width / number::elements;
  }
  // The best zero point of a unit; of grids, with Made, the moments that go with it.
  struct zero_choice {
    std::uint32_t code = 0;
    float error = 0;
    moments made{};
  };
  template <bool Made>
  static zero_choice best_zero(const cluster& g, std::size_t u, float scale, float limit = no_limit) {
    const lanes* x = g.x + u * g.unit_lanes;
    const lanes* e = g.e + u * g.unit_lanes;
    zero_choice best{0, no_limit};
    for (std::uint32_t z = 0; z < 1u << zero_number::bits; ++z) {
      zero_choice now{z};
      const float zero = zero_number::value(z);
      if constexpr (Made) {
        now.made = correlate_of(x, e, signs_of(g, u), g.unit_lanes, scale, 0, zero, limit);
        now.error = now.made.error;
      } else {
        now.error = error_of(x, e, signs_of(g, u), g.unit_lanes, scale, 0, zero, limit);
      }
      if (now.error < best.error) best = now, limit = lesser(limit, now.error);
    }
    return best;
  }

  // The value nearest to x.
  static lanes value_at(lanes x, lanes factor, lanes shift, lanes zero) {
    if constexpr (apart) x = settle(x - shift);
    lanes q = settle(x * factor);
    if constexpr (kind == offset_kind::slight) q += zero;
    const lanes v = near<number>(q);
    if constexpr (kind == offset_kind::slight) return v - zero;
    else return v;
  }
  template <bool Alike = false>
  static float error_of(const lanes* x, const lanes* e, const std::uint8_t* minus, std::size_t n, float scale,
                        float shift, float zero, [[maybe_unused]] float limit) {
    if constexpr (scalar_format<number>) {
      const lanes s = all_lanes(scale), f = all_lanes(inverse_or_zero(scale)), o = all_lanes(shift),
                  z = all_lanes(zero);
      lanes sum{};
      for (std::size_t i = 0; i < n; ++i) {
        lanes y = settle(value_at(x[i], f, o, z) * s);
        if constexpr (apart) y += o;
        const lanes d = x[i] - y;
        sum += settle((Alike ? d : settle(e[i] * d)) * d);
      }
      return sum_of(sum);
    } else {
      constexpr std::size_t step = number::elements / width;
      float sum = 0;
      for (std::size_t i = 0; i * step < n && sum < limit; ++i)
        sum += find_code<number>(x + i * step, e + i * step, minus[i], scale, zero, limit - sum).cost;
      return sum;
    }
  }
  template <bool Alike, std::size_t... K>
  static std::array<moments, sizeof...(K)> moments_of(const lanes* x, const lanes* e, std::size_t n,
                                                      const std::array<quotients, sizeof...(K)>& of, float zero,
                                                      std::index_sequence<K...>) {
    struct sums {
      lanes factor, shift, v, vv, xv;
    };
    const lanes z = all_lanes(zero);
    std::array<sums, sizeof...(K)> s{sums{all_lanes(of[K].factor), all_lanes(of[K].shift), {}, {}, {}}...};
    const auto add = [&](sums& m, std::size_t i) {
      const lanes v = value_at(x[i], m.factor, m.shift, z), ev = Alike ? v : settle(e[i] * v);
      if constexpr (apart) m.v += ev;
      m.vv += settle(ev * v), m.xv += settle(ev * x[i]);
    };
    for (std::size_t i = 0; i < n; ++i) (add(s[K], i), ...);
    return {moments{sum_of(s[K].v), sum_of(s[K].vv), sum_of(s[K].xv)}...};
  }
  static moments correlate_of(const lanes* x, const lanes* e, const std::uint8_t* minus, std::size_t n, float scale,
                              float shift, float zero, [[maybe_unused]] float limit = no_limit) {
    if constexpr (scalar_format<number>) {
      return moments_of<false>(x, e, n, std::array{quotients{inverse_or_zero(scale), shift}}, zero,
                               std::make_index_sequence<1>())[0];
    } else {
      constexpr std::size_t step = number::elements / width;
      moments m;
      for (std::size_t i = 0; i * step < n; ++i) {
        const grid_code best = find_code<number>(x + i * step, e + i * step, minus[i], scale, zero, limit - m.error);
        m.error += best.cost;
        if (!(m.error < limit)) return m;
        for (std::size_t j = 0; j < number::elements; ++j) {
          const float magnitude =
              point_magnitude<number>(best.points[j / number::dimension], j % number::dimension) - zero;
          const float v = ((best.minus ^ minus[i]) >> j & 1) ? -magnitude : magnitude;
          const float ev = exact(e[i * step + j / width][j % width] * v);
          m.vv += exact(ev * v), m.xv += exact(ev * x[i * step + j / width][j % width]);
        }
      }
      return m;
    }
  }
};

}  // namespace quern::inline v0::best_fit
