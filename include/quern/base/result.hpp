// What went wrong, and a value or what went wrong. C++20 has no std::expected.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace quern::inline v0 {

// what: the rule that was broken, a sentence. where: the function and the argument. value: the offending number (a size,
// an index, the bits of a weight); bound: what it was compared with, or 0. All strings are literals.
struct failure {
  const char* what = "";
  const char* where = "";
  std::uint64_t value = 0;
  std::uint64_t bound = 0;

  std::string text() const {
    return std::string(where) + ": " + what + " (value " + std::to_string(value) +
           (bound ? ", against " + std::to_string(bound) : std::string()) + ")";
  }
};

// A T, or the failure that kept it from being made. Failure is any type with a text().
template <class T, class Failure = failure>
class [[nodiscard]] result {
 public:
  constexpr result(T value) noexcept : value_(std::move(value)) {}
  constexpr result(Failure f) noexcept : failure_(std::move(f)) {}

  constexpr bool has_value() const noexcept { return value_.has_value(); }
  constexpr explicit operator bool() const noexcept { return has_value(); }
  // Precondition: has_value().
  constexpr T& value() & noexcept { return *value_; }
  constexpr const T& value() const& noexcept { return *value_; }
  constexpr T&& value() && noexcept { return *std::move(value_); }
  constexpr T& operator*() & noexcept { return value(); }
  constexpr const T& operator*() const& noexcept { return value(); }
  constexpr T&& operator*() && noexcept { return std::move(*this).value(); }
  constexpr T* operator->() noexcept { return &value(); }
  constexpr const T* operator->() const noexcept { return &value(); }
  // Precondition: !has_value().
  constexpr const Failure& error() const noexcept { return failure_; }

 private:
  std::optional<T> value_;
  Failure failure_;
};

// Success, or a failure.
template <class Failure>
class [[nodiscard]] result<void, Failure> {
 public:
  constexpr result() noexcept = default;
  constexpr result(Failure f) noexcept : failure_(std::move(f)), ok_(false) {}

  constexpr bool has_value() const noexcept { return ok_; }
  constexpr explicit operator bool() const noexcept { return ok_; }
  constexpr const Failure& error() const noexcept { return failure_; }

 private:
  Failure failure_;
  bool ok_ = true;
};

}  // namespace quern::inline v0
