// What holds for the whole catalogue: names, shapes, and that a preset is more than its description only by name.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/catalog.hpp"

#include <cctype>
#include <string>
#include <string_view>
#include <type_traits>

#include "catalog/decoding.hpp"

using namespace quern;

TEST_CASE("names are family.preset, in lower case") {
  for_each_type(catalog{}, []<class C>() {
    const std::string_view name = C::name;
    CAPTURE(name);
    CHECK(name.find('.') != name.npos);
    CHECK(name.find('.') == name.rfind('.'));
    for (const char c : name) CHECK((std::islower(c) || std::isdigit(c) || c == '_' || c == '.'));
  });
}

TEST_CASE("a preset is an empty struct, and converts its view to that of its description") {
  for_each_type(catalog{}, []<class C>() {
    static_assert(any_codec<C> && std::is_empty_v<C> && !std::is_same_v<C, typename C::base>);
    static_assert(std::is_convertible_v<packed_view<C>, packed_view<typename C::base>>);
  });
}

TEST_CASE("every preset stores 256 x 16384 weights in the bytes that its bits per weight say") {
  for_each_type(catalog{}, []<class C>() {
    CAPTURE(C::name);
    constexpr std::size_t rows = std::string_view(C::name).ends_with("_double") ? 1 : 256, cols = 16384;
    std::array<std::size_t, C::layout::arrays> bytes{};
    REQUIRE(try_array_bytes<C>({rows, cols}, bytes));
    std::array<std::vector<std::byte>, C::layout::arrays> arrays;
    std::array<std::span<const std::byte>, C::layout::arrays> spans;
    double bits = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      arrays[i].resize(bytes[i]);
      spans[i] = arrays[i];
      bits += 8.0 * static_cast<double>(bytes[i]);
    }
    CHECK(packed_view<C>::try_make(spans, rows, cols).has_value());
    const double weights = static_cast<double>(rows * cols);
    // Scales of rows and of the tensor do not count, and HQQ's slabs of 3 bits are counted on a small matrix.
    if (std::string_view(C::name) != "hqq.3bit_g64") CHECK(bits / weights >= bits_per_weight<C>);
    CHECK(bits / weights <= bits_per_weight<C> + 0.02);
  });
}
