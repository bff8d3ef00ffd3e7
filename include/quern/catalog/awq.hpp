// AWQ checkpoints. Source: AutoAWQ (awq/modules/linear, awq/utils/packing_utils.py). A zero point is stored as it is.
// Arrays: qweight, qzeros, scales.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/catalog/spelling.hpp"
#include "quern/codec/codec.hpp"
#include "quern/fit/zero_point.hpp"
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
  using fit = awq_range;
  static constexpr const char* refusal(shape s) {
    return s.rows % 8 == 0 ? nullptr : "rows of an AWQ matrix are a multiple of 8";
  }
};

// Groups of a row with those that pad it to whole words of zero points (calculate_zeros_width).
constexpr std::size_t padded_groups(std::size_t group) {
  if (group >= 128) return 8;
  return group == 64 ? 16 : 32;
}

// The same numbers row by row. qweight [n, k / 8], qzeros [n, words], scales [n, 8 * words].
template <std::size_t Group = 128>
struct gemv : codec<unsigned_integer<4>, levels<group<Group, f16>>, zero_point<group<Group, unsigned_integer<4>>>,
                    separate<array<unit<1, 8>, by_rows, stream<codes>>,
                             array<unit<1, Group * padded_groups(Group)>, by_rows, stream<offset<>>>,
                             array<unit<1, Group * padded_groups(Group)>, by_rows, stream<scale<>>>>> {
  static constexpr spelling text = spelled("awq.gemv", group_suffix{Group});
  static constexpr const char* name = text.data();
  using fit = awq_range;
};

// Of 32 inputs, 0, 8, 16, 24, 1, 9, 17, 25, then 2, 10, ...; four rows, 64 inputs each, one after the other.
struct fast_order {
  static constexpr coord at(std::size_t p, shape) {
    return {p / 64, p % 64 / 32 * 32 + p % 4 * 8 + p % 32 / 8 * 2 + p % 8 / 4};
  }
  static constexpr std::size_t position(coord c, shape) {
    return c.row * 64 + c.col / 32 * 32 + c.col % 8 / 2 * 8 + c.col % 2 * 4 + c.col % 32 / 8;
  }
};

// s * q + b, where b = -s * z: "gemv_fast" and llm-awq's version 2. qweight [n / 4, k] words of 16 bits, qzeros (which are
// b) and scales [8 * words, n].
template <std::size_t Group = 128>
struct gemv_fast : codec<unsigned_integer<4>, levels<group<Group, f16>>, bias<group<Group, f16>>,
                         separate<array<unit<4, 64>, by_rows, ordered<fast_order, stream<codes>>>,
                                  array<unit<1, Group * padded_groups(Group)>, word_rows<2>, stream<offset<>>>,
                                  array<unit<1, Group * padded_groups(Group)>, word_rows<2>, stream<scale<>>>>> {
  static constexpr spelling text = spelled("awq.gemv_fast", group_suffix{Group});
  static constexpr const char* name = text.data();
  static constexpr const char* refusal(shape s) {
    return s.rows % 4 == 0 && s.cols % 64 == 0 ? nullptr
                                               : "rows of a gemv_fast matrix are a multiple of 4, columns of 64";
  }
};

using presets = type_list<gemm<128>, gemm<64>, gemm<32>, gemv<128>, gemv<64>, gemv<32>, gemv_fast<128>, gemv_fast<64>>;

}  // namespace quern::inline v0::awq
