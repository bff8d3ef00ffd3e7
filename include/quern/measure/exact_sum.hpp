// Sums of doubles without rounding, so that neither the order nor the split of a sum changes its result.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace quern::inline v0 {

// A sum of magnitudes of products of floats, exact: a fixed-point number of 704 bits, the lowest of which is worth
// 2^-352. Room for 2^64 terms, each 0 or a multiple of 2^-298 (the square of the least float) below 2^260.
class exact_sum {
  static_assert(std::numeric_limits<double>::is_iec559 && std::numeric_limits<double>::digits == 53);
  static constexpr std::size_t words = 11;
  static constexpr int lowest = -352;

 public:
  // Precondition: x is such a term.
  constexpr void add(double x) noexcept {
    if (x == 0) return;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const std::uint64_t digits = (bits & ((std::uint64_t{1} << 52) - 1)) | std::uint64_t{1} << 52;
    const auto at = static_cast<unsigned>(static_cast<int>(bits >> 52) - 1075 - lowest);  // where the lowest digit lies
    const unsigned shift = at % 64;
    const std::uint64_t low = digits << shift;
    std::uint64_t* const to = word_.data() + at / 64;
    to[0] += low;
    const std::uint64_t high = (digits >> 1 >> (63 - shift)) + (to[0] < low ? 1 : 0);
    to[1] += high;
    if (to[1] < high)
      for (std::size_t i = 2; ++to[i] == 0; ++i) {
      }
  }

  // Adds the terms of another sum.
  constexpr void merge(const exact_sum& other) noexcept {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < words; ++i) {
      const std::uint64_t term = other.word_[i], sum = word_[i] + term;
      word_[i] = sum + carry;
      carry = sum < term || word_[i] < carry ? 1 : 0;
    }
  }

  // The sum, and the sum less another, rounded once: to the nearest double, ties to even.
  constexpr double value() const noexcept { return minus({}); }
  constexpr double minus(const exact_sum& other) const noexcept {
    for (std::size_t i = words; i-- > 0;)
      if (word_[i] != other.word_[i])
        return word_[i] > other.word_[i] ? less(other).rounded() : -other.less(*this).rounded();
    return 0;
  }

 private:
  // Precondition: other <= *this.
  constexpr exact_sum less(const exact_sum& other) const noexcept {
    exact_sum s;
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < words; ++i) {
      const std::uint64_t a = word_[i], b = other.word_[i];
      s.word_[i] = a - b - borrow;
      borrow = a < b || (a == b && borrow != 0) ? 1 : 0;
    }
    return s;
  }

  // Precondition: not 0.
  constexpr double rounded() const noexcept {
    std::size_t top = words - 1;
    while (word_[top] == 0) --top;
    // 64 digits, the first of them 1; the last also says whether others follow, which is all that rounding needs.
    const int zeros = std::countl_zero(word_[top]);
    const std::uint64_t next = top > 0 ? word_[top - 1] : 0;
    std::uint64_t digits = word_[top] << zeros | (zeros > 0 ? next >> (64 - zeros) : 0);
    bool more = next << zeros != 0;
    for (std::size_t i = 0; i + 1 < top; ++i) more = more || word_[i] != 0;
    digits |= more ? 1 : 0;
    const int exponent = static_cast<int>(top) * 64 + lowest - zeros;
    return static_cast<double>(digits) * std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
  }

  std::array<std::uint64_t, words> word_{};  // word i counts 2^(64 i - 352)
};

}  // namespace quern::inline v0
