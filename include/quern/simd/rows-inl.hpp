// The product of rows as they lie, in any layout, and int8 activations: a chunk of a row becomes bytes, which meet all rows of
// x. A lane has the sum over four columns, which have one scale.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ROWS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ROWS_INL_HPP_
#undef QUERN_SIMD_ROWS_INL_HPP_
#else
#define QUERN_SIMD_ROWS_INL_HPP_
#endif

#include <algorithm>

#include "quern/simd/activations-inl.hpp"
#include "quern/simd/bytes-inl.hpp"
#include "quern/simd/decode-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// start + the sum of w * x over the four columns of each lane, of bytes of row_bias<N>.
template <class N>
HWY_INLINE V32 RowDot(V32 start, V8 w, V32 x) {
  if constexpr (kByteDot) return ByteDot(start, w, x);
  else if constexpr (vector_format<N>) return AddPairs(start, SignedPairs(w, x));
  else return AddPairs(start, BytePairs<N>(w, x));
}

// A chunk of a row: bytes, and scales and offsets.
template <class Product>
class row_chunk {
  using F = product_facts<Product>;
  using C = typename F::C;
  using N = typename C::number;
  using S = typename C::symmetry;
  using O = typename S::offsets;
  static constexpr std::size_t chunk = kChunk<C>, scale_granule = granule<typename C::granularity, chunk>,
                               offset_granule = granule<O, chunk>, segments = chunk / F::segment;
  // One number for each segment of a chunk, from one for each Granule columns, of which there are `numbers`.
  template <std::size_t Granule>
  static HWY_INLINE const float* PerSegment(const float* numbers, std::size_t count, float* room) {
    if constexpr (Granule == F::segment) return numbers;
    Spread(numbers, Granule == 0 ? count : Granule / F::segment, 0, count, room);
    return room;
  }

 public:
  HWY_INLINE row_chunk() {}

  // Columns [col, col + n) of rows that Read is for then, one after the other.
  HWY_INLINE void Start(const packed_view<C>& w, std::size_t row, std::size_t rows, std::size_t col, std::size_t n) {
    unpacked_.Start(w, row, rows, col, n);
    col_ = col, cols_ = n;
  }
  HWY_INLINE void Read(const packed_view<C>& w, const row_constants<C>& constants, std::size_t row) {
    unpacked_.Read(w, row);
    JoinAllLevels<C, typename C::granularity, 1, chunk>(unpacked_, constants, col_, cols_, 1.0f, scales_.numbers);
    if constexpr (F::sums) {
      JoinAllLevels<C, O, 1 + C::granularity::size, chunk>(unpacked_, constants, col_, cols_, 0.0f, offsets_);
      const std::size_t count = ceil_div(cols_, F::segment);
      const float* const o = PerSegment<offset_granule>(offsets_, count, terms_);
      HWY_ALIGN float room[segments + 64];
      constexpr bool scaled = offset_term_of<S> == offset_term::subtract_scaled;
      const float* const s = scaled ? PerSegment<scale_granule>(scales_.numbers, count, room) : nullptr;
      for (std::size_t i = 0; i < count; i += kLanes) {
        VF t = hn::LoadU(DF(), o + i);
        if constexpr (scaled) t = hn::Mul(t, hn::LoadU(DF(), s + i));
        hn::StoreU(offset_term_of<S> == offset_term::add ? t : hn::Neg(t), DF(), terms_ + i);
      }
    }
    if constexpr (vector_format<N>) {
      const auto& codes = unpacked_.template Part<0>();
      PointBytes<N, chunk / elements<N> + 1>(codes.codes, codes.count, points_);
    }
    scale_ = scales_.Use(ceil_div(cols_, quad_cols));
  }
  // What was read, of words from q on; as many words as a vector holds can be had behind the last one, too.
  HWY_INLINE V8 Bytes(std::size_t q) const {
    if constexpr (vector_format<N>) return hn::LoadU(D8(), points_ + 4 * q);
    else
      return ToBytes<N>(
          hn::LoadU(D8(), reinterpret_cast<const std::uint8_t*>(unpacked_.template Part<0>().codes) + 4 * q));
  }
  // Of each segment of what was read: its scale, and what is added for each unit of the sum of x.
  HWY_INLINE const float* Scales(float (&own)[segments + 64]) const {
    return PerSegment<scale_granule>(scales_.numbers, ceil_div(cols_, F::segment), own);
  }
  HWY_INLINE const float* Terms() const { return terms_; }

