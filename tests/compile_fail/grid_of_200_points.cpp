// expect: grid: the number of points must be a power of two
// Some codes would have no point.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include "quern/number/grid.hpp"
using namespace quern;
constexpr std::array<std::uint16_t, 200> points{};
constexpr std::array<std::int8_t, 4> levels_of_points{-1, 0, 1, 0};
const auto bad = grid<points, levels_of_points, 8, signs::none>::bits;
