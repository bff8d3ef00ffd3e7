// The facts of a product of weights and activations that its kernels are chosen and laid out by. No SIMD here.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <numeric>

#include "quern/codec/activation.hpp"
#include "quern/codec/properties.hpp"
#include "quern/storage/sizes.hpp"
#include "quern/storage/tiled.hpp"

namespace quern::inline v0 {

// Columns over which nothing changes but the codes: the greatest common divisor of all groups of scales and offsets.
template <class C>
inline constexpr std::size_t uniform_cols = [] {
  std::size_t n = tile_cols<typename C::described>;
  each_part<C>([&]<std::size_t K>() {
    constexpr std::size_t cols = parts<C>[K].region.cols;
    if constexpr (K > 0 && cols != all) n = std::gcd(n, cols);
  });
  return n;
}();

// ---- weights as bytes ----

// The code of every weight, made a byte, is its value as an integer plus `bias`, times `unit`.
enum class byte_rule {
  none,   // the values are no small integers
  code,   // the byte is the code
  flip,   // the byte is the code with its top bit flipped: two's complement
  table,  // the byte is looked up
  grid    // the bytes of a vector format's code are looked up
};
struct byte_facts {
  byte_rule rule;
  float unit;
  int bias, largest;  // largest byte
};
template <class N>
inline constexpr byte_facts as_bytes = [] {
  constexpr small_integers s = as_small_integers<N>;
  if constexpr (s.unit == 0) {
    return byte_facts{byte_rule::none, 0, 0, 0};
  } else if constexpr (vector_format<N>) {
    const int bias = std::max(-s.least, 0);
    return byte_facts{byte_rule::grid, s.unit, bias, s.most + bias};
  } else {
    constexpr int top = (1 << N::bits) - 1;
    if (is_progression<N> && N::value(1) - N::value(0) == s.unit)
      return byte_facts{byte_rule::code, s.unit, -static_cast<int>(N::value(0) / s.unit), top};
    if (is_twos_complement<N>) return byte_facts{byte_rule::flip, s.unit, 1 << (N::bits - 1), top};
    return byte_facts{byte_rule::table, s.unit, -s.least, s.most - s.least};
  }
}();

// byte_table<N>[code] for the rule `table`.
template <class N>
inline constexpr auto byte_table = [] {
  std::array<std::uint8_t, (N::bits < 4 ? 16 : std::size_t{1} << N::bits)> t{};
  for (std::uint32_t c = 0; c < 1u << N::bits; ++c)
    t[c] = static_cast<std::uint8_t>(static_cast<int>(N::value(c) / as_bytes<N>.unit) + as_bytes<N>.bias);
  return t;
}();

// Whether codes of N become bytes by tables of its points: at most eight elements, and signs mirror around `bias`.
template <class N>
inline constexpr bool grid_has_bytes = [] {
  if constexpr (point_format<N>)
    return as_bytes<N>.rule == byte_rule::grid && N::dimension <= 8 && N::elements <= 8 &&
           (N::sign_rule == signs::none || as_bytes<N>.largest == 2 * as_bytes<N>.bias);
  else return false;
}();

// Whether a format's codes are points of 4 or 8 elements and signs, its values bytes times a unit.
template <class N>
inline constexpr bool has_point_bytes = [] {
  if constexpr (point_format<N>)
    return (elements<N> == 4 || elements<N> == 8) && (N::dimension == 4 || N::dimension == 8) && N::vectors <= 2 &&
           N::index_bits <= 16 && as_small_integers<N>.fit_i8() && !has_negative_zero<N>;
  return false;
}();

// ---- offsets ----

// What a symmetry does to a sum of products, found by trying it: with t = sum of x over a segment,
//   y += s * (sum of v * x)   and then   nothing | - s * o * t | - o * t | + o * t.
enum class offset_term { none, subtract_scaled, subtract, add, other };
template <class S>
inline constexpr offset_term offset_term_of = [] {
  const auto is = [](float s, float v, float o, float want) { return S::weight(s, v, o) == want; };
  if (S::offsets::size == 0)
    return is(3, 5, 0, 15) && is(-2, 7, 0, -14) && is(2, -5, 0, -10) ? offset_term::none : offset_term::other;
  if (is(3, 5, 2, 9) && is(-2, 7, 3, -8) && is(3, 0, 2, -6) && is(2, -5, -3, -4)) return offset_term::subtract_scaled;
  if (is(3, 5, 2, 13) && is(-2, 7, 3, -17) && is(3, 0, 2, -2) && is(2, -5, -3, -7)) return offset_term::subtract;
  if (is(3, 5, 2, 17) && is(-2, 7, 3, -11) && is(3, 0, 2, 2) && is(2, -5, -3, -13)) return offset_term::add;
  return offset_term::other;
}();

// Whether what pads a tile, code 0 of every part in it, is finite: times an activation of 0 it is then 0.
template <class C>
inline constexpr bool padding_is_finite = [] {
  bool finite = true;
  each_part<C>([&]<std::size_t K>() {
    using N = part_number<C, K>;
    for (std::size_t j = 0; j < elements<N>; ++j) finite = finite && is_finite(value<N>(0, j));
  });
  return finite;
}();

// Whether rows of codes become bytes, four columns of which have one scale; segments of so many columns.
template <class C, std::size_t Segment>
inline constexpr bool rows_become_bytes = [] {
  using N = typename C::number;
  if (Segment % quad_cols != 0 || 64 % Segment != 0) return false;
  if constexpr (vector_format<N>) return has_point_bytes<N>;
  else return N::bits <= 8;
}();

// ---- activations ----

// The group of `automatic` int8 activations: 32 columns, or what nests with the weights' groups best.
template <class C>
inline constexpr std::size_t automatic_group = [] {
  constexpr std::size_t n = uniform_cols<C>, tile = tile_cols<typename C::described>;
  if (n % 32 == 0 || 32 % n == 0) return std::size_t{32};
  std::size_t a = n;
  while (a < 32 || a % 4 != 0 || tile % a != 0) a += n;
  return a;
}();

// Which loop computes a product.
enum class product_path {
  planes,    // straight from the bit planes of tiles
  expanded,  // from a tile's codes, made bytes first
  rows,      // from a row's codes as they lie, made bytes first
  decoded    // from decoded weights: every layout, every number
};

template <class Product>
struct product_facts {
  using C = typename Product::codec_type;
  using A = typename Product::activation;
  using N = typename C::number;
  static constexpr bool integer = is_int8<A>;
  static constexpr std::size_t block_cols = tile_cols<typename C::described>;
  static constexpr std::size_t group_cols = [] {
    if constexpr (is_int8<A>) return A::group;
    else return block_cols;
  }();
  static_assert(block_cols % group_cols == 0,
                "int8: the group of activations must divide the columns of the codec's tile; "
                "int8<automatic_group<C>> does");
  static_assert(!integer || as_bytes<N>.rule != byte_rule::none,
                "int8: the values of this number format are no small integers; use f32 or bf16 activations");