  // y[n] += the product with row n of x, for M rows.
  template <int M>
  HWY_INLINE void Multiply(const activation_view (&x)[M], float* y) const {
    const DF df;
    held<DF> sum[M];
    Unroll<M>([&](auto m) QUERN_INLINE { sum[m] = hn::Zero(df); });
    const std::size_t words = ceil_div(cols_, quad_cols), first = col_ / quad_cols;
    std::size_t q = 0;
    const auto add = [&](VF s, auto load, auto load_scale) QUERN_INLINE {
      const V8 w = Bytes(q);
      Unroll<M>([&](auto m) QUERN_INLINE {
        V32 dot = hn::Zero(D32());
        if constexpr (row_bias<N> != 0) dot = load(x[m].word_starts + first + q);
        dot = RowDot<N>(dot, w, load(x[m].words + first + q));
        const VF by = hn::Mul(s, load_scale(x[m].scales + col_ / F::segment));
        sum[m] = hn::MulAdd(hn::ConvertTo(df, dot), by, sum[m]);
      });
    };
    for (; q + kLanes <= words; q += kLanes)
      add(ScaleAt(q), [](const std::int32_t* p) QUERN_INLINE { return hn::LoadU(D32(), p); },
          [&](const float* p) QUERN_INLINE { return SpreadVector<F::segment / quad_cols>(p, q); });
    if (const std::size_t left = words - q; left != 0) {
      HWY_ALIGN float last[kLanes] = {};
      add(hn::IfThenElseZero(hn::FirstN(df, left), ScaleAt(q)),
          [&](const std::int32_t* p) QUERN_INLINE { return hn::LoadN(D32(), p, left); },
          [&](const float* p) QUERN_INLINE {
            for (std::size_t i = 0; i < left; ++i) last[i] = p[(q + i) * quad_cols / F::segment];
            return hn::Load(df, last);
          });
    }
    if constexpr (F::sums) {
      const std::size_t count = ceil_div(cols_, F::segment);
      std::size_t i = 0;
      for (; i + kLanes <= count; i += kLanes)
        Unroll<M>([&](auto m) QUERN_INLINE {
          sum[m] = hn::MulAdd(hn::LoadU(df, terms_ + i), hn::LoadU(df, x[m].sums + col_ / F::segment + i), sum[m]);
        });
      if (i < count)
        Unroll<M>([&](auto m) QUERN_INLINE {
          sum[m] = hn::MulAdd(hn::LoadN(df, terms_ + i, count - i),
                              hn::LoadN(df, x[m].sums + col_ / F::segment + i, count - i), sum[m]);
        });
    }
    Unroll<M>([&](auto m) QUERN_INLINE { y[m] += hn::ReduceSum(df, VF(sum[m])); });
  }

 private:
  // Of words from q on.
  HWY_INLINE VF ScaleAt(std::size_t q) const { return NumberAt<scale_granule / quad_cols>(scale_, q, 0); }

  chunk_codes<C, chunk> unpacked_;
  std::size_t col_ = 0, cols_ = 0;
  chunk_numbers<scale_granule / quad_cols, chunk / quad_cols> scales_;
  const float* scale_ = nullptr;
  HWY_ALIGN float offsets_[F::sums ? (offset_granule == 0 ? 64 : chunk / offset_granule + 64) : 1];
  HWY_ALIGN float terms_[F::sums ? segments + 64 : 1];
  HWY_ALIGN std::uint8_t points_[vector_format<N> ? chunk + 17 * elements<N> + 64 : 1];
};

// Rows of x that a chunk meets together.
inline constexpr int kRowsAtOnce = 4;

template <class Product>
HWY_INLINE void MatmulRows(const packed_view<typename Product::codec_type>& w, const activation_view& x,
                           matrix_view<float> y) {
  using C = typename Product::codec_type;
  const ieee_mode mode;
  row_chunk<Product> chunk;
  panel_constants<C> constants;
  HWY_ALIGN float sums[kRowsAtOnce];
  for (std::size_t r = 0; r < w.rows();) {
    const std::size_t row = w.first_row() + r, rows = std::min(w.rows() - r, kPanel<C> - row % kPanel<C>);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t m = 0; m < y.rows(); ++m) y(m, r + i) = 0;
    for (std::size_t c = 0; c < w.cols(); c += kChunk<C>) {
      chunk.Start(w, row, rows, c, std::min(kChunk<C>, w.cols() - c));
      for (std::size_t i = 0; i < rows; ++i) {
        constants[i].load(w, row + i);
        chunk.Read(w, constants[i], row + i);
        const auto meet = [&](std::size_t m, auto count) QUERN_INLINE {
          constexpr int M = count;
          activation_view part[M];
          Unroll<M>([&](auto k) QUERN_INLINE {
            part[k] = x.row(m + static_cast<std::size_t>(k));
            sums[k] = y(m + static_cast<std::size_t>(k), r + i);
          });
          chunk.template Multiply<M>(part, sums);
          Unroll<M>([&](auto k) QUERN_INLINE { y(m + static_cast<std::size_t>(k), r + i) = sums[k]; });
        };
        std::size_t m = 0;
        for (; m + kRowsAtOnce <= y.rows(); m += kRowsAtOnce) meet(m, std::integral_constant<int, kRowsAtOnce>());
        for (; m < y.rows(); ++m) meet(m, std::integral_constant<int, 1>());
      }
    }
    r += rows;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
