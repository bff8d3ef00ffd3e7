// GGUF files built byte by byte for tests, right ones and wrong ones. Nothing of the library takes part.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace support {

// Numbers of value types and of tensor types, as they stand in files.
enum : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, str, arr, u64, i64, f64 };
enum : std::uint32_t { type_f32 = 0, type_q4_0 = 2, type_q8_0 = 8, type_q4_k = 12, type_i8 = 24, type_i32 = 26 };

// Little-endian bytes, appended.
class gguf_bytes {
 public:
  template <class T>
  gguf_bytes& number(std::type_identity_t<T> x) {
    std::uint64_t bits = 0;
    if constexpr (std::is_same_v<T, float>) bits = std::bit_cast<std::uint32_t>(x);
    else if constexpr (std::is_same_v<T, double>) bits = std::bit_cast<std::uint64_t>(x);
    else bits = static_cast<std::uint64_t>(x);
    for (std::size_t i = 0; i < sizeof(T); ++i) text_ += static_cast<char>(static_cast<unsigned char>(bits >> (8 * i)));
    return *this;
  }
  gguf_bytes& n32(std::uint32_t x) { return number<std::uint32_t>(x); }
  gguf_bytes& n64(std::uint64_t x) { return number<std::uint64_t>(x); }
  gguf_bytes& raw(std::string_view s) { return text_ += s, *this; }
  gguf_bytes& string(std::string_view s) { return n64(s.size()).raw(s); }
  gguf_bytes& zeros(std::size_t n) { return text_.append(n, '\0'), *this; }
  gguf_bytes& pad(std::size_t alignment) { return zeros((alignment - text_.size() % alignment) % alignment); }

  gguf_bytes& header(std::uint64_t tensors, std::uint64_t entries, std::uint32_t version = 3) {
    return raw("GGUF").n32(version).n64(tensors).n64(entries);
  }
  gguf_bytes& key(std::string_view name, std::uint32_t type) { return string(name).n32(type); }
  gguf_bytes& key_u32(std::string_view name, std::uint32_t x) { return key(name, u32).n32(x); }
  gguf_bytes& array(std::string_view name, std::uint32_t element, std::uint64_t count) {
    return key(name, arr).n32(element).n64(count);
  }
  gguf_bytes& tensor(std::string_view name, std::initializer_list<std::uint64_t> dims, std::uint32_t type,
                     std::uint64_t offset) {
    string(name).n32(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t d : dims) n64(d);
    return n32(type).n64(offset);
  }

  const std::string& text() const { return text_; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(text_.data(), text_.size())); }

 private:
  std::string text_;
};

// A small valid file: each kind of value, tensors of four types, one without bytes. Data is 0, 1, 2, ...
inline gguf_bytes small_gguf(std::uint32_t version = 3) {
  gguf_bytes b;
  b.header(4, 16, version);
  b.key("general.architecture", str).string("test");
  b.key("a.u8", u8).number<std::uint8_t>(200).key("a.i8", i8).number<std::int8_t>(-100);
  b.key("a.u16", u16).number<std::uint16_t>(60000).key("a.i16", i16).number<std::int16_t>(-30000);
  b.key_u32("a.u32", 4000000000u).key("a.i32", i32).number<std::int32_t>(-2000000000);
  b.key("a.u64", u64).n64(~std::uint64_t{0}).key("a.i64", i64).number<std::int64_t>(-5);
  b.key("a.f32", f32).number<float>(1.5f).key("a.f64", f64).number<double>(0.1);
  b.key("a.bool", boolean).raw(std::string_view("\1", 1));
  b.array("a.floats", f32, 3).number<float>(1).number<float>(-2).number<float>(0.25f);
  b.array("a.strings", str, 3).string("one").string("").string("three");
  b.array("a.bools", boolean, 2).raw(std::string_view("\0\1", 2));
  b.array("a.nothing", i64, 0);
  b.tensor("w.f32", {3, 2}, type_f32, 0);         // 24 bytes
  b.tensor("w.q8_0", {64, 1, 2}, type_q8_0, 32);  // 136 bytes
  b.tensor("w.none", {32, 0}, type_q4_0, 192);    // 0 bytes
  b.tensor("w.i8", {5, 1, 1, 2}, type_i8, 192);   // 10 bytes
  b.pad(32);
  for (unsigned i = 0; i < 192 + 32; ++i) b.number<std::uint8_t>(static_cast<std::uint8_t>(i));
  return b;
}

}  // namespace support
