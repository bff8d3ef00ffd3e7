// Decoding of the composed codecs against the reference. Include after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <vector>

#include "combinations/policies.hpp"
#include "quern/storage/transcode.hpp"
#include "simd/decode_check.hpp"

namespace combinations {

inline constexpr shape ragged{19, 203};

// To the tiles of the same numbers and back: the same weights, and from there on the same bytes.
template <class C>
void check_transcoding(const support::guarded_arrays& arrays) {
  const packed_view<C> w = support::span_over<C>(arrays, ragged);
  std::vector<float> weights(ragged.count()), want(ragged.count());
  reference::decode(w, matrix_view<float>(want.data(), ragged.rows, ragged.cols));
  using T = typename tiled<codec<typename C::number, typename C::granularity, typename C::symmetry>>::base;
  const packed<T> tiles = transcode<T>(w);
  const packed<C> back = transcode<C>(tiles);
  const packed<T> again = transcode<T>(back);
  reference::decode(back.view(), matrix_view<float>(weights.data(), ragged.rows, ragged.cols));
  CHECK(support::differences(weights, want) == 0);
  for (std::size_t i = 0; i < T::layout::arrays; ++i)
    CHECK(std::equal(tiles.array(i).begin(), tiles.array(i).end(), again.array(i).begin(), again.array(i).end()));
}

// A function of its own for each codec: a hundred of them in one are more than a compiler can bear.
template <std::size_t I, std::int64_t Targets = HWY_TARGETS>
[[gnu::noinline]] void check_codec() {
  using C = codec_at<I>;
  constexpr support::decoder d = support::decoder_of<C, Targets, I % 8 == 3>();
  CAPTURE(I);
  support::check_decode(d, ragged, support::edge::end);
  if constexpr (I % 16 == 1 && has_tiles<codec<typename C::number, typename C::granularity, typename C::symmetry>>)
    check_transcoding<C>(d.random(ragged, support::edge::begin, I));
}

#ifdef SOME_CODECS
inline constexpr std::size_t every = 3;
#else
inline constexpr std::size_t every = 1;
#endif

// Part P of the codecs.
template <std::size_t P>
void check_part() {
  constexpr std::size_t count = codecs / parts_of_codecs;
  [&]<std::size_t... J>(std::index_sequence<J...>) { (check_codec<P * count + J * every>(), ...); }
  (std::make_index_sequence<count / every>{});
}

}  // namespace combinations
