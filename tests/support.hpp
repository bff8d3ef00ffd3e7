// What tests share: golden files, random bytes, comparison by bits.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace support {

// Equal bits, or both NaN.
inline bool same(float a, float b) {
  return (a != a && b != b) || std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

// How many of two equally long sequences differ.
inline std::size_t differences(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += !same(a[i], b[i]);
  return n;
}

// A file of tests/golden. One that is missing or empty fails the test.
inline std::vector<std::byte> golden(const std::string& name) {
  std::ifstream in(std::string(QUERN_GOLDEN_DIR) + "/" + name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  REQUIRE_MESSAGE(!text.empty(), "no golden file ", name);
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

// Element i of an array of T in little-endian bytes.
template <class T>
T element(std::span<const std::byte> bytes, std::size_t i) {
  static_assert(std::is_trivially_copyable_v<T>);
  if ((i + 1) * sizeof(T) > bytes.size()) FAIL("element ", i, " lies beyond the end of the bytes");
  std::array<std::byte, sizeof(T)> b{};
  for (std::size_t k = 0; k < sizeof(T); ++k)
    b[std::endian::native == std::endian::little ? k : sizeof(T) - 1 - k] = bytes[i * sizeof(T) + k];
  return std::bit_cast<T>(b);
}
template <class T>
std::vector<T> elements(std::span<const std::byte> bytes) {
  REQUIRE(bytes.size() % sizeof(T) == 0);
  std::vector<T> v(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = element<T>(bytes, i);
  return v;
}

// The same bytes on every machine and in every run. SplitMix64 (Steele, Lea, Flood 2014).
class random_source {
 public:
  explicit constexpr random_source(std::uint64_t seed) : state_(seed) {}
  constexpr std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  constexpr void fill(std::span<std::byte> bytes) {
    for (std::byte& b : bytes) b = static_cast<std::byte>((*this)() >> 56);
  }
  // In [-1, 1).
  constexpr float uniform() { return static_cast<float>(static_cast<std::int64_t>((*this)()) >> 40) * 0x1p-23f; }

 private:
  std::uint64_t state_;
};

}  // namespace support
