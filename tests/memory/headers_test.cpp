// What opening files allocates: no more than their headers and their index have bytes, and a constant, whatever stands
// in them; where they are JSON, besides what the library holds of one string. A program of its own, whose allocations are counted.
// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "io/folder.hpp"
#include "io/safetensors.hpp"
#include "quern/io/gguf_split.hpp"
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

// Besides what a file has: at all, where it is read in pieces, for each of several files.
constexpr std::size_t constant = 8 << 10, piece = 1 << 16, of_file = 1 << 10;

// What the library holds of the longest string: it as written and as meant, in buffers that double while the smaller one
// is there, together five times its bytes; and copies of it where the library words an error, as many again. Constant,
// too, as strings are of 4 MiB at most.
std::size_t of_strings(std::string_view json) {
  std::size_t longest = 0;
  while (!json.empty()) {
    const std::size_t n = std::min(json.find_first_of("\"{}[],: "), json.size());
    longest = std::max(longest, n);
    json.remove_prefix(std::min(n + 1, json.size()));
  }
  return 10 * std::min(longest, io::json_most_bytes);
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
      {"a long number", "{\"a\":{\"shape\":[" + std::string(long_text, '9') + "]}}", 0, "a number is out of range"},
      {"a string beyond the most", metadata("{\"a\":\"" + std::string(io::json_most_bytes + 2, 'x') + "\"}"), 0,
       "a string or a number of JSON is too long"},
      {"strings that are long", metadata("{\"a\":\"" + std::string(long_text, 'x') + "\",\"b\":\"" +
                                         std::string(long_text, 'x') + "\"}")},
      {"a text without an end", metadata("{\"a\":\"" + std::string(long_text, 'x')), 0, "not JSON"},
      {"one name for all", object(some, [](std::size_t) { return tensor("a", "[0]"); }), 0,
       "two tensors have one name"},
      {"one key for all", metadata(object(some, [](std::size_t) { return std::string("\"a\":\"\""); })), 0,
       "a key stands twice"},
  };
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
    const std::size_t most = h.json.size() + of_strings(h.json) + constant;
    CHECK(parsed <= most);
    here.write("m.safetensors", file);
    for (const io::access how : {io::access::mapped, io::access::read}) {
      const std::size_t opened = peak_of([&] {
        const auto f = io::safetensors_file::try_open(here / "m.safetensors", how);
        CHECK(f.has_value() == rule.empty());
      });
      CHECK(opened <= most + piece);
    }
    const std::size_t model = peak_of([&] { (void)io::safetensors_shards::try_open(here / "m.safetensors"); });
    CHECK(model <= most);
  }
}

TEST_CASE("a safetensors index takes no more memory than it has bytes") {
  constexpr std::size_t some = 10'000, long_text = 500'000;
  const auto entry = [](const std::string& name, const std::string& file) {
    return "\"" + name + "\":\"" + file + "\"";
  };
  const auto map = [](const std::string& entries) { return "{\"weight_map\":" + entries + "}"; };
  const auto said = [](const std::string& entries) { return "{\"metadata\":" + entries + ",\"weight_map\":{}}"; };
  const std::string long_name(long_text, 'x');
  const hostile all[] = {
      {"nothing", map("{}")},
      {"names", map(object(some, [&](std::size_t i) { return entry(name(i), "m"); }))},
      {"names that sort backwards", map(object(some, [&](std::size_t i) { return entry(name(some - i), "m"); }))},
      {"a shard for each", map(object(some, [&](std::size_t i) { return entry(name(i), name(some - i)); }))},
      {"short names of shards", map(object(some, [&](std::size_t i) { return entry(name(i), name(i % 64)); }))},
      {"escapes in names",
       map(object(some, [&](std::size_t i) { return entry("\\u0061" + name(i), "\\u0061" + name(i)); }))},
      {"characters of two bytes", map(object(some, [&](std::size_t i) { return entry("\\u00e9" + name(i), "m"); }))},
      {"keys of metadata", said(object(some, [](std::size_t i) { return "\"" + name(i) + "\":1"; }))},
      {"one long name", map("{" + entry(long_name, "m") + "}")},
      {"one long name of a shard", map("{" + entry("a", long_name) + "}"), 0,
       "the name of a shard is longer than a file's can be"},
      {"one long key of metadata", said("{" + entry(long_name, "a") + "}")},
      {"one long value of metadata", said("{" + entry("a", long_name) + "}")},
      {"escapes", map("{" + entry(repeated("\\u00e9", long_text / 6), "m") + "}")},
      {"blanks", map("{" + std::string(long_text, ' ') + "}")},
      {"depth", map(std::string(long_text, '[')), 0, "the weight_map is not an object"},
      {"deep metadata", said("{\"a\":" + std::string(long_text, '[')), 0,
       "a value of metadata is an object or an array"},
      {"an unknown key", "{\"" + long_name + "\":1}", 0, "unknown key of an index"},
      {"a text without an end", "{\"weight_map\":{\"a\":\"" + long_name, 0, "not JSON"},
      {"a file elsewhere", map("{" + entry("a", long_name + "/m") + "}"), 0,
       "a shard is not the plain name of a file in the index's folder"},
      {"one name for all", map(object(some, [&](std::size_t) { return entry("a", "m"); })), 0, "a key stands twice"},
      {"one key for all", said(object(some, [](std::size_t) { return std::string("\"a\":1"); })), 0,
       "a key stands twice"},
  };
  const support::folder here;
  for (const hostile& h : all) {
    CAPTURE(h.what);
    std::string rule;
    const std::size_t parsed = peak_of([&] {
      const auto index = io::safetensors_index::try_parse(h.json, "m");
      if (!index) rule = index.error().what;
    });
    CHECK(rule == h.rule);
    const std::size_t most = h.json.size() + of_strings(h.json) + constant;
    CHECK(parsed <= most);
    // As a file, of which no shard is there.
    here.write("m.json", h.json);
    const std::size_t opened = peak_of([&] { (void)io::safetensors_shards::try_open(here / "m.json"); });
    CHECK(opened <= most + piece);
  }
}

