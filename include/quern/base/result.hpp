// What went wrong, and a value or what went wrong. C++20 has no std::expected.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

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

// A T, or the failure that kept it from being made.
template <class T>
class [[nodiscard]] result {
 public:
  constexpr result(T value) noexcept : held_(std::in_place_index<0>, std::move(value)) {}
  constexpr result(failure f) noexcept : held_(std::in_place_index<1>, f) {}

  constexpr bool has_value() const noexcept { return held_.index() == 0; }
  constexpr explicit operator bool() const noexcept { return has_value(); }
  // Precondition: has_value().
  constexpr T& value() & noexcept { return *std::get_if<0>(&held_); }
  constexpr const T& value() const& noexcept { return *std::get_if<0>(&held_); }
  constexpr T&& value() && noexcept { return std::move(*std::get_if<0>(&held_)); }
  constexpr T& operator*() & noexcept { return value(); }
  constexpr const T& operator*() const& noexcept { return value(); }
  constexpr T&& operator*() && noexcept { return std::move(*this).value(); }
  constexpr T* operator->() noexcept { return &value(); }
  constexpr const T* operator->() const noexcept { return &value(); }
  // Precondition: !has_value().
  constexpr const failure& error() const noexcept { return *std::get_if<1>(&held_); }

 private:
  std::variant<T, failure> held_;
};

// Success, or a failure.
template <>
class [[nodiscard]] result<void> {
 public:
  constexpr result() noexcept = default;
  constexpr result(failure f) noexcept : failure_(f), ok_(false) {}

  constexpr bool has_value() const noexcept { return ok_; }
  constexpr explicit operator bool() const noexcept { return ok_; }
  constexpr const failure& error() const noexcept { return failure_; }

 private:
  failure failure_;
  bool ok_ = true;
};

}  // namespace quern::inline v0
