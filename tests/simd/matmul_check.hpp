// Products on every target against sums in double, between guard pages, whole and in windows of rows. Include after
// quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "quern/reference/decode.hpp"
#include "quern/storage/transcode.hpp"
#include "simd/decode_check.hpp"
#include "simd/guarded.hpp"
#include "simd/targets.hpp"
#include "support.hpp"

namespace support {

// ---- weights ----

// A code whose value is finite and, if N has such, of moderate size, so that products of levels do not overflow.
template <quern::number_format N>
std::uint32_t moderate_code(random_source& random) {
  std::uint32_t finite = 0;
  for (int i = 0; i < 400; ++i) {
    const auto code = static_cast<std::uint32_t>(random() >> 32) & quern::low_bits(N::bits);
    bool ok = true, moderate = true;
    for (std::size_t j = 0; j < quern::elements<N>; ++j) {
      const float v = std::fabs(quern::value<N>(code, j));
      ok = ok && quern::is_finite(v);
      moderate = moderate && (v == 0 || (v >= 0x1p-7f && v <= 0x1p8f));
    }
    if (ok && moderate) return code;
    if (ok) finite = code;
  }
  return finite;
}

// code_of.operator()<K>(r, c) for one weight of each region of part K inside the matrix, so that padding stays zero.
template <class C>
void set_codes(const quern::packed_span<C>& w, auto code_of) {
  quern::each_part<C>([&]<std::size_t K>() {
    const quern::shape step = quern::within(quern::parts<C>[K].region, w.matrix());
    for (std::size_t r = 0; r < w.rows(); r += step.rows)
      for (std::size_t c = 0; c < w.cols(); c += step.cols)
        quern::set_code<K>(w, {r, c}, code_of.template operator()<K>(r, c));
  });
}

template <class C>
quern::packed<C> moderate_weights(quern::shape size, std::uint64_t seed) {
  random_source random(seed);
  quern::packed<C> w(size.rows, size.cols);
  set_codes<C>(w.span(), [&]<std::size_t K>(std::size_t, std::size_t) {
    return moderate_code<quern::part_number<C, K>>(random);
  });
  return w;
}

// ---- the product in double ----

// Weights as real numbers, and for each the sum of the magnitudes of what it is computed from.
struct real_weights {
  quern::shape size;
  std::vector<double> value, magnitude;
};
template <class C>
real_weights real_weights_of(const quern::packed_view<C>& w) {
  using S = typename C::symmetry;
  real_weights r{w.size(), {}, {}};
  for (std::size_t i = 0; i < w.rows(); ++i)
    for (std::size_t j = 0; j < w.cols(); ++j) {
      const quern::coord at{w.first_row() + i, j};
      const double s = quern::reference::scale_at(w, at), o = quern::reference::offset_at(w, at);
      using N = typename C::number;
      const double v = quern::value<N>(quern::code_at<quern::codes>(w, at), j % quern::elements<N>);
      double value = 0, magnitude = 0;
      switch (quern::offset_term_of<S>) {
        case quern::offset_term::none:
          value = s * v, magnitude = std::fabs(value);
          break;
        case quern::offset_term::subtract_scaled:
          value = s * (v - o), magnitude = std::fabs(s) * (std::fabs(v) + std::fabs(o));
          break;
        case quern::offset_term::subtract:
          value = s * v - o, magnitude = std::fabs(s * v) + std::fabs(o);
          break;
        case quern::offset_term::add:
          value = s * v + o, magnitude = std::fabs(s * v) + std::fabs(o);
          break;
        case quern::offset_term::other:
          value = static_cast<double>(S::weight(static_cast<float>(s), static_cast<float>(v), static_cast<float>(o)));
          magnitude = std::fabs(value);
      }
      r.value.push_back(value), r.magnitude.push_back(magnitude);
    }
  return r;
}

// Activations as the product sees them: as they are (group 0), rounded to 8 significant bits (group of one), or the integers
// of int8<group> times their unit.
inline std::vector<double> real_activations(const std::vector<float>& x, std::size_t cols, std::size_t group) {
  std::vector<double> out(x.begin(), x.end());
  if (group == 0) return out;
  if (group == 1) {
    for (double& v : out) {
      int exponent = 0;
      const double mantissa = std::frexp(v, &exponent);
      v = std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
    }
    return out;
  }
  for (std::size_t row = 0; row < x.size(); row += cols)
    for (std::size_t g = row; g < row + cols; g += group) {
      const std::size_t end = std::min(g + group, row + cols);
      float most = 0;
      for (std::size_t i = g; i < end; ++i) most = std::max(most, std::fabs(x[i]));
      const float inverse = most == 0 ? 0.0f : 127.0f / most;
      for (std::size_t i = g; i < end; ++i)
        out[i] = static_cast<double>(std::nearbyint(x[i] * inverse)) * static_cast<double>(most / 127.0f);
    }
  return out;
}

// How many elements of y are further off than the bound. Where each of k terms is rounded once as a product, once as
// integers become a float, at most three times with its scale and unit, once with its offset, and at most k times as
// part of a sum, the error is at most (k + 8) * 2^-24 times the sum of the terms' magnitudes; a level's own rounding is
// part of the scale. Below 2^-126 the bound is absolute: 2^-149 a rounding, scaled by at most 2^24.
inline std::size_t beyond_bound(const real_weights& w, const std::vector<double>& x,
                                quern::matrix_view<const float> y) {
  const std::size_t k = w.size.cols;
  const double relative = (static_cast<double>(k) + 8) * 0x1p-24, absolute = static_cast<double>(k) * 0x1p-125;
  std::size_t n = 0;
  for (std::size_t m = 0; m < y.rows(); ++m)
    for (std::size_t r = 0; r < w.size.rows; ++r) {
      double sum = 0, magnitude = 0;
      for (std::size_t c = 0; c < k; ++c) {
        sum += w.value[r * k + c] * x[m * k + c];
        magnitude += w.magnitude[r * k + c] * std::fabs(x[m * k + c]);
      }
      n += !(std::fabs(static_cast<double>(y(m, r)) - sum) <= relative * magnitude + absolute);
    }
  return n;
}

// ---- a product ----

// Rows of x in [-2, 2), each row of another size.
inline std::vector<float> random_activations(std::size_t m, std::size_t cols, std::uint64_t seed) {
  random_source random(seed);
  std::vector<float> x(m * cols);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = random.uniform() * quern::exp2i(static_cast<int>(i / cols % 5) - 3);
  return x;
}

// A product's kernels and one matrix of weights, their types forgotten, so that what checks them is compiled once.
struct some_product {
  quern::shape size;
  guarded_arrays weights;
  std::size_t group;       // of int8 activations; 1 for bf16, 0 for f32
  bool sums_in_any_order;  // which depends on how many rows of x there are
  std::int64_t targets;    // that the kernels are compiled for
  std::int64_t (*target)() noexcept;
  std::size_t (*bytes_of)(std::size_t m, std::size_t cols);
  void (*prepare)(quern::matrix_view<const float> x, std::size_t first, std::size_t total, std::byte*) noexcept;
  void (*multiply)(const some_product&, std::size_t first, std::size_t count, const std::byte*, quern::matrix_view<float>);