  // Sums of products over a segment have one scale, one offset and one scale of activations.
  static constexpr std::size_t segment = std::gcd(uniform_cols<C>, group_cols);
  static constexpr std::size_t segments = block_cols / segment;

  static constexpr product_path path = [] {
    if (offset_term_of<typename C::symmetry> == offset_term::other) return product_path::decoded;
    if (!is_tiled<C>) return integer && rows_become_bytes<C, segment> ? product_path::rows : product_path::decoded;
    if (!padding_is_finite<C>) return product_path::decoded;
    if (vector_format<N>) return grid_has_bytes<N> ? product_path::expanded : product_path::decoded;
    if (N::bits > 8) return product_path::decoded;
    const bool whole_quads = segment % quad_cols == 0 && (segment % step_cols == 0 || step_cols % segment == 0);
    return whole_quads ? product_path::planes : product_path::expanded;
  }();
  // Decoded weights meet x as f32; x as int8 is then its integers times their unit.
  static constexpr bool integer_words = integer && path != product_path::decoded;
  static constexpr bool sums = C::symmetry::offsets::size > 0 && path != product_path::decoded;

  // Words of 32 bits of activations: four int8, or one f32. A segment that begins or ends inside a quad reads the whole
  // quad, with zeros for the columns that are not its own.
  static constexpr std::size_t first_quad(std::size_t s) { return s * segment / quad_cols; }
  static constexpr std::size_t end_quad(std::size_t s) { return ceil_div((s + 1) * segment, quad_cols); }
  static constexpr std::size_t quads = [] {
    if (path == product_path::decoded) return block_cols / quad_cols;
    std::size_t n = 0;
    for (std::size_t s = 0; s < segments; ++s) n += end_quad(s) - first_quad(s);
    return n;
  }();
  static constexpr std::size_t words_per_quad = integer_words ? 1 : quad_cols;
  static constexpr std::size_t block_words = quads * words_per_quad;
};

// Where the prepared activations of m rows lie, in bytes from the beginning; every array has one row for each row of x.
template <class Product>
struct prepared_layout {
  using F = product_facts<Product>;
  std::size_t blocks, words, scales, starts, word_starts, sums, bytes;

