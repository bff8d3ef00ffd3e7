// AWQ checkpoints. Source: AutoAWQ (awq/modules/linear, awq/utils/packing_utils.py). A zero point is stored as it is.
// Arrays: qweight, qzeros, scales.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/spelling.hpp"
#include "quern/codec/codec.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"

namespace quern::inline v0::awq {

// A word's nibbles hold outputs 0, 2, 4, 6, 1, 3, 5, 7 of eight.
using nibbles = permuted<0, 2, 4, 6, 1, 3, 5, 7>;

// s * (q - z); 4 + 20 / Group bits. qweight [k, n / 8], qzeros [groups, n / 8], scales [groups, n].
template <std::size_t Group = 128>
struct gemm : codec<unsigned_integer<4>, levels<group<Group, f16>>, zero_point<group<Group, unsigned_integer<4>>>,
                    separate<array<unit<8, 1>, by_columns, ordered<nibbles, stream<codes>>>,
                             array<unit<8, Group>, by_columns, ordered<nibbles, stream<offset<>>>>,
                             array<unit<1, Group>, by_columns, stream<scale<>>>>> {
  static constexpr spelling text = spelled("awq.gemm", group_suffix{Group});
  static constexpr const char* name = text.data();
  static constexpr const char* refusal(shape s) {
    return s.rows % 8 == 0 ? nullptr : "rows of an AWQ matrix are a multiple of 8";
  }
};

// The same numbers row by row. qweight [n, k / 8], qzeros [n, words], scales [n, 8 * words], where a row's groups are
// padded to 8, 16 or 32 (calculate_zeros_width).
template <std::size_t Group = 128>
struct gemv : codec<unsigned_integer<4>, levels<group<Group, f16>>, zero_point<group<Group, unsigned_integer<4>>>,
                    separate<array<unit<1, 8>, by_rows, stream<codes>>,
                             array<unit<1, Group * (Group >= 128 ? 8 : Group == 64 ? 16 : 32)>, by_rows, stream<offset<>>>,
                             array<unit<1, Group * (Group >= 128 ? 8 : Group == 64 ? 16 : 32)>, by_rows, stream<scale<>>>>> {
  static constexpr spelling text = spelled("awq.gemv", group_suffix{Group});
  static constexpr const char* name = text.data();
};

using presets = type_list<gemm<128>, gemm<64>, gemm<32>, gemv<128>>;

}  // namespace quern::inline v0::awq
