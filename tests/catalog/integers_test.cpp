// Plain integers: by formula.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/integers.hpp"

#include <string_view>

#include "catalog/decoding.hpp"

using namespace quern;
using support::element;

namespace {

static_assert(bits_per_weight<integers::int_tensor<8>> == 8 && bits_per_weight<integers::int_group<4, 32, f16>> == 4.5);
static_assert(bits_per_weight<integers::uint_group<2, 64>> == 2.625 && bits_per_weight<integers::int_channel<3>> == 3);
static_assert(std::string_view(integers::int_group<4>::name) == "integers.int4_g128");
static_assert(std::string_view(integers::uint_channel<2>::name) == "integers.uint2_channel");

constexpr std::size_t rows = 24, cols = 256;

// Code i of a stream of codes of Bits bits (2, 4 or 8), low bits first.
template <unsigned Bits, class C>
int raw(const packed<C>& p, std::size_t i) {
  return (element<std::uint8_t>(p, 0, i * Bits / 8) >> i * Bits % 8) % (1 << Bits);
}

// s * (q - z), where groups count 128 weights, a row's or all.
template <class C, unsigned Bits, int Kind>  // Kind 0: two's complement, 1: offset, 2: unsigned with zero points
std::size_t wrong(auto group) {
  return support::differences_from<C>(rows, cols, [&](const auto& p, std::size_t r, std::size_t c) {
    const int q = raw<Bits>(p, r * cols + c), half = 1 << (Bits - 1);
    const int z = Kind == 0   ? (q < half ? 0 : 2 * half)
                  : Kind == 1 ? half
                              : int{element<std::uint8_t>(p, Kind == 2 ? 2 : 0, Kind == 2 ? group(r, c) : 0)};
    return element<float>(p, 1, group(r, c)) * static_cast<float>(q - z);
  });
}

template <unsigned Bits>
void check_all() {
  CAPTURE(Bits);
  const auto tensor = [](std::size_t, std::size_t) { return std::size_t{0}; };
  const auto channel = [](std::size_t r, std::size_t) { return r; };
  const auto group = [](std::size_t r, std::size_t c) { return r * 2 + c / 128; };
  CHECK(wrong<integers::int_tensor<Bits>, Bits, 0>(tensor) == 0);
  CHECK(wrong<integers::int_channel<Bits>, Bits, 0>(channel) == 0);
  CHECK(wrong<integers::int_group<Bits>, Bits, 0>(group) == 0);
  CHECK(wrong<integers::offset_tensor<Bits>, Bits, 1>(tensor) == 0);
  CHECK(wrong<integers::offset_channel<Bits>, Bits, 1>(channel) == 0);
  CHECK(wrong<integers::offset_group<Bits>, Bits, 1>(group) == 0);
  CHECK(wrong<integers::uint_tensor<Bits>, Bits, 2>(tensor) == 0);
  CHECK(wrong<integers::uint_channel<Bits>, Bits, 2>(channel) == 0);
  CHECK(wrong<integers::uint_group<Bits>, Bits, 2>(group) == 0);
}

}  // namespace

TEST_CASE("integers of 8, 4 and 2 bits, signed, offset and with zero points, for a tensor, a row or a group") {
  check_all<8>();
  check_all<4>();
  check_all<2>();
}
