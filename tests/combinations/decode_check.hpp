// Decoding of the composed codecs against the reference. Include after quern/simd.hpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>

#include "combinations/policies.hpp"
#include "quern/storage/transcode.hpp"
#include "simd/decode_check.hpp"

namespace combinations {

inline constexpr shape ragged{19, 203};

// A codec's kernels and one matrix of random bytes, their types forgotten, so that what checks them is compiled once.
struct some_matrix {
  std::size_t codec;
  std::vector<float> want;
  std::int64_t targets;  // that the kernels are compiled for
  std::int64_t (*target)() noexcept;
  std::function<void(std::size_t first, std::size_t count, matrix_view<float> out)> decode;
  std::function<void(std::span<const std::uint32_t> rows, matrix_view<float> out)> decode_rows;  // of some codecs
};

inline void check(const some_matrix& m) {
  CAPTURE(m.codec);
  int ran = 0;
  for (std::int64_t left = hwy::SupportedTargets() & m.targets; left != 0; left &= left - 1) {
    hwy::SetSupportedTargetsForTest(left & -left);
    const std::string target = hwy::TargetName(left & -left);
    CAPTURE(target);
    CHECK(m.target() == (left & -left));
    const support::result_matrix whole(ragged, ragged.cols + 1, support::edge::end),
        part({7, ragged.cols}, ragged.cols, support::edge::begin);
    m.decode(0, ragged.rows, whole.view());
    CHECK(whole.differences(m.want, [](std::size_t r) { return r; }) == 0);
    m.decode(11, 7, part.view());
    CHECK(part.differences(m.want, [](std::size_t r) { return 11 + r; }) == 0);
    if (m.decode_rows) {
      const std::vector<std::uint32_t> rows{18, 0, 5};
      const support::result_matrix some({3, ragged.cols}, ragged.cols, support::edge::end);
      m.decode_rows(rows, some.view());
      CHECK(some.differences(m.want, [&](std::size_t r) { return rows[r]; }) == 0);
    }
    ++ran;
  }
  hwy::SetSupportedTargetsForTest(0);
  CHECK(ran > 0);
}

// To the tiles of the same numbers and back: the same weights, and from there on the same bytes.
template <class C>
void check_transcoding(const packed_view<C>& w, const std::vector<float>& want) {
  using T = typename tiled<codec<typename C::number, typename C::granularity, typename C::symmetry>>::base;
  const packed<T> tiles = transcode<T>(w);
  const packed<C> back = transcode<C>(tiles);
  const packed<T> again = transcode<T>(back);
  std::vector<float> weights(want.size());
  reference::decode(back.view(), matrix_view<float>(weights.data(), ragged.rows, ragged.cols));
  CHECK(support::differences(weights, want) == 0);
  for (std::size_t i = 0; i < T::layout::arrays; ++i)
    CHECK(std::equal(tiles.array(i).begin(), tiles.array(i).end(), again.array(i).begin(), again.array(i).end()));
}

// A function of its own for each codec: a hundred of them in one are more than a compiler can bear.
template <std::size_t I, std::int64_t Targets = HWY_TARGETS>
[[gnu::noinline]] some_matrix random_matrix() {
  using C = codec_at<I>;
  using K = kernels<C, Targets>;
  const auto arrays = std::make_shared<support::random_arrays<C>>(ragged, support::edge::end, I);
  const packed_view<C> w = arrays->view();
  some_matrix m{I, std::vector<float>(ragged.count()), Targets, &K::target, {}, {}};
  reference::decode(w, matrix_view<float>(m.want.data(), ragged.rows, ragged.cols));
  m.decode = [arrays, w](std::size_t first, std::size_t count, matrix_view<float> out) {
    K::decode(*w.try_rows(first, count), out);
  };
  if constexpr (I % 8 == 3)
    m.decode_rows = [arrays, w](std::span<const std::uint32_t> rows, matrix_view<float> out) {
      K::decode_rows(w, rows, out);
    };
  if constexpr (I % 16 == 1 && has_tiles<codec<typename C::number, typename C::granularity, typename C::symmetry>>)
    check_transcoding(w, m.want);
  return m;
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
  [&]<std::size_t... J>(std::index_sequence<J...>) { (check(random_matrix<P * count + J * every>()), ...); }
  (std::make_index_sequence<count / every>{});
}

}  // namespace combinations
