// What a number format is: a constexpr function from a code to the real value (or values) it stands for.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace quern::inline v0 {

// One value for each code.
template <class N>
concept scalar_values = requires {
  { N::value(std::uint32_t{}) } -> std::same_as<float>;
};

// `elements` neighbouring values for each code, along a row.
template <class N>
concept vector_values = requires {
  { N::elements } -> std::convertible_to<std::size_t>;
  { N::value(std::uint32_t{}, std::size_t{}) } -> std::same_as<float>;
};

template <class N>
concept has_bits = requires {
  { N::bits } -> std::convertible_to<unsigned>;
  requires N::bits >= 1 && N::bits <= 32;
};

// A number format. Every code below 2^bits has a value; what the value means is the format's whole meaning.
// Optional: `static constexpr std::uint32_t nearest(float x)`, where rounding to the nearest value is not the rule or
// has a shorter form than the search of number/nearest.hpp.
template <class N>
concept number_format = has_bits<N> && (scalar_values<N> || vector_values<N>);

template <class N>
concept scalar_format = number_format<N> && scalar_values<N>;
template <class N>
concept vector_format = number_format<N> && vector_values<N>;

// Whether values can be computed at compile time.
template <class N>
concept constexpr_values = requires { typename std::bool_constant<(N::value(std::uint32_t{}), true)>; } ||
                           requires { typename std::bool_constant<(N::value(std::uint32_t{}, std::size_t{}), true)>; };

// Values of one code.
template <class N>
inline constexpr std::size_t elements = 1;
template <vector_format N>
inline constexpr std::size_t elements<N> = N::elements;

template <number_format N>
constexpr float value(std::uint32_t code, std::size_t element = 0) {
  if constexpr (vector_format<N>) return N::value(code, element);
  else return N::value(code);
}

}  // namespace quern::inline v0
