// A layout of one's own: an order and a field, and a matrix moved between layouts without a float in between.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <cstdio>
#include <vector>

namespace {
using namespace quern;

// An order: where on the grid of a unit's codes a storage position lies, and back. Here the even columns come first.
// The compiler tries every position. Had position() forgotten the odd ones, it would say
//   layout: an order does not map the positions of a unit one to one onto its grid of codes
struct evens_first {
  static constexpr coord at(std::size_t p, shape grid) {
    const std::size_t half = grid.cols / 2;
    return {0, p < half ? 2 * p : 2 * (p - half) + 1};
  }
  static constexpr std::size_t position(coord c, shape grid) { return c.col / 2 + c.col % 2 * (grid.cols / 2); }
};

// A field: which part it holds what of, and where. Here codes of four bits, two to a byte, the first in the high bits.
// Were bytes() too small or two codes in one place, the compiler would say which rule that breaks.
struct high_nibble_first {
  static constexpr part what = codes::id;
  static constexpr slice holds(run r) { return {0, r.count, 0, 4}; }
  static constexpr place at(std::size_t i, run) { return {i / 2 * 8 + (i % 2 == 0 ? 4 : 0)}; }
  static constexpr std::size_t bytes(run r) { return r.count / 2; }
};

using mine = codec<offset_integer<4>, levels<group<32, f16>>, symmetric,
                   blocked<32, ordered<evens_first, high_nibble_first>, stream<scale<>>>>;
static_assert(same_numbers<mine, gguf::q4_0> && block_bytes<mine> == block_bytes<gguf::q4_0>);

}  // namespace

int main() {
  const std::size_t rows = 40, cols = 128;
  std::vector<float> weights(rows * cols), before(rows * cols), after(rows * cols);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i * 29 % 97) / 97 - 0.5f;

  const auto w = quantize<gguf::q4_0>(matrix_view(weights.data(), rows, cols));
  const auto moved = transcode<mine>(w);
  dequantize(w, matrix_view(before.data(), rows, cols));
  dequantize(moved, matrix_view(after.data(), rows, cols));

  const auto back = transcode<gguf::q4_0>(moved);
  bool same_bytes = true;
  for (std::size_t i = 0; i < w.array(0).size(); ++i) same_bytes &= w.array(0)[i] == back.array(0)[i];
  std::printf("%s\n%zu bytes there and back: %s\n", describe<mine>().c_str(), w.array(0).size(),
              same_bytes ? "the same" : "different");
  return same_bytes && before == after ? 0 : 1;
}
