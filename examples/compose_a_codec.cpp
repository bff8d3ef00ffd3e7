// A codec of one's own, from policies that the library has. It is used as a preset is; nothing else need be written.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>
#include <quern/simd.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

namespace {
using namespace quern;

// number x granularity x symmetry x layout: codes 0 ... 31; a half for each 64 weights as scale, another as minimum; one
// array of blocks of 64 weights, in them the two halves, the low four bits of all codes, the fifth bits.
using five_bits = codec<unsigned_integer<5>, levels<group<64, f16>>, minimum<group<64, f16>>,
                        blocked<64, stream<scale<>>, stream<offset<>>, plane<codes, 4, 32>, plane<codes, 1, 8, 4>>>;

static_assert(block_elements<five_bits> == 64 && block_bytes<five_bits> == 44 && bits_per_weight<five_bits> == 5.5);

}  // namespace

int main() {
  std::printf("%s\n", describe<five_bits>().c_str());

  // A row, as functions of spans.
  std::vector<float> row(128), back(128);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(i % 32) / 8 - 1;  // 32 values to a group
  std::vector<std::byte> bytes(2 * block_bytes<five_bits>);
  encode<five_bits>(row, bytes);
  decode<five_bits>(bytes, back);
  const float sum = dot<five_bits>(bytes, row);

  // A matrix of that row, and a product.
  std::vector<float> x(row), y(1);
  const auto w = quantize<five_bits>(matrix_view(row.data(), 1, 128));
  matmul(transcode<tiled<five_bits>>(w), matrix_view(x.data(), 1, 128), matrix_view(y.data(), 1, 1));

  std::printf("%g became %g; the row times itself is %g, by the product %g\n", row[5], back[5], sum, y[0]);
  return back == row && std::abs(sum - y[0]) < 0.01f * sum ? 0 : 1;
}
