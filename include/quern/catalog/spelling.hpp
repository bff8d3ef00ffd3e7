// Names of presets that have parameters, spelled at compile time.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>

#include "quern/base/shape.hpp"
#include "quern/codec/name.hpp"

namespace quern::inline v0 {

// The part "_g128" of a name, or "_channel" where the group is the whole row.
struct group_suffix {
  std::size_t group;
};

// The part "_f16" of a name, where the type of the scales is not the usual one.
template <scalar_format Scale, scalar_format Usual>
struct scale_suffix {};

// A name, zero-terminated.
class spelling {
 public:
  constexpr const char* data() const { return text_.data(); }

  constexpr void put(std::string_view s) {
    for (const char c : s) text_[size_++] = c;
  }
  constexpr void put(std::unsigned_integral auto n) {
    std::array<char, 20> digits{};
    std::size_t count = 0;
    for (; n >= 10; n /= 10) digits[count++] = static_cast<char>('0' + n % 10);
    digits[count++] = static_cast<char>('0' + n);
    while (count > 0) text_[size_++] = digits[--count];
  }
  constexpr void put(group_suffix g) {
    if (g.group == all) return put("_channel");
    put("_g"), put(g.group);
  }
  template <class Scale, class Usual>
  constexpr void put(scale_suffix<Scale, Usual>) {
    if constexpr (!std::same_as<Scale, Usual>) put("_"), put(name<Scale>);
  }

 private:
  std::array<char, 80> text_{};
  std::size_t size_ = 0;
};

// spelled("gptq.v1_", 4u, "bit", group_suffix{128}) is "gptq.v1_4bit_g128". A preset keeps it as a member, and its name
// points there.
constexpr spelling spelled(const auto&... parts) {
  spelling s;
  (s.put(parts), ...);
  return s;
}

}  // namespace quern::inline v0
