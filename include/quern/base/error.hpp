// The exception of the throwing spellings. Under -fno-exceptions only the try_ functions exist.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/result.hpp"

#if defined(__cpp_exceptions)
#include <stdexcept>
#include <type_traits>

namespace quern::inline v0 {

// A failure, thrown. what() is its text.
class error : public std::runtime_error {
 public:
  explicit error(const failure& f) : std::runtime_error(f.text()), failure_(f) {}
  const failure& details() const noexcept { return failure_; }

 private:
  failure failure_;
};

// The value of a result; throws quern::error where there is none.
template <class T>
constexpr T value_or_throw(result<T>&& r) {
  if (!r) throw error(r.error());
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

}  // namespace quern::inline v0
#endif