  constexpr prepared_layout(std::size_t m, std::size_t cols) : blocks(ceil_div(cols, F::block_cols)) {
    const std::size_t all_words = round_up(m * blocks * F::block_words * 4, 64);
    const std::size_t segments = round_up(m * blocks * F::segments * sizeof(float), 64);
    words = 64;  // the header
    scales = words + all_words;
    starts = scales + (F::integer_words ? segments : 0);
    word_starts = starts + (F::integer_words ? segments : 0);
    sums = word_starts + (F::path == product_path::rows ? all_words : 0);
    bytes = sums + (F::sums ? segments : 0);
  }
};

// Bytes that prepare needs for m rows of x.
template <class Product>
constexpr std::size_t prepared_bytes(std::size_t m, std::size_t cols) {
  return prepared_layout<Product>(m, cols).bytes;
}

// ---- tiles ----

// A bit plane of the codes of a step: `width` bits from bit `low` of each code, from byte `at` of the step.
struct tile_plane {
  unsigned width, low;
  std::size_t at;
};

template <class C>
struct tile_facts {
  static constexpr std::size_t bytes = unit_bytes<C, 0>(sample);  // of a tile
  // Where each part's fields begin in the tile.
  static constexpr auto at = [] {
    std::array<std::size_t, part_count<C>> a{};
    for (auto& x : a) x = bytes;
    each_field<C, 0>(sample, [&]<class, class F>(std::size_t byte) {
      if (index_of<C>(F::what) < a.size()) {
        auto& x = a[index_of<C>(F::what)];
        x = byte < x ? byte : x;
      }
    });
    return a;
  }();
  static constexpr std::size_t plane_count = [] {
    std::size_t n = 0;
    each_field<C, 0>(sample, [&]<class, class F>(std::size_t) { n += is_repeated<F>; });
    return n;
  }();
  static constexpr auto planes = [] {
    std::array<tile_plane, plane_count> p{};
    std::size_t n = 0;
    each_field<C, 0>(sample, [&]<class, class F>(std::size_t) {
      if constexpr (is_repeated<F>) {
        const slice s = F::inner::holds(run{F::positions, C::number::bits});
        p[n++] = {s.width, s.shift, F::offset};
      }
    });
    return p;
  }();
  static constexpr std::size_t step_bytes = C::number::bits * tile_rows * step_cols / 8;
};

}  // namespace quern::inline v0
