// Activations in the form and order that the products read: words of 32 bits, one after the other.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_ACTIVATIONS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_ACTIVATIONS_INL_HPP_
#undef QUERN_SIMD_ACTIVATIONS_INL_HPP_
#else
#define QUERN_SIMD_ACTIVATIONS_INL_HPP_
#endif

#include <cstring>
#include <limits>

#include "quern/base/half.hpp"
#include "quern/base/matrix_view.hpp"
#include "quern/simd/operands-inl.hpp"
#include "quern/simd/vector-inl.hpp"
#include "quern/storage/product.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Prepared activations, as pointers; a row of x every *_stride elements.
struct activation_view {
  const std::int32_t* words;        // words of a segment's quads, segment by segment
  const float* scales;              // of each segment: the unit of the weights' integers times that of x's; int8 only
  const std::int32_t* starts;       // of each segment: -bias * sum of x's integers; int8 only
  const std::int32_t* word_starts;  // the same of each word; where rows are read
  const float* sums;                // of each segment: sum of x; where the codec has offsets
  std::size_t words_stride, segments_stride, blocks, rows;

  HWY_INLINE activation_view row(std::size_t i) const {
    activation_view v = *this;
    v.words += i * words_stride;
    if (scales) v.scales += i * segments_stride, v.starts += i * segments_stride;
    if (word_starts) v.word_starts += i * words_stride;
    if (sums) v.sums += i * segments_stride;
    return v;
  }
};

// Words of a tile's columns in a row of x.
template <class Product>
inline constexpr std::size_t kBlockWords = product_facts<Product>::quads * std::size_t{dot_of<Product>::words};

// Words from one row of x to the next. Pairs take half of the space; one line of the rest keeps rows whose lengths are
// powers of two from meeting in few sets of the cache.
template <class Product>
HWY_INLINE std::size_t WordsStride(std::size_t blocks) {
  static_assert(!kPairs<Product> || 2 * kBlockWords<Product> >= kBlockWords<Product> + 16);
  return blocks * kBlockWords<Product> + (kPairs<Product> ? 16 : 0);
}

struct prepared_header {
  std::uint64_t rows, cols;
};

template <class Product>
activation_view ViewPrepared(const std::byte* p) {
  using F = product_facts<Product>;
  prepared_header h;
  std::memcpy(&h, p, sizeof h);
  const prepared_layout<Product> at(static_cast<std::size_t>(h.rows), static_cast<std::size_t>(h.cols));
  activation_view v{};
  v.words = reinterpret_cast<const std::int32_t*>(p + at.words);
  if (F::integer_words) {
    v.scales = reinterpret_cast<const float*>(p + at.scales);
    v.starts = reinterpret_cast<const std::int32_t*>(p + at.starts);
  }
  if (F::path == product_path::rows) v.word_starts = reinterpret_cast<const std::int32_t*>(p + at.word_starts);
  if (F::sums) v.sums = reinterpret_cast<const float*>(p + at.sums);
  v.blocks = at.blocks, v.rows = static_cast<std::size_t>(h.rows);
  v.words_stride = WordsStride<Product>(at.blocks), v.segments_stride = at.blocks * F::segments;
  return v;
}

// The largest magnitude of n values, and whether all are finite.
struct extent {
  float amax;
  bool finite;
};
HWY_INLINE extent Extent(const float* x, std::size_t n) {
  const DF df;
  const std::size_t lanes = hn::Lanes(df);
  VF amax = hn::Zero(df);
  VU32 bits = hn::Zero(DU32());  // the largest bits of a magnitude, which NaN would hide from Max
  const auto take = [&](const float* p) QUERN_INLINE {
    const VF a = hn::Abs(hn::LoadU(df, p));
    amax = hn::Max(amax, a);
    bits = hn::Max(bits, hn::BitCast(DU32(), a));
  };
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) take(x + i);
  if (i < n) {
    float rest[16] = {};
    std::memcpy(rest, x + i, (n - i) * sizeof(float));
    take(rest);
  }
  return {hn::ReduceMax(df, amax), hn::ReduceMax(DU32(), bits) < 0x7f800000u};
}

