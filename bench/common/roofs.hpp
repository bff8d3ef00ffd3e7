// What the processor does at most: how fast it reads bytes, and how many multiply-adds a second there are in registers.
// Compiled for the targets of the build in roofs.cpp; the best one of the processor runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace bench {

// Reads all bytes, vector by vector, in one stream; `ahead`: with prefetches of what comes later.
std::uint64_t read_all(std::span<const std::byte> bytes, bool ahead);

// Kinds of multiply-adds that products are made of.
enum class arithmetic { int8, bf16, f32 };  // u8 x i8 summed in i32, bf16 x bf16 summed in f32, f32
constexpr const char* name_of(arithmetic a) {
  return a == arithmetic::int8 ? "u8 x i8" : a == arithmetic::bf16 ? "bf16" : "f32";
}

// Runs twelve independent chains for so many turns; returns how many multiply-adds these are.
double multiply_adds(arithmetic kind, std::size_t turns);

}  // namespace bench