  std::size_t prepared_bytes(std::size_t m) const { return bytes_of(m, size.cols); }
  void matmul(std::size_t first, std::size_t count, const std::byte* x, quern::matrix_view<float> y) const {
    multiply(*this, first, count, x, y);
  }
};
template <class P, std::int64_t Targets = HWY_TARGETS>
some_product product_with(const quern::packed<typename P::codec_type>& w, edge at = edge::end) {
  using C = typename P::codec_type;
  using F = quern::product_facts<P>;
  using K = quern::product_kernels<P, Targets>;
  constexpr std::size_t group = F::integer                                            ? F::group_cols
                                : std::is_same_v<typename P::activation, quern::bf16> ? 1u
                                                                                      : 0u;
  return {w.size(),
          arrays_like(w, at),
          group,
          F::path == (F::integer ? quern::product_path::rows : quern::product_path::planes),
          Targets,
          &quern::kernels<C, Targets>::target,
          [](std::size_t m, std::size_t cols) { return quern::prepared_bytes<P>(m, cols); },
          &K::prepare_rows,
          [](const some_product& p, std::size_t first, std::size_t count, const std::byte* x, quern::matrix_view<float> y) {
            K::matmul(*span_over<C>(p.weights, p.size).try_rows(first, count), x, y);
          }};
}

// Rows of x made ready, in exactly the bytes that are asked for, at the given edge of its pages.
class prepared_rows {
 public:
  prepared_rows(const some_product& p, const std::vector<float>& x, std::size_t m, edge at, bool one_by_one = false)
      : memory_(p.prepared_bytes(m), at), copy_(m * p.size.cols * sizeof(float), at) {
    auto* const data = reinterpret_cast<float*>(copy_.bytes().data());
    const std::size_t cols = p.size.cols;
    std::copy_n(x.data(), m * cols, data);
    if (!one_by_one) p.prepare({data, m, cols}, 0, m, memory_.bytes().data());
    else
      for (std::size_t i = m; i-- > 0;) p.prepare({data + i * cols, 1, cols}, i, m, memory_.bytes().data());
  }
  const std::byte* data() const { return memory_.bytes().data(); }