// q = x * 127 / amax rounded to nearest even, for n values; returns amax / 127, the unit.
HWY_INLINE float QuantizeGroup(const float* HWY_RESTRICT x, std::size_t n, std::int8_t* HWY_RESTRICT q) {
  const DF df;
  const extent e = Extent(x, n);
  // Below 2^-126 * 127 the inverse would overflow; so small a group counts as zero, an error below any normal number.
  const bool zero = !(e.amax >= 0x1p-119f);
  const float inverse = zero ? 0.0f : 127.0f / e.amax;
  const hn::Rebind<std::int8_t, DF> d8;
  std::size_t i = 0;
  for (; i + hn::Lanes(df) <= n; i += hn::Lanes(df)) {
    const V32 v = hn::NearestInt(hn::Mul(hn::LoadU(df, x + i), hn::Set(df, inverse)));
    hn::StoreU(hn::DemoteTo(d8, hn::Min(hn::Max(v, hn::Set(D32(), -127)), hn::Set(D32(), 127))), d8, q + i);
  }
  if (i < n) {
    float rest[16] = {};
    std::int8_t out[16];
    std::memcpy(rest, x + i, (n - i) * sizeof(float));
    const V32 v = hn::NearestInt(hn::Mul(hn::LoadU(df, rest), hn::Set(df, inverse)));
    hn::StoreU(hn::DemoteTo(d8, hn::Min(hn::Max(v, hn::Set(D32(), -127)), hn::Set(D32(), 127))), d8, out);
    std::memcpy(q + i, out, n - i);
  }
  return zero ? 0.0f : e.amax / 127.0f;
}

// to[i] = x[i] rounded to 8 significant bits, ties to even, as to_bf16; n is a multiple of 16. `to` may be x.
HWY_INLINE void RoundToBf16(const float* x, std::size_t n, float* to) {
  const D32 d;
  for (std::size_t i = 0; i < n; i += kLanes) {
    const VF v = hn::LoadU(DF(), x + i);
    const V32 u = hn::BitCast(d, v), odd = hn::And(hn::ShiftRight<16>(u), hn::Set(d, 1));
    const V32 rounded = hn::Add(hn::Add(u, hn::Set(d, 0x7fff)), odd), quiet = hn::Or(u, hn::Set(d, 0x400000));
    const V32 whole = hn::IfThenElse(hn::RebindMask(d, hn::IsNaN(v)), quiet, rounded);
    hn::StoreU(hn::BitCast(DF(), hn::ShiftLeft<16>(hn::ShiftRight<16>(whole))), DF(), to + i);
  }
}

// The upper halves of n floats as words: of columns 0 and 2, then 1 and 3 of each quad, the earlier in the lower half.
HWY_INLINE void PackPairs(const float* HWY_RESTRICT x, std::size_t n, std::int32_t* HWY_RESTRICT words) {
  for (std::size_t i = 0; i < n; i += 4) {
    std::uint32_t u[4], pairs[2];
    std::memcpy(u, x + i, sizeof u);
    for (std::size_t j = 0; j < 2; ++j) pairs[j] = u[j] >> 16 | (u[j + 2] & 0xffff0000);
    std::memcpy(words + i / 2, pairs, sizeof pairs);
  }
}

