// Decodes everything that has a codec, a piece at a time, and says what is not as it should be.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "contents.hpp"
#include "text.hpp"

namespace inspect {

// Pieces of the tensors of a model, read and scanned one after the other. Throws io::file_error.
class scanner {
 public:
  explicit scanner(const contents& c) : contents_(c) {}

  // Precondition: the tensor has a codec.
  findings scan(const tensor& t) {
    findings found;
    const codec_entry& codec = *t.codec;
    const std::uint64_t rows = t.is_matrix ? t.coded.rows : 1, cols = t.is_matrix ? t.coded.cols : t.values();
    if (rows == 0 || cols == 0) return found;
    const bool along_rows = rows > 1;
    const std::uint64_t length = along_rows ? rows : cols, across = along_rows ? cols : rows;
    const auto& steps = along_rows ? codec.row_steps : codec.col_steps;
    const std::uint64_t step = step_of(t, along_rows), count = piece_of(t, along_rows, length, across, step);
    for (std::uint64_t first = 0; first < length; first += count) {
      const std::uint64_t n = std::min(count, length - first);
      const quern::shape piece = shape_of(t, along_rows ? n : rows, along_rows ? cols : n);
      array_sizes bytes{}, step_bytes{};
      bool ok = codec.bytes(piece, bytes);
      if (first != 0) ok = ok && codec.bytes(shape_of(t, along_rows ? step : 1, along_rows ? cols : step), step_bytes);
      if (!ok) refuse(t, "a piece is too large to be addressed");
      const_arrays arrays{};
      for (std::size_t i = 0; i < codec.array_count; ++i) {
        const tensor::array& a = t.arrays[i];
        // Where only one piece is made it is all of the array.
        const std::uint64_t at = first == 0 || steps[i] == same_for_all ? 0 : first / step * step_bytes[i];
        if (at > a.bytes || bytes[i] > a.bytes - at) refuse(t, "the tensor does not have the bytes of its shape");
        if (!a.held.empty()) arrays[i] = std::as_bytes(std::span(a.held)).subspan(at, bytes[i]);
        else arrays[i] = io::value_or_throw(contents_.file(a.file).try_view(a.offset + at, bytes[i], room_[i]));
      }
      if (const auto scanned = codec.scan(arrays, piece, along_rows, first == 0, found); !scanned)
        refuse(t, scanned.error().what, scanned.error().value, scanned.error().bound);
    }
    return found;
  }

  // Bytes of a file that are those of no tensor though they lie behind the first one: how many, and where the first one
  // that is not 0 is.
  struct gaps {
    std::uint64_t bytes = 0;
    std::uint64_t first = io::file_failure::nowhere;
  };
  gaps scan_gaps(std::size_t file) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> used;  // begin, end
    for (const tensor& t : contents_.tensors())
      for (const tensor::part& p : t.parts)
        if (p.file == file && p.bytes != 0) used.emplace_back(p.offset, p.offset + p.bytes);
    std::ranges::sort(used);
    gaps found;
    if (used.empty()) return found;
    std::uint64_t end = used.front().first;
    used.emplace_back(contents_.file(file).size(), 0);
    for (const auto& [next, next_end] : used) {
      for (std::uint64_t at = end; at < next; at += std::min<std::uint64_t>(next - at, piece_values)) {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(next - at, piece_values));
        const auto bytes = io::value_or_throw(contents_.file(file).try_view(at, n, room_[0]));
        const auto first = std::ranges::find_if(bytes, [](std::byte b) { return b != std::byte{0}; });
        if (first != bytes.end() && found.first == io::file_failure::nowhere)
          found.first = at + static_cast<std::uint64_t>(first - bytes.begin());
        found.bytes += n;
      }
      end = std::max(end, next_end);
    }
    return found;
  }

 private:
  static constexpr std::uint64_t piece_values = 1u << 18;

  [[noreturn]] void refuse(const tensor& t, const char* what, std::uint64_t value = 0, std::uint64_t bound = 0) const {
    const std::string file = io::escaped(contents_.file(t.parts[0].file).path().native());
    throw io::file_error({what, file + ", tensor " + io::escaped(t.name), value, bound});
  }
  quern::shape shape_of(const tensor& t, std::uint64_t rows, std::uint64_t cols) const {
    if (!std::in_range<std::size_t>(rows) || !std::in_range<std::size_t>(cols))
      refuse(t, "more rows or columns than can be addressed", rows, cols);
    return {static_cast<std::size_t>(rows), static_cast<std::size_t>(cols)};
  }

  // What the extent of a piece is a multiple of, so that it uses whole units of every array; 0: there is no such piece.
  static std::uint64_t step_of(const tensor& t, bool along_rows) {
    std::uint64_t step = 1;
    for (std::size_t i = 0; i < t.codec->array_count; ++i) {
      const std::size_t s = along_rows ? t.codec->row_steps[i] : t.codec->col_steps[i];
      if (s == never) return 0;
      if (s != same_for_all) step = std::lcm(step, std::uint64_t{s});
    }
    return step;
  }
  // The extent of a piece of moderate size: a multiple of the step; or all where the codec has no such pieces.
  std::uint64_t piece_of(const tensor& t, bool along_rows, std::uint64_t length, std::uint64_t across,
                         std::uint64_t step) const {
    if (step == 0) return length;
    const std::uint64_t fitting = piece_values / across / step * step, n = std::max(fitting, step);
    if (n >= length) return length;
    const auto refused = [&](std::uint64_t extent) {
      return t.codec->refusal(along_rows ? shape_of(t, extent, across) : shape_of(t, across, extent)) != nullptr;
    };
    return refused(n) || (length % n != 0 && refused(length % n)) ? length : n;
  }

  const contents& contents_;
  std::array<quern::aligned_bytes, most_arrays> room_;
};

