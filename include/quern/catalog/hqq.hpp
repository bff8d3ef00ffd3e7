// HQQ, groups along rows (axis 1). Source: hqq/core/bitpack.py, hqq/core/quantize.py. The groups of a matrix are cut into
// 8 / Bits equal slabs, and a byte holds one code of each, that of the first slab on top. Arrays: W_q, scale, zero.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/spelling.hpp"
#include "quern/catalog/top_down.hpp"
#include "quern/codec/codec.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::hqq {

// s * (q - z), z a float, Bits 8, 4, 2 or 1; Bits + 32 / Group bits. Meta is the type of scale and zero.
template <unsigned Bits, std::size_t Group = 64, scalar_format Meta = f16>
struct axis1 : codec<unsigned_integer<Bits>, levels<group<Group, Meta>>, zero_point<group<Group, Meta>>,
                     separate<array<unit<all, all>, by_rows, top_down<codes, Bits, all>>,
                              array<unit<1, Group>, by_rows, stream<scale<>>>,
                              array<unit<1, Group>, by_rows, stream<offset<>>>>> {
  static constexpr spelling text = spelled("hqq.", Bits, "bit", group_suffix{Group});
  static constexpr const char* name = text.data();
  static constexpr const char* refusal(shape s) {
    return s.cols % Group == 0 && s.count() / Group % (8 / Bits) == 0
               ? nullptr
               : "HQQ cuts the groups of a matrix into equal slabs: rows must be whole groups, as many in every slab";
  }
};

using presets = type_list<axis1<8>, axis1<4>, axis1<2>, axis1<1>, axis1<4, 128>, axis1<2, 16>>;

}  // namespace quern::inline v0::hqq
