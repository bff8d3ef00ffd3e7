// Names of presets that have parameters, spelled at compile time.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <concepts>
#include <cstddef>

#include "quern/base/shape.hpp"

namespace quern::inline v0 {

// The part "_g128" of a name, or "_channel" where the group is the whole row.
struct group_suffix {
  std::size_t group;
};

// A name, zero-terminated.
class spelling {
 public:
  constexpr const char* data() const { return text.data(); }

  constexpr void put(const char* s) {
    for (; *s != 0; ++s) text[size++] = *s;
  }
  constexpr void put(std::unsigned_integral auto n) {
    std::array<char, 20> digits{};
    std::size_t count = 0;
    for (; n >= 10; n /= 10) digits[count++] = static_cast<char>('0' + n % 10);
    digits[count++] = static_cast<char>('0' + n);
    while (count > 0) text[size++] = digits[--count];
  }
  constexpr void put(group_suffix g) {
    if (g.group == all) return put("_channel");
    put("_g"), put(g.group);
  }

 private:
  std::array<char, 48> text{};
  std::size_t size = 0;
};

// spelled("gptq.v1_", 4u, "bit", group_suffix{128}) is "gptq.v1_4bit_g128". A preset keeps it as a member, and its name
// points there.
constexpr spelling spelled(const auto&... parts) {
  spelling s;
  (s.put(parts), ...);
  return s;
}

}  // namespace quern::inline v0
