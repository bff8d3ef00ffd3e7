// expect: grid: a code has at most 32 bits
// 8 bits of index and 32 signs.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include "quern/number/grid.hpp"
using namespace quern;
constexpr std::array<std::uint16_t, 256> points{};
constexpr std::array<std::int8_t, 4> levels_of_points{-1, 0, 1, 0};
const auto bad = grid<points, levels_of_points, 32, signs::each>::bits;
