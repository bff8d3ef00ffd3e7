// Prints a checksum of what every one of some codecs decodes, encodes and multiplies with integers, from bytes and weights
// that are the same everywhere: subnormal, huge, infinite ones among them. Whatever this is compiled with, for whatever
// machine, the text is that of golden.txt. With --flush, the program flushes subnormals to zero before it calls kernels.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "quern/catalog/bnb.hpp"
#include "quern/catalog/gguf.hpp"
#include "quern/catalog/mx.hpp"
#include "quern/reference/decode.hpp"
#include "quern/reference/encode.hpp"
#include "quern/storage/packed.hpp"

#if !defined(HWY_COMPILE_ONLY_STATIC)
#include "hwy/targets.h"
#endif

namespace {
using namespace quern;

// What fusing, flushing and rounding twice would show in: odd scales, an offset of its own, a level that is added.
struct cubic {
  static constexpr unsigned bits = 5;
  static constexpr float value(std::uint32_t code) {
    const float t = (static_cast<float>(code) - 15.5f) / 15.5f;
    return t * t * t;
  }
};
struct own_48 : codec<cubic, levels<plus<tensor<f32>>, group<48, bf16>, channel<f32>>, bias<group<16, f32>>> {
  static constexpr const char* name = "own.48";
};
struct own_zero : codec<offset_integer<3>, levels<group<24, f32>>, zero_point<group<24, bf16>>> {
  static constexpr const char* name = "own.zero";
};
struct own_minimum : codec<e4m3, levels<block<3, 32, f32>>, minimum<channel<f32>>> {
  static constexpr const char* name = "own.minimum";
};

using codecs = type_list<own_48, own_zero, own_minimum, gguf::q4_0, gguf::q4_1, gguf::q4_k, gguf::q6_k, gguf::iq4_xs,
                         gguf::iq3_xxs, gguf::tq1_0, gguf::mxfp4, gguf::nvfp4, bnb::nf4_double>;
using encoded =
    type_list<own_48, own_zero, own_minimum, gguf::q4_0, gguf::q4_1, gguf::iq4_nl, gguf::mxfp4, gguf::nvfp4>;

constexpr shape size{7, 16384};  // whole blocks of all of them
constexpr shape part{7, 768};    // of a codec whose groups are smaller

// ---- data ----

struct random_bits {
  std::uint64_t state;
  std::uint64_t operator()() {
    std::uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
};

// FNV-1a.
struct checksum {
  std::uint64_t hash = 0xcbf29ce484222325;
  void add(std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3; }
  void add(float x) {  // all NaNs are one
    const std::uint32_t u = is_nan(x) ? 0x7fc00000u : float_to_bits(x);
    for (unsigned i = 0; i < 32; i += 8) add(static_cast<std::uint8_t>(u >> i));
  }
};

std::uint64_t sum_of(const std::vector<float>& values) {
  checksum sum;
  for (const float v : values) sum.add(v);
  return sum.hash;
}

// Rows of ordinary weights, of tiny and of huge ones, of one value, of zeros, of all sizes.
std::vector<float> weights(shape s) {
  std::vector<float> w(s.count());
  random_bits random{1};
  for (std::size_t i = 0; i < w.size(); ++i) {
    const auto any = static_cast<std::int32_t>(random() >> 40) - (1 << 23);
    const float x = static_cast<float>(any) * 0x1p-23f;
    switch (i / s.cols) {
      case 0:
        w[i] = x;
        break;
      case 1:
        w[i] = float_from_bits(static_cast<std::uint32_t>(random()) & 0x807fffffu);
        break;
      case 2:
        w[i] = x * 0x1p127f;
        break;
      case 3:
        w[i] = 0.3f;
        break;
      case 4:
        w[i] = i % 2 ? 0.0f : -0.0f;
        break;
      case 5:
        w[i] = x * x * x;
        break;
      default:
        w[i] = x * exp2i(static_cast<int>(random() % 200) - 100);
    }
  }
  return w;
}

template <class C>
constexpr shape size_of() {
  std::size_t most = 1;
  for (const part_facts& p : parts<typename C::base>) most = p.region.cols > most ? p.region.cols : most;
  return most > part.cols ? size : part;
}

// ---- what is printed ----

bool flush = false;

void set_flushing(bool on) {
#if defined(__SSE2__)
  if (flush) _mm_setcsr(on ? _mm_getcsr() | 0x8040u : _mm_getcsr() & ~0x8040u);
#elif defined(__aarch64__)
  if (flush) {
    std::uint64_t mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    mode = on ? mode | 1u << 24 : mode & ~(std::uint64_t{1} << 24);
    asm volatile("msr fpcr, %0" : : "r"(mode) : "memory");
  }
#else
  (void)on;
#endif
}

// f(name of target) on every target there is.
template <class F>
void on_every_target(F f) {
#if defined(HWY_COMPILE_ONLY_STATIC)
  f("this target");
#else
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    f(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
#endif
}

void print(const char* what, const char* name, std::uint64_t sum) {
  std::printf("%s %s %016llx\n", what, name, static_cast<unsigned long long>(sum));
}

template <class C>
void print_decoded() {
  using B = typename C::base;
  constexpr shape s = size_of<C>();
  packed<B> w(s.rows, s.cols);
  random_bits random{s.cols};
  for (std::size_t i = 0; i < B::layout::arrays; ++i)
    for (std::byte& b : w.array(i)) b = static_cast<std::byte>(random() >> 56);
  std::vector<float> out(s.count());
  reference::decode(w.view(), matrix_view<float>(out.data(), s.rows, s.cols));
  const std::uint64_t want = sum_of(out);
  print("decode", C::name, want);
  on_every_target([&](const char* target) {
    set_flushing(true);
    kernels<B>::decode(w, matrix_view<float>(out.data(), s.rows, s.cols));
    set_flushing(false);
    const std::uint64_t sum = sum_of(out);
    if (sum != want) print(target, C::name, sum);
  });
}

template <class C>
void print_encoded() {
  using B = typename C::base;
  const std::vector<float> x = weights(part);
  packed<B> w(part.rows, part.cols);
  if (!reference::encode<B, fit_of<C>>(matrix_view<const float>(x.data(), part.rows, part.cols), w.span()))
    std::printf("encode fails\n");
  checksum sum;
  for (std::size_t i = 0; i < B::layout::arrays; ++i)
    for (const std::byte b : w.array(i)) sum.add(static_cast<std::uint8_t>(b));
  print("encode", C::name, sum.hash);
}

// Sums of integers, and so y where all scales are powers of two, are the same everywhere.
void print_product() {
  using B = tiled<codec<offset_integer<5>, levels<group<32, f32>>>>::base;
  using P = product<B, int8<32>>;
  constexpr std::size_t rows = 33, cols = 320, m = 5;
  packed<B> w(rows, cols);
  packed_span<B> span = w;
  random_bits random{3};
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < cols; ++c) {
      set_code<codes>(span, {r, c}, static_cast<std::uint32_t>(random() >> 59));
      set_code<scale<>>(span, {r, c}, float_to_bits(1));
    }
  std::vector<float> x(m * cols), y(m * rows);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = i % 32 == 0 ? 127.0f : static_cast<float>(static_cast<int>(random() >> 57) - 64);
  aligned_bytes prepared = aligned_bytes::try_make(prepared_bytes<P>(m, cols));
  std::uint64_t want = 0;
  on_every_target([&](const char* target) {
    product_kernels<P>::prepare(matrix_view<const float>(x.data(), m, cols), prepared.span().data());
    product_kernels<P>::matmul(w, prepared.span().data(), matrix_view<float>(y.data(), m, rows));
    const std::uint64_t sum = sum_of(y);
    if (want == 0) print("product", "own.integers", sum);
    else if (sum != want) print(target, "own.integers", sum);
    want = sum;
  });
}

}  // namespace

int main(int argc, char** argv) {
  flush = argc > 1 && std::strcmp(argv[1], "--flush") == 0;
  for_each_type(codecs{}, []<class C>() { print_decoded<C>(); });
  for_each_type(encoded{}, []<class C>() { print_encoded<C>(); });
  print_product();
}
