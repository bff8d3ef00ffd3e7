// torchao's tinygemm int4, before its tiling for tensor cores, which depends on the device. Source: torchao,
// quantization/utils.py. Arrays: codes, two to a byte, the first in the high nibble; scales_and_zeros [groups, n, 2].
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/spelling.hpp"
#include "quern/catalog/top_down.hpp"
#include "quern/codec/codec.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::torchao {

// s * (q - 8) + z; 4 + 32 / Group bits
template <std::size_t Group = 128>
struct tinygemm : codec<offset_integer<4>, levels<group<Group, bf16>>, bias<group<Group, bf16>>,
                        separate<array<unit<1, 2>, by_rows, top_down<codes, 4, 1>>,
                                 array<unit<1, Group>, by_columns, stream<scale<>>, stream<offset<>>>>> {
  static constexpr spelling text = spelled("torchao.tinygemm", group_suffix{Group});
  static constexpr const char* name = text.data();
};

using presets = type_list<tinygemm<128>, tinygemm<64>, tinygemm<32>>;

}  // namespace quern::inline v0::torchao