// Prints a line for every tensor, and what is found in all; returns whether all is finite.
inline bool verify(const contents& c) {
  scanner scan(c);
  std::uint64_t values = 0, not_finite = 0, decoded = 0, affected = 0;
  std::printf("%-44s %-18s %12s %12s %14s %14s  %s\n", "tensor", "type", "values", "not finite", "least", "greatest",
              "padding");
  for (const tensor& t : c.tensors()) {
    const std::string name = io::escaped(t.name), type = io::escaped(t.type);
    if (t.codec == nullptr) {
      std::printf("%-44s %-18s %12llu %12s %14s %14s  -\n", name.c_str(), type.c_str(),
                  static_cast<unsigned long long>(t.values()), "-", "-", "-");
      continue;
    }
    const findings f = scan.scan(t);
    const bool some = f.least <= f.greatest, is_f64 = t.type == "F64";
    const auto text = [&](double x) {
      return !some ? std::string("-") : is_f64 ? shortest(x) : shortest(static_cast<float>(x));
    };
    std::printf("%-44s %-18s %12llu %12llu %14s %14s  %s", name.c_str(), type.c_str(),
                static_cast<unsigned long long>(f.values), static_cast<unsigned long long>(f.not_finite),
                text(f.least).c_str(), text(f.greatest).c_str(),
                f.padding_bits == 0 ? "-"
                : f.padding_is_zero ? "zero"
                                    : "not zero");
    if (f.not_finite != 0) std::printf("; first at %llu", static_cast<unsigned long long>(f.first));
    if (f.scales_not_finite != 0)
      std::printf("; scales not finite: %llu", static_cast<unsigned long long>(f.scales_not_finite));
    std::puts("");
    values += f.values, not_finite += f.not_finite, ++decoded,
        affected += f.not_finite != 0 || f.scales_not_finite != 0;
  }
  for (std::size_t i = 0; i < c.file_count(); ++i) {
    const scanner::gaps g = scan.scan_gaps(i);
    if (g.bytes == 0) continue;
    std::printf("file %s: %llu bytes of padding between and behind tensors, ",
                io::escaped(c.file(i).path().native()).c_str(), static_cast<unsigned long long>(g.bytes));
    if (g.first == io::file_failure::nowhere) std::puts("all zero");
    else std::printf("not all zero, first at byte %llu\n", static_cast<unsigned long long>(g.first));
  }
  if (decoded != c.tensors().size())
    std::printf("tensors without a codec, not decoded: %zu\n", c.tensors().size() - static_cast<std::size_t>(decoded));
  std::printf("%llu values of %llu tensors decoded: ", static_cast<unsigned long long>(values),
              static_cast<unsigned long long>(decoded));
  if (affected == 0) std::puts("all finite");
  else
    std::printf("%llu not finite, in %llu tensors\n", static_cast<unsigned long long>(not_finite),
                static_cast<unsigned long long>(affected));
  return affected == 0;
}

}  // namespace inspect
