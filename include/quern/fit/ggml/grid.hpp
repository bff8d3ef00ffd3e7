// The fits of ggml for its formats of grids, as quantize_row_iq*_impl of ggml-quants.c had them in August 2026.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/fit/ggml/grid_search.hpp"
#include "quern/fit/ggml/grid_split.hpp"

namespace quern::inline v0::ggml {

// They are for blocks of a row, which the edge of the matrix may cut; then for what there is of them. A group of zeros
// among others cannot be represented: it becomes the least there is. A block whose scale a half cannot hold gets the
// greatest half. Weights or importance so large that sums overflow, where ggml stops or stores NaN, are fitted in
// smaller units. As in ggml, scales are not good where only the squares of sums overflow, from weights of 300,000 on.
//
// The first block that is fitted makes the neighbour lists of its grid, for the rest of the program:
//
//   grid      IQ2_XXS  IQ2_XS  IQ2_S  IQ3_XXS  IQ3_S  IQ1_S and IQ1_M
//   KB            265     402    127       62     73              691
//   points         18      30      8        5      7               73  in a list, on average
inline constexpr search_rules iq2_xxs_rules{{1, unweighted::refused, 2, 1e-15f, 1}, 6, 0.1f, again::always, true};
inline constexpr search_rules iq2_xs_rules{{1, unweighted::refused, 2, 1e-15f, 1}, 9, 0.1f, again::off_grid};
inline constexpr search_rules iq2_s_rules{
    {2, unweighted::square_and_typical, 1, 1e-8f, 0.9875f}, 9, 0.1f, again::off_grid};
inline constexpr search_rules iq3_xxs_rules{{2, unweighted::square, 2, 1e-8f, 1.0125f}, 15, 0.2f, again::off_grid};
inline constexpr search_rules iq3_s_rules{{2, unweighted::square, 3, 0x1p-149f, 1.033f}, 9, 0.2f, again::all_if_any};
inline constexpr search_rules iq3_s_as_written_rules{iq3_s_rules, 9, 0.2f, again::all_if_any, false, true};
inline constexpr split_rules iq1_s_rules{{2, unweighted::refused, 3, 1e-12f, 1.125f}, split_sums::by_difference};
inline constexpr split_rules iq1_m_rules{{2, unweighted::square, 3, 1e-7f, 1.1125f}, split_sums::in_order, true};

using iq2_xxs = grid_fit<iq2_xxs_rules>;
using iq2_xs = grid_fit<iq2_xs_rules>;
using iq2_s = grid_fit<iq2_s_rules>;
using iq3_xxs = grid_fit<iq3_xxs_rules>;
using iq3_s = grid_fit<iq3_s_rules>;
// IQ3_S to the byte as ggml writes it. After a group of zeros it puts what follows in the block too early, save the
// highest bit of an index, so that the rest of such a block decodes to something else. Other blocks are those of iq3_s.
using iq3_s_as_written = grid_fit<iq3_s_as_written_rules>;
using iq1_s = split_fit<iq1_s_rules>;
using iq1_m = split_fit<iq1_m_rules>;

}  // namespace quern::inline v0::ggml
