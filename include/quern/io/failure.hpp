// What is wrong with a file: the rule that was broken, and where.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>

#include "quern/base/error.hpp"

namespace quern::inline v0::io {

inline constexpr std::size_t most_shown = 200;  // bytes of a name in a message

// A name from a file, fit to be printed: bytes that are not printable ASCII as \xNN, and no more than most_shown of them.
inline std::string escaped(std::string_view name) {
  std::string s;
  for (const char c : name.substr(0, most_shown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\') {
      s += c;
    } else {
      constexpr char digits[] = "0123456789abcdef";
      s += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return name.size() > most_shown ? s + "..." : s;
}

// what: the rule, a literal. where: the file, and what of it: a key, a tensor; escaped. value and bound: the offending
// number and what it was compared with, or 0. offset: of the file, where that lies; `nowhere` if it lies at no one place.
struct file_failure {
  static constexpr std::uint64_t nowhere = ~std::uint64_t{0};
  const char* what = "";
  std::string where;
  std::uint64_t value = 0;
  std::uint64_t bound = 0;
  std::uint64_t offset = nowhere;

  std::string text() const {
    std::string s = where + ": " + what;
    if (value != 0 || bound != 0) s += " (" + std::to_string(value);
    if (bound != 0) s += ", against " + std::to_string(bound);
    if (value != 0 || bound != 0) s += ")";
    if (offset != nowhere) s += ", at byte " + std::to_string(offset);
    return s;
  }
};

template <class T>
using result = quern::result<T, file_failure>;

// f(), a result; where the standard library has no memory for it, a failure of `where`.
template <class F>
auto with_memory(const char* where, F f) noexcept -> decltype(f()) {
#if defined(__cpp_exceptions)
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return file_failure{"no memory", where};
  }
#else
  static_cast<void>(where);
  return f();
#endif
}

#if defined(__cpp_exceptions)
using file_error = basic_error<file_failure>;  // thrown by the spellings without try_
using quern::value_or_throw;
#endif

}  // namespace quern::inline v0::io