 private:
  guarded memory_, copy_;
};

inline std::vector<float> multiply(const some_product& p, const prepared_rows& x, std::size_t m) {
  std::vector<float> y(m * p.size.rows);
  p.matmul(0, p.size.rows, x.data(), quern::matrix_view<float>(y.data(), m, p.size.rows));
  return y;
}

// On the target in force, `most` rows of x and fewer, and windows of the rows of w.
inline void check_here(const some_product& p, const real_weights& real, std::size_t most, edge at) {
  const std::size_t rows = p.size.rows, cols = p.size.cols;
  const std::vector<float> x = random_activations(most, cols, 5);
  const std::vector<double> xs = real_activations(x, cols, p.group);
  const prepared_rows all(p, x, most, at);
  const std::vector<float> want = multiply(p, all, most);
  CHECK(beyond_bound(real, xs, quern::matrix_view<const float>(want.data(), most, rows)) == 0);
  CHECK(differences(multiply(p, prepared_rows(p, x, most, at, true), most), want) == 0);

  for (std::size_t m = 1; m < most; m += m < 5 ? 1 : 3) {
    CAPTURE(m);
    const prepared_rows some(p, x, m, at);
    const std::vector<float> own = multiply(p, some, m);
    if (!p.sums_in_any_order) CHECK(differences(own, {want.data(), own.size()}) == 0);
    CHECK(beyond_bound(real, xs, quern::matrix_view<const float>(own.data(), m, rows)) == 0);
    const result_matrix y({m, rows}, rows + 1, at);  // whose gaps must stay as they are
    p.matmul(0, rows, some.data(), y.view());
    CHECK(y.differences(own, [](std::size_t r) { return r; }) == 0);
  }
  const std::size_t cuts[][2] = {{0, 1},  {rows / 3, rows - rows / 3}, {rows - 1, 1}, {rows / 2, rows / 4}, {16, 16},
                                 {16, 32}};
  for (const auto& cut : cuts) {
    const std::size_t first = cut[0], count = cut[1];
    if (first + count > rows) continue;
    CAPTURE(first);
    CAPTURE(count);
    const result_matrix y({most, count}, count, at);
    p.matmul(first, count, all.data(), y.view());
    std::vector<float> part;
    for (std::size_t m = 0; m < most; ++m)
      for (std::size_t r = 0; r < count; ++r) part.push_back(want[m * rows + first + r]);
    CHECK(y.differences(part, [](std::size_t r) { return r; }) == 0);
  }
}

inline void on_every_target(const some_product& p, const std::function<void()>& f) {
  on_every_target(p.targets, p.target, f);
}

// C's product with activations A on every target; weights are made in the layout of `From`.
template <class From, class C, class A>
void check_product(quern::shape size, std::size_t most = 9) {
  using B = typename C::base;
  CAPTURE(size.rows);
  CAPTURE(size.cols);
  CAPTURE(quern::parts<B>[0].bits);
  const quern::packed<B> w = quern::transcode<B>(moderate_weights<typename From::base>(size, size.count()));
  const real_weights real = real_weights_of<B>(w);
  for (const edge at : {edge::begin, edge::end}) {
    const some_product p = product_with<quern::product<B, A>>(w, at);
    on_every_target(p, [&] { check_here(p, real, most, at); });
  }
}

}  // namespace support
