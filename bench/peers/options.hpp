// Lists in the command lines of programs that compare.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace peers {

inline std::vector<std::string> words(std::string_view list) {
  std::vector<std::string> all(1);
  for (const char c : list)
    if (c == ',') all.emplace_back();
    else all.back() += c;
  return all;
}

// Numbers above 0; ends the program where there are others.
inline std::vector<std::size_t> numbers(std::string_view list) {
  std::vector<std::size_t> all;
  for (const std::string& w : words(list)) {
    std::size_t n = 0;
    const auto [end, error] = std::from_chars(w.data(), w.data() + w.size(), n);
    if (error != std::errc() || end != w.data() + w.size() || n == 0) {
      std::fprintf(stderr, "'%s' is no list of numbers above 0\n", std::string(list).c_str());
      std::exit(2);
    }
    all.push_back(n);
  }
  return all;
}

}  // namespace peers