TEST_CASE("a model of several files takes no more memory than its index and its headers have bytes") {
  struct form {
    std::size_t files, tensors;  // tensors: of each file
  };
  for (const form f : {form{1, 1}, form{1, 10'000}, form{3, 3'000}, form{50, 100}, form{200, 1}}) {
    CAPTURE(f.files);
    CAPTURE(f.tensors);
    const support::folder here;
    std::size_t bytes = 0;
    std::string index = "{\"weight_map\":{";
    for (std::size_t i = 0; i < f.files; ++i) {
      const std::string json = object(f.tensors, [&](std::size_t j) { return tensor(name(i * f.tensors + j), "[0]"); });
      here.write(name(i), support::safetensors(json));
      bytes += json.size();
      for (std::size_t j = 0; j < f.tensors; ++j)
        index += (index.back() == '{' ? "\"" : ",\"") + name(i * f.tensors + j) + "\":\"" + name(i) + "\"";
    }
    index += "}}";
    here.write("m.json", index);
    bytes += index.size();
    for (const io::access how : {io::access::mapped, io::access::read}) {
      const std::size_t opened = peak_of([&] {
        const auto model = io::safetensors_shards::try_open(here / "m.json", how);
        REQUIRE(model);
        CHECK(model->tensors().size() == f.files * f.tensors);
        CHECK(model->find(name(f.files - 1))->tensor->name == name(f.files - 1));
      });
      CHECK(opened <= bytes + constant + piece + f.files * of_file);
    }
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

TEST_CASE("a GGUF model of several parts takes less than twice the bytes of its headers") {
  const support::folder here;
  constexpr std::size_t n = (1u << 14) + 1;
  const auto number = [](std::string_view key, unsigned type, std::uint64_t x, int bytes) {
    return gguf_text(key) + little(type, 4) + little(x, bytes);
  };
  std::size_t bytes = 0;
  for (std::size_t p = 0; p < 2; ++p) {
    std::string part = "GGUF" + little(3, 4) + little(n, 8) + little(3, 8) + number("split.no", 2, p, 2) +
                       number("split.count", 2, 2, 2) + number("split.tensors.count", 5, 2 * n, 4);
    for (std::size_t i = 0; i < n; ++i)
      part += gguf_text(name(p * n + i)) + little(1, 4) + little(0, 8) + little(24, 4) + little(0, 8);
    part += std::string(31 - (part.size() + 31) % 32, '\0');
    here.write("m-0000" + std::to_string(p + 1) + "-of-00002.gguf", part);
    bytes += part.size();
  }
  const std::filesystem::path first = here / "m-00001-of-00002.gguf";
  const std::size_t opened = peak_of([&] { CHECK(io::gguf_model::try_open(first).has_value()); });
  CHECK(opened < 2 * bytes);
}

}  // namespace
