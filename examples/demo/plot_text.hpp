// Text of a picture: what XML can hold, how wide it is, numbers that do not depend on the locale.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

namespace plot {

// The code points of UTF-8. What is no UTF-8, and what XML 1.0 cannot hold, becomes U+FFFD.
inline std::u32string code_points(std::string_view text) {
  constexpr char32_t unknown = 0xfffd;
  std::u32string s;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
    const unsigned first = byte(i);
    const std::size_t more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : 4;
    char32_t c = more == 0 ? first : more < 4 ? first & (0x3fu >> more) : unknown;
    std::size_t used = 1;
    for (; more < 4 && used <= more && byte(i + used) >> 6 == 2; ++used) c = c << 6 | (byte(i + used) & 0x3f);
    constexpr char32_t least[] = {0, 0x80, 0x800, 0x10000, 0};
    const bool valid = used == 1 + more && c >= least[more] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) &&
                       c != 0xfffe && c != 0xffff && c >= 0x20 && (c < 0x7f || c > 0x9f);
    s += valid ? c : unknown;
    i += valid ? used : 1;
  }
  return s;
}

// As UTF-8, with what has a meaning in XML escaped; fit for elements and for attributes.
inline std::string xml(std::u32string_view text) {
  std::string s;
  for (const char32_t c : text) {
    const auto tail = [&](int shift) { s += static_cast<char>(0x80 | (c >> shift & 0x3f)); };
    if (c == '&') {
      s += "&amp;";
    } else if (c == '<') {
      s += "&lt;";
    } else if (c == '>') {
      s += "&gt;";
    } else if (c == '"') {
      s += "&quot;";
    } else if (c < 0x80) {
      s += static_cast<char>(c);
    } else if (c < 0x800) {
      s += static_cast<char>(0xc0 | c >> 6), tail(0);
    } else if (c < 0x10000) {
      s += static_cast<char>(0xe0 | c >> 12), tail(6), tail(0);
    } else {
      s += static_cast<char>(0xf0 | c >> 18), tail(12), tail(6), tail(0);
    }
  }
  return s;
}

// An upper estimate of a text's width in pixels, for sans-serif fonts of `size` pixels: the widths are those of DejaVu
// Sans, which is wider than Arial and Helvetica, in classes. Bold is an eighth wider.
inline double width_of(std::u32string_view text, double size, bool bold = false) {
  double em = 0;
  for (const char32_t c : text) {
    const auto is_in = [&](std::u32string_view set) { return set.find(c) != set.npos; };
    em += is_in(U"ijl.,'| I")         ? 0.34
          : is_in(U"()[]frt-/\\J:;!") ? 0.44
          : is_in(U"mw@%MW<>=+#~^&")  ? 1.0
          : is_in(U"szckvxy_*L?\"")   ? 0.6
          : (c >= 'A' && c <= 'Z')    ? 0.79
          : c < 0x80                  ? 0.64
                                      : 1.0;
  }
  return em * size * (bold ? 1.125 : 1);
}

// The text, or as much of it as fits with an ellipsis.
inline std::u32string fitted(std::string_view text, double size, double width, bool bold = false) {
  std::u32string s = code_points(text);
  if (width_of(s, size, bold) <= width) return s;
  while (!s.empty() && width_of(s + U"\u2026", size, bold) > width) s.pop_back();
  return s + U"\u2026";
}

// With so many decimals, at most, or as few as tell x from other doubles.
inline std::string number(double x, int decimals = -1) {
  char buffer[400];
  char* const end = buffer + sizeof buffer;
  std::string s(buffer, decimals < 0 ? std::to_chars(buffer, end, x, std::chars_format::fixed).ptr
                                     : std::to_chars(buffer, end, x, std::chars_format::fixed, decimals).ptr);
  if (s.find('.') != s.npos) {
    while (s.back() == '0') s.pop_back();
    if (s.back() == '.') s.pop_back();
  }
  return s == "-0" ? "0" : s;
}

}  // namespace plot
