// Marlin: the order of weights and scales, computed as the owner's Python computes it.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/marlin.hpp"

#include <vector>

#include "catalog/decoding.hpp"

using namespace quern;
using support::element;

namespace {

static_assert(bits_per_weight<marlin::w4<128>> == 4.125 && bits_per_weight<marlin::w4<all>> == 4);

// _get_perms: of 1024 weights, 4 tiles of 16 inputs x 16 outputs, which one stands at each place.
std::vector<std::size_t> weight_order() {
  std::vector<std::size_t> perm;
  for (std::size_t i = 0; i < 32; ++i)
    for (std::size_t j = 0; j < 4; ++j)
      for (const std::size_t block : {0u, 1u})
        for (const std::size_t row : {2 * (i % 4), 2 * (i % 4) + 1, 2 * (i % 4 + 4), 2 * (i % 4 + 4) + 1})
          perm.push_back(16 * row + i / 4 + 8 * block + 256 * j);
  std::vector<std::size_t> interleaved;
  for (std::size_t i = 0; i < perm.size(); i += 8)
    for (const std::size_t k : {0u, 2u, 4u, 6u, 1u, 3u, 5u, 7u}) interleaved.push_back(perm[i + k]);
  return interleaved;
}
std::vector<std::size_t> group_scale_order() {
  std::vector<std::size_t> perm;
  for (std::size_t i = 0; i < 8; ++i)
    for (std::size_t j = 0; j < 8; ++j) perm.push_back(i + 8 * j);
  return perm;
}
std::vector<std::size_t> channel_scale_order() {
  std::vector<std::size_t> perm;
  for (std::size_t i = 0; i < 4; ++i)
    for (const std::size_t j : {0u, 1u, 8u, 9u, 16u, 17u, 24u, 25u}) perm.push_back(2 * i + j);
  return perm;
}

template <std::size_t Group>
std::size_t wrong() {
  constexpr std::size_t n = 256, k = 256;
  const auto perm = weight_order(), scales = Group == all ? channel_scale_order() : group_scale_order();
  std::vector<std::size_t> place(1024), scale_place(scales.size());
  for (std::size_t i = 0; i < 1024; ++i) place[perm[i]] = i;
  for (std::size_t i = 0; i < scales.size(); ++i) scale_place[scales[i]] = i;
  return support::differences_from<marlin::w4<Group>>(n, k, [&](const auto& p, std::size_t r, std::size_t c) {
    // Row c / 16 of 16 n nibbles: runs of 1024, each 4 tiles of 16 x 16, inputs first.
    const std::size_t in_tile = r % 64 / 16 * 256 + c % 16 * 16 + r % 16;
    const std::size_t i = c / 16 * 16 * n + r / 64 * 1024 + place[in_tile];
    const auto q = static_cast<int>(element<std::uint32_t>(p, 0, i / 8) >> i % 8 * 4 & 15);
    const std::size_t run = scales.size(), row = Group == all ? 0 : c / 128;
    const std::size_t s = row * n + r / run * run + scale_place[r % run];
    return f16::value(element<std::uint16_t>(p, 1, s)) * static_cast<float>(q - 8);
  });
}

}  // namespace

TEST_CASE("the first weights of a fragment are those of the paper's kernel") {
  const auto perm = weight_order();
  const std::size_t first[] = {0, 128, 8, 136, 16, 144, 24, 152, 256, 384, 264, 392, 272, 400, 280, 408};
  for (std::size_t i = 0; i < 16; ++i) CHECK(perm[i] == first[i]);
}

TEST_CASE("weights and scales lie where the owner puts them") {
  CHECK(wrong<128>() == 0);
  CHECK(wrong<all>() == 0);
}

TEST_CASE("shapes that the kernel does not take are refused") {
  CHECK_FALSE(packed<marlin::w4<>>::try_make(128, 128).has_value());
  CHECK_FALSE(packed<marlin::w4<>>::try_make(256, 64).has_value());
  CHECK(packed<marlin::w4<>>::try_make(256, 128).has_value());
}
