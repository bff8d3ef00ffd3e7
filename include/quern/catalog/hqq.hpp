// HQQ, groups along rows (axis 1). Source: hqq/core/bitpack.py, hqq/core/quantize.py. The groups of a matrix are cut into
// 8 / Bits equal slabs, and a byte holds one code of each, that of the first slab on top. Arrays: W_q, scale, zero.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/spelling.hpp"
#include "quern/catalog/top_down.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/zero_point.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::hqq {

template <unsigned Bits, std::size_t Group>
struct slabs : top_down<codes, Bits, all> {};

// Three bits lie in 32-bit words, which hold one code of each of ten slabs, the first on top. Two bits of a word, and what
// the last slab lacks, are zero.
template <std::size_t Group>
struct slabs<3, Group> {
  static constexpr part what = codes::id;
  static constexpr bool padded = true;
  static constexpr std::size_t words(run r) { return ceil_div(ceil_div(r.count, Group), 10) * Group; }
  static constexpr slice holds(run r) { return {0, r.count, 0, 3}; }
  static constexpr place at(std::size_t i, run r) { return {i % words(r) * 32 + 27 - 3 * (i / words(r))}; }
  static constexpr std::size_t bytes(run r) { return words(r) * 4; }
  static constexpr std::size_t word_neighbours(std::size_t i, run r) { return words(r) - i % words(r); }
};

// s * (q - z), z a float, Bits 8, 4, 3, 2 or 1; Bits (3.2 for 3) + 32 / Group bits. Meta is the type of scale and zero.
template <unsigned Bits, std::size_t Group = 64, scalar_format Meta = f16>
struct axis1
    : codec<
          unsigned_integer<Bits>, levels<group<Group, Meta>>, zero_point<group<Group, Meta>>,
          separate<array<unit<all, all>, by_rows, slabs<Bits, Group>>, array<unit<1, Group>, by_rows, stream<scale<>>>,
                   array<unit<1, Group>, by_rows, stream<offset<>>>>> {
  static constexpr spelling text = spelled("hqq.", Bits, "bit", group_suffix{Group}, scale_suffix<Meta, f16>{});
  static constexpr const char* name = text.data();
  using fit = hqq_range;
  static constexpr const char* refusal(shape s) {
    if (s.cols % Group != 0) return "HQQ's groups do not end with the rows: view the weights as rows of whole groups";
    return Bits == 3 || s.count() / Group % (8 / Bits) == 0 ? nullptr
                                                            : "HQQ cuts a matrix into slabs of equally many groups";
  }
};

using presets = type_list<axis1<8>, axis1<4>, axis1<3>, axis1<2>, axis1<1>, axis1<4, 128>, axis1<2, 16>>;

}  // namespace quern::inline v0::hqq