// One tile's columns of a row of x, `cols` of them present and the rest 0.
template <class Product>
void PrepareBlock(const float* HWY_RESTRICT x, std::size_t cols, std::int32_t* HWY_RESTRICT words,
                  float* HWY_RESTRICT scales, std::int32_t* HWY_RESTRICT starts,
                  std::int32_t* HWY_RESTRICT word_starts, float* HWY_RESTRICT sums) {
  using F = product_facts<Product>;
  using N = typename F::N;
  constexpr std::size_t n = F::block_cols;
  alignas(64) float padded[n + 4];
  const float* v = x;
  if (cols < n) {
    std::memcpy(padded, x, cols * sizeof(float));
    std::memset(padded + cols, 0, (n - cols) * sizeof(float));
    v = padded;
  }
  if constexpr (std::is_same_v<typename F::A, bf16>) {
    RoundToBf16(v, n, padded);
    v = padded;
  }
  constexpr bool aligned = F::segment % quad_cols == 0 || F::path == product_path::decoded;
  if constexpr (F::integer && !F::integer_words) {  // the integers times their unit
    std::int8_t q[F::group_cols];
    for (std::size_t first = 0; first < n; first += F::group_cols) {
      const float unit = QuantizeGroup(v + first, F::group_cols, q);
      for (std::size_t i = 0; i < F::group_cols; ++i) {
        const float value = static_cast<float>(q[i]) * unit;
        std::memcpy(words + first + i, &value, sizeof value);
      }
    }
  } else if constexpr (F::integer) {
    alignas(64) std::int8_t q[n + 16];
    float unit[n / F::group_cols];
    for (std::size_t g = 0; g < n / F::group_cols; ++g)
      unit[g] = QuantizeGroup(v + g * F::group_cols, F::group_cols, q + g * F::group_cols);
    std::size_t word = 0;
    for (std::size_t s = 0; s < F::segments; ++s) {
      const std::size_t first = s * F::segment, end = first + F::segment;
      std::int32_t sum = 0;
      for (std::size_t i = first; i < end; ++i) sum += q[i];
      const float d = unit[first / F::group_cols];
      scales[s] = d * as_bytes<N>.unit;
      starts[s] = -(F::path == product_path::rows ? row_bias<N> : byte_bias<N>) * sum;
      if constexpr (F::sums) sums[s] = d * static_cast<float>(sum);
      if constexpr (!aligned) {
        for (std::size_t quad = F::first_quad(s); quad < F::end_quad(s); ++quad) {
          std::int8_t four[4];
          for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t c = quad * 4 + i;
            four[i] = c >= first && c < end ? q[c] : std::int8_t{0};
          }
          std::memcpy(words + word++, four, 4);
        }
      }
    }
    if constexpr (aligned) std::memcpy(words, q, n);
    if constexpr (F::path == product_path::rows)
      for (std::size_t i = 0; i < n / quad_cols; ++i)
        word_starts[i] = -row_bias<N> * (q[4 * i] + q[4 * i + 1] + q[4 * i + 2] + q[4 * i + 3]);
  } else {
    std::size_t word = 0;
    for (std::size_t s = 0; s < F::segments; ++s) {
      const std::size_t first = s * F::segment, end = first + F::segment;
      if constexpr (F::sums) {
        float sum = 0;
        for (std::size_t i = first; i < end; ++i) sum += v[i];
        sums[s] = sum;
      }
      if constexpr (!aligned) {
        for (std::size_t c = F::first_quad(s) * 4; c < F::end_quad(s) * 4; ++c, ++word) {
          const float value = c >= first && c < end ? v[c] : 0.0f;
          std::memcpy(words + word, &value, 4);
        }
      }
    }
    if constexpr (kPairs<Product>) PackPairs(v, n, words);
    else if constexpr (aligned) std::memcpy(words, v, n * sizeof(float));
  }
}

// Rows [first, first + x.rows()) of `total` rows of x.
template <class Product>
void PrepareRows(matrix_view<const float> x, std::size_t first, std::size_t total, std::byte* prepared) {
  using F = product_facts<Product>;
  const prepared_layout<Product> at(total, x.cols());
  const prepared_header h{total, x.cols()};
  if (first == 0) std::memcpy(prepared, &h, sizeof h);
  const std::size_t stride = WordsStride<Product>(at.blocks);
  auto* const words = reinterpret_cast<std::int32_t*>(prepared + at.words);
  auto* const scales = reinterpret_cast<float*>(prepared + at.scales);
  auto* const starts = reinterpret_cast<std::int32_t*>(prepared + at.starts);
  auto* const word_starts = reinterpret_cast<std::int32_t*>(prepared + at.word_starts);
  auto* const sums = reinterpret_cast<float*>(prepared + at.sums);
  for (std::size_t r = 0; r < x.rows(); ++r) {
    const std::size_t m = first + r;
    for (std::size_t b = 0; b < at.blocks; ++b) {
      const std::size_t col = b * F::block_cols, segment = (m * at.blocks + b) * F::segments;
      const std::size_t cols = x.cols() - col < F::block_cols ? x.cols() - col : F::block_cols;
      const std::size_t word = m * stride + b * kBlockWords<Product>;
      PrepareBlock<Product>(x.row(r) + col, cols, words + word, scales + segment, starts + segment, word_starts + word,
                            sums + segment);
    }
    if constexpr (F::integer) {
      if (x.cols() != 0 && !Extent(x.row(r), x.cols()).finite) {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        if constexpr (F::integer_words)
          for (std::size_t s = 0; s < at.blocks * F::segments; ++s) scales[m * at.blocks * F::segments + s] = nan;
        else std::memcpy(words + m * stride, &nan, sizeof nan);
      }
    }
  }
}
template <class Product>
void Prepare(matrix_view<const float> x, std::byte* prepared) {
  PrepareRows<Product>(x, 0, x.rows(), prepared);
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
