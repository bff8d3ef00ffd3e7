// Decoding: a chunk of a row at a time, codes and scales unpacked, looked up and joined. Bit for bit what reference::decode
// gives. Knows neither fields nor formats.
// SPDX-License-Identifier: Apache-2.0
#if defined(QUERN_SIMD_DECODE_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUERN_SIMD_DECODE_INL_HPP_
#undef QUERN_SIMD_DECODE_INL_HPP_
#else
#define QUERN_SIMD_DECODE_INL_HPP_
#endif

#include <array>
#include <cstring>
#include <numeric>
#include <span>

#include "quern/base/matrix_view.hpp"
#include "quern/number/f32.hpp"
#include "quern/simd/float_mode.hpp"
#include "quern/simd/lookup-inl.hpp"
#include "quern/simd/points-inl.hpp"
#include "quern/simd/scales-inl.hpp"
#include "quern/simd/vector-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace quern::inline v0 {
namespace HWY_NAMESPACE {

// Columns of a chunk: so many that loops are long and buffers stay in the first-level cache; whole units and whole groups
// where they are not longer than that.
template <class C>
inline constexpr std::size_t kChunk = [] {
  constexpr std::size_t most = kPanel<C> == 1
                                   ? 2048
                                   : std::clamp((std::size_t{1} << 17) / (kPanel<C> * C::number::bits),
                                                std::size_t{256}, std::size_t{2048});
  std::size_t n = std::lcm(std::size_t{64}, elements<typename C::number>);
  const auto take = [&](std::size_t cols) {
    if (cols != all && std::lcm(n, cols) <= most) n = std::lcm(n, cols);
  };
  each_part<C>([&]<std::size_t K>() {
    take(parts<C>[K].region.cols);
    take(array_of<C, array_with<C, K>>::unit.cols);
  });
  return n >= most ? n : most / n * n;
}();

template <class S>
concept has_form = requires {
  { S::form } -> std::convertible_to<weight_form>;
};

// weight(s, v, o), nothing fused.
template <weight_form Form>
HWY_INLINE VF Weight(VF s, VF v, VF o) {
  if constexpr (Form == weight_form::product) return hn::Mul(s, v);
  else if constexpr (Form == weight_form::shifted_product) return hn::Mul(s, hn::Sub(v, o));
  else if constexpr (Form == weight_form::product_minus) return hn::Sub(Exact(hn::Mul(s, v)), o);
  else return hn::Add(Exact(hn::Mul(s, v)), o);
}

// How the weights of a block of 64 find their numbers, of which there is one for each `granule` weights.
enum class spreading {
  broadcast,  // each vector has one
  registers,  // a few to a vector
  memory      // written to memory first, one for each weight
};
constexpr spreading spreading_of(std::size_t granule) {
  if (granule % 64 == 0 || (granule % 16 == 0 && 64 % granule == 0)) return spreading::broadcast;
  return granule == 8 || granule == 4 ? spreading::registers : spreading::memory;
}

// The numbers of a vector of weights, from weight col + offset of the chunk. Granule 0: one for all.
template <std::size_t Granule>
HWY_INLINE VF NumberAt(const float* numbers, std::size_t col, std::size_t offset) {
  const DF df;
  if constexpr (Granule == 0) return hn::Set(df, numbers[0]);
  else if constexpr (spreading_of(Granule) == spreading::broadcast)
    return hn::Set(df, numbers[col / Granule + offset / Granule]);
  else if constexpr (spreading_of(Granule) == spreading::registers) return SpreadVector<Granule>(numbers, col + offset);
  else return hn::LoadU(df, numbers + col + offset);
}

// out[i] = the weight of codes[i], i < n; of Number, in form Form.
template <class Number, weight_form Form, std::size_t ScaleGranule, std::size_t OffsetGranule>
HWY_INLINE void Combine(const std::uint8_t* codes, const float* scales, const float* offsets, std::size_t n,
                        float* HWY_RESTRICT out) {
  using T = code_t<Number::bits>;
  const DF df;
  const auto block = [&](const std::uint8_t* from, std::size_t col, float* to) QUERN_INLINE {
    EachValue<Number, 64>(from, [&](auto at, VF v) QUERN_INLINE {
      hn::StoreU(Weight<Form>(NumberAt<ScaleGranule>(scales, col, at), v, NumberAt<OffsetGranule>(offsets, col, at)),
                 df, to + at);
    });
  };
  std::size_t c = 0;
  for (; c + 64 <= n; c += 64) block(codes + c * sizeof(T), c, out + c);
  if (c < n) {
    HWY_ALIGN float weights[64];
    block(codes + c * sizeof(T), c, weights);
    std::memcpy(out + c, weights, (n - c) * sizeof(float));
  }
}

// Numbers of a granularity for a chunk, and where they are read.
template <std::size_t Granule, std::size_t Chunk>
struct chunk_numbers {
  static constexpr std::size_t room = Granule == 0 ? 64 : Chunk / Granule + 64;
  HWY_ALIGN float numbers[room];
  HWY_ALIGN float each_weight[spreading_of(Granule) == spreading::memory ? Chunk + 64 : 1];

