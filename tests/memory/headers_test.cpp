// What opening a file allocates: no more than its header has bytes, and a constant, whatever stands in it. A program of its
// own, whose allocations are counted.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "io/folder.hpp"
#include "io/safetensors.hpp"
#include "quern/io/gguf_header.hpp"
#include "quern/io/safetensors_shards.hpp"

namespace {

// Bytes that are allocated, and the most that were; the number of an allocation stands before it.
std::size_t allocated = 0, peak = 0;

void* take(std::size_t size, std::size_t alignment) noexcept {
  const std::size_t front = std::max<std::size_t>(alignment, 16);
  void* const whole = std::aligned_alloc(front, (front + size + front - 1) / front * front);
  if (whole == nullptr) return nullptr;
  std::byte* const given = static_cast<std::byte*>(whole) + front;
  *reinterpret_cast<std::size_t*>(given - sizeof(std::size_t)) = size;
  allocated += size;
  peak = std::max(peak, allocated);
  return given;
}
void give_back(void* p, std::size_t alignment) noexcept {
  if (p == nullptr) return;
  std::byte* const given = static_cast<std::byte*>(p);
  allocated -= *reinterpret_cast<const std::size_t*>(given - sizeof(std::size_t));
  std::free(given - std::max<std::size_t>(alignment, 16));
}
void* take_or_throw(std::size_t size, std::size_t alignment) {
  if (void* const p = take(size, alignment)) return p;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t n) { return take_or_throw(n, 1); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return take(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) { return take_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return take(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { give_back(p, 1); }
void operator delete(void* p, std::size_t) noexcept { give_back(p, 1); }
void operator delete(void* p, std::align_val_t a) noexcept { give_back(p, static_cast<std::size_t>(a)); }
void operator delete(void* p, std::size_t, std::align_val_t a) noexcept { give_back(p, static_cast<std::size_t>(a)); }

namespace {

using namespace quern;

// The most bytes that f() has allocated at a time.
template <class F>
std::size_t peak_of(F f) {
  const std::size_t before = allocated;
  peak = before;
  f();
  return peak - before;
}

// The i-th of as many different short names as are asked for.
std::string name(std::size_t i) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  std::string s;
  do s += letters[i % 64];
  while ((i /= 64) != 0);
  return s;
}
std::string tensor(std::string_view name, std::string_view shape, std::uint64_t begin = 0, std::uint64_t end = 0) {
  return "\"" + std::string(name) + "\":{\"dtype\":\"U8\",\"shape\":" + std::string(shape) + ",\"data_offsets\":[" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}
// "{" f(0) "," f(1) ... "}"
template <class F>
std::string object(std::size_t count, F f) {
  std::string s = "{";
  for (std::size_t i = 0; i < count; ++i) s += (i == 0 ? "" : ",") + f(i);
  return s + "}";
}
std::string metadata(const std::string& entries) { return "{\"__metadata__\":" + entries + "}"; }
std::string repeated(std::string_view text, std::size_t count) {
  std::string s;
  s.reserve(text.size() * count);
  while (count-- != 0) s += text;
  return s;
}
std::string shape(std::size_t rank, std::string_view extent) {
  return "[0" + repeated("," + std::string(extent), rank - 1) + "]";
}

struct hostile {
  std::string what;
  std::string json;
  std::size_t data = 0;
  const char* rule = "";  // that it breaks
};

TEST_CASE("a safetensors header takes no more memory than it has bytes") {
  constexpr std::size_t some = 20'000, long_text = 3'000'000;
  const std::string at_end = "}";
  const auto numbered = [](std::size_t i) { return "\"" + name(i) + "\":\"\""; };
  const hostile all[] = {
      {"one tensor", "{" + tensor("a", "[0]") + "}"},
      {"tensors", object(some, [](std::size_t i) { return tensor(name(i), "[0]"); })},
      {"scalars", object(some, [](std::size_t i) { return tensor(name(i), "[]", i, i + 1); }), some},
      {"names that sort backwards", object(some, [](std::size_t i) { return tensor(name(some - i), "[1]", i, i + 1); }),
       some},
      {"64 extents", object(some / 4, [](std::size_t i) { return tensor(name(i), shape(64, "1")); })},
      {"large extents",
       object(some / 4, [](std::size_t i) { return tensor(name(i), shape(2, "2305843009213693951")); })},
      {"entries", metadata(object(10 * some, numbered))},
      {"one long value", metadata("{\"a\":\"" + std::string(long_text, 'x') + "\"}")},
      {"one long key", metadata("{\"" + std::string(long_text, 'x') + "\":\"a\"}")},
      {"one long name", "{" + tensor(std::string(long_text, 'x'), "[0]") + "}"},
      {"escapes", "{" + tensor(repeated("\\u00e9", long_text / 6), "[0]") + "}"},
      {"values of escapes", metadata("{\"a\":\"" + repeated("\\n", long_text / 2) + "\"}")},
      {"blanks", "{" + std::string(long_text, ' ') + at_end},
      {"depth", "{\"a\":" + std::string(long_text, '['), 0, "a tensor is not an object"},
      {"a long dtype", "{\"a\":{\"dtype\":\"" + std::string(long_text, 'U'), 0, "not JSON"},
      {"a long key of a tensor", "{\"a\":{\"" + std::string(long_text, 'x') + "\":1}}", 0, "unknown key of a tensor"},
      {"a long number", "{\"a\":{\"shape\":[" + std::string(long_text, '9') + "]}}", 0, "a number of too many digits"},
      {"a text without an end", metadata("{\"a\":\"" + std::string(long_text, 'x')), 0, "not JSON"},
      {"one name for all", object(some, [](std::size_t) { return tensor("a", "[0]"); }), 0,
       "two tensors have one name"},
      {"one key for all", metadata(object(some, [](std::size_t) { return std::string("\"a\":\"\""); })), 0,
       "a key stands twice"},
  };
  constexpr std::size_t constant = 8 << 10, piece = 1 << 16;
  const support::folder here;
  for (const hostile& h : all) {
    CAPTURE(h.what);
    const std::string file = support::safetensors(h.json, h.data);
    std::string rule;
    const std::size_t parsed = peak_of([&] {
      const auto header = io::safetensors_header::try_parse(std::as_bytes(std::span(file)), "m");
      if (!header) rule = header.error().what;
    });
    CHECK(rule == h.rule);
    CHECK(parsed <= h.json.size() + constant);
    here.write("m.safetensors", file);
    for (const io::access how : {io::access::mapped, io::access::read}) {
      const std::size_t opened = peak_of([&] {
        const auto f = io::safetensors_file::try_open(here / "m.safetensors", how);
        CHECK(f.has_value() == rule.empty());
      });
      CHECK(opened <= h.json.size() + constant + piece);
    }
    // A model is a list of its tensors besides.
    const std::size_t model = peak_of([&] { (void)io::safetensors_shards::try_open(here / "m.safetensors"); });
    CHECK(model <= h.json.size() + h.json.size() / 2 + constant);
  }
}

// n as `bytes` bytes.
std::string little(std::uint64_t n, int bytes) {
  std::string s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(n >> 8 * i & 0xff);
  return s;
}
std::string gguf_text(std::string_view s) { return little(s.size(), 8) + std::string(s); }
std::size_t gguf_peak(const std::string& bytes) {
  return peak_of([&] {
    const auto h = io::gguf_header::try_parse(std::as_bytes(std::span(bytes)), "m");
    CHECK(h.has_value());
  });
}

TEST_CASE("a GGUF header takes less memory than it has bytes") {
  for (const std::size_t n : {(1u << 14) - 1, 1u << 14, (1u << 14) + 1}) {  // where vectors grow
    std::string keys = "GGUF" + little(3, 4) + little(0, 8) + little(n, 8);
    for (std::size_t i = 0; i < n; ++i) keys += gguf_text(name(i)) + little(0, 4) + little(1, 1);
    CHECK(gguf_peak(keys) < keys.size());
    // Tensors of a byte, the last of the list first in the file.
    std::string tensors = "GGUF" + little(3, 4) + little(n, 8) + little(0, 8);
    for (std::size_t i = 0; i < n; ++i)
      tensors += gguf_text(name(i)) + little(0, 4) + little(24, 4) + little(32 * (n - 1 - i), 8);
    const std::size_t header = tensors.size();
    CHECK(gguf_peak(tensors + std::string(32 * n + 32, '\0')) < header);
  }
}

}  // namespace
