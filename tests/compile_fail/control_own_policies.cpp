// expect-ok
// Policies of a user, all of them, in no file of ours.
// SPDX-License-Identifier: Apache-2.0
#include "quern/storage/view.hpp"
using namespace quern;
struct half_octaves {  // a sign and seven steps
  static constexpr unsigned bits = 4;
  static constexpr float value(std::uint32_t code) {
    const float m = exp2i(-static_cast<int>(7 - (code & 7)) / 2) * ((7 - (code & 7)) % 2 ? 0.70710678f : 1.0f);
    return (code & 7) == 0 ? 0.0f : code & 8 ? -m : m;
  }
};
struct of_48 {
  static constexpr shape region{1, 48};
  using number = half_octaves;
};
struct one_scale {
  static constexpr std::size_t size = 1;
  template <std::size_t>
  using level = of_48;
};
struct squared {
  using offsets = levels<>;
  static constexpr float weight(float s, float v, float) { return s * v * v; }
};
struct backwards {
  static constexpr coord at(std::size_t p, shape grid) { return {0, grid.cols - 1 - p}; }
  static constexpr std::size_t position(coord c, shape grid) { return grid.cols - 1 - c.col; }
};
struct nibbles {
  static constexpr part what = codes::id;
  static constexpr slice holds(run r) { return {0, r.count, 0, 4}; }
  static constexpr place at(std::size_t i, run) { return {i * 4}; }
  static constexpr std::size_t bytes(run r) { return r.count / 2; }
};
struct last_column_first {
  static constexpr std::size_t byte(coord u, shape units, std::size_t b, std::size_t size) {
    return (u.row * units.cols + units.cols - 1 - u.col) * size + b;
  }
};
using mine = codec<half_octaves, one_scale, squared,
                   separate<array<unit<1, 96>, last_column_first, stream<scale<>>, ordered<backwards, nibbles>>>>;
static_assert(mine::bad == fault::none && block_bytes<mine> == 49);