  HWY_INLINE const float* Use(std::size_t n) {
    if constexpr (spreading_of(Granule) != spreading::memory) return numbers;
    Spread(numbers, Granule, 0, n, each_weight);
    return each_weight;
  }
};

// Columns [col, col + n) of the row whose codes have just been read; col is a multiple of kChunk<C>, n at most that.
template <class C>
HWY_INLINE void DecodeChunk(chunk_codes<C, kChunk<C>>& unpacked, const row_constants<C>& constants, std::size_t col,
                            std::size_t n, float* HWY_RESTRICT out) {
  using N = typename C::number;
  using G = typename C::granularity;
  using S = typename C::symmetry;
  using O = typename S::offsets;
  constexpr std::size_t chunk = kChunk<C>;
  constexpr std::size_t scale_granule = granule<G, chunk>, offset_granule = granule<O, chunk>;

  chunk_numbers<scale_granule, chunk> scales;
  chunk_numbers<offset_granule, chunk> offsets;
  JoinAllLevels<C, G, 1, chunk>(unpacked, constants, col, n, 1.0f, scales.numbers);
  JoinAllLevels<C, O, 1 + G::size, chunk>(unpacked, constants, col, n, 0.0f, offsets.numbers);

  const auto& codes = unpacked.template Part<0>();
  if constexpr (!has_form<S>) {
    HWY_ALIGN float values[chunk + 64], s[chunk + 64], o[chunk + 64];
    call_values<N>(codes.codes, codes.count, values);
    Spread(scales.numbers, scale_granule == 0 ? n : scale_granule, 0, n, s);
    Spread(offsets.numbers, offset_granule == 0 ? n : offset_granule, 0, n, o);
    call_weight<S>(s, values, o, n, out);
  } else if constexpr (has_point_bytes<N>) {
    HWY_ALIGN std::uint8_t bytes[chunk + 17 * elements<N>];
    PointBytes<N, chunk / elements<N> + 1>(codes.codes, codes.count, bytes);
    Combine<point_byte<N>, S::form, scale_granule, offset_granule>(bytes, scales.Use(n), offsets.Use(n), n, out);
  } else if constexpr (kLookUpFirst<N>) {
    HWY_ALIGN float values[chunk + 64];
    ExpandValues<N>(codes.codes, codes.count, values);
    Combine<f32, S::form, scale_granule, offset_granule>(reinterpret_cast<const std::uint8_t*>(values), scales.Use(n),
                                                         offsets.Use(n), n, out);
  } else {
    Combine<N, S::form, scale_granule, offset_granule>(reinterpret_cast<const std::uint8_t*>(codes.codes),
                                                       scales.Use(n), offsets.Use(n), n, out);
  }
}

// Of each row of a panel.
template <class C>
using panel_constants = std::array<row_constants<C>, kPanel<C>>;

// Columns [col, col + n) of rows [row, row + rows) of the matrix, rows that lie in one panel; col is a multiple of kChunk<C>.
template <class C>
HWY_NOINLINE void DecodePanel(const packed_view<C>& w, panel_constants<C>& constants, std::size_t row, std::size_t rows,
                            std::size_t col, std::size_t n, float* HWY_RESTRICT out, std::size_t stride) {
  chunk_codes<C, kChunk<C>> unpacked;
  for (std::size_t c = 0; c < n; c += kChunk<C>) {
    const std::size_t count = std::min(kChunk<C>, n - c);
    unpacked.Start(w, row, rows, col + c, count);
    for (std::size_t r = 0; r < rows; ++r) {
      constants[r].load(w, row + r);
      // All parts are unpacked before the first of them is looked up: a load just behind stores of another width would wait.
      unpacked.Read(w, row + r);
      DecodeChunk<C>(unpacked, constants[r], col + c, count, out + r * stride + c);
    }
  }
}

// Weights [col, col + n) of a row of the view.
template <class C>
void DecodeStretch(packed_view<C> w, std::size_t row, std::size_t col, std::size_t n, float* HWY_RESTRICT out) {
  const ieee_mode mode;
  panel_constants<C> constants;
  if (const std::size_t skip = col % kChunk<C>; skip != 0) {
    HWY_ALIGN float whole[kChunk<C>];
    const std::size_t count = std::min(kChunk<C> - skip, n);
    DecodePanel(w, constants, w.first_row() + row, 1, col - skip, skip + count, whole, 0);
    std::memcpy(out, whole + skip, count * sizeof(float));
    col += count, n -= count, out += count;
  }
  DecodePanel(w, constants, w.first_row() + row, 1, col, n, out, 0);
}

template <class C>
void Decode(packed_view<C> w, matrix_view<float> out) {
  const ieee_mode mode;
  panel_constants<C> constants;
  for (std::size_t r = 0; r < w.rows();) {
    const std::size_t row = w.first_row() + r, rows = std::min(w.rows() - r, kPanel<C> - row % kPanel<C>);
    DecodePanel(w, constants, row, rows, 0, w.cols(), out.row(r), out.row_stride());
    r += rows;
  }
}

// out's row i = the weights of row rows[i] of the view.
template <class C>
void DecodeRows(packed_view<C> w, std::span<const std::uint32_t> rows, matrix_view<float> out) {
  const ieee_mode mode;
  panel_constants<C> constants;
  for (std::size_t i = 0; i < rows.size(); ++i)
    DecodePanel(w, constants, w.first_row() + rows[i], 1, 0, w.cols(), out.row(i), 0);
}

}  // namespace HWY_NAMESPACE
}  // namespace quern::inline v0
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
