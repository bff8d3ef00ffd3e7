// The exception of the throwing spellings. Under -fno-exceptions only the try_ functions exist.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/base/result.hpp"

#if defined(__cpp_exceptions)
#include <stdexcept>
#include <type_traits>

namespace quern::inline v0 {

// A failure, thrown. what() is its text.
template <class Failure>
class basic_error : public std::runtime_error {
 public:
  explicit basic_error(const Failure& f) : std::runtime_error(f.text()), failure_(f) {}
  const Failure& details() const noexcept { return failure_; }

 private:
  Failure failure_;
};
using error = basic_error<failure>;

// The value of a result; throws its failure where there is none.
template <class T, class Failure>
constexpr T value_or_throw(result<T, Failure>&& r) {
  if (!r) throw basic_error<Failure>(r.error());
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

}  // namespace quern::inline v0
#endif
