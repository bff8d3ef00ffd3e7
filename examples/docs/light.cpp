// The pieces of code in docs/ that need the light header only.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>

#include <cstdio>
#include <vector>

namespace {
using namespace quern;

// ---- policies.md ----

using nf4_like = codec<codebook<bnb::nf4_values>, levels<group<64, f32>>>;
using q4_k_like = codec<unsigned_integer<4>, levels<group<32, unsigned_integer<6>>, group<256, f16>>,
                        minimum<group<32, unsigned_integer<6>>, group<256, f16>>>;
using gptq_like = codec<unsigned_integer<4>, levels<group<128, f16>>, zero_point<group<128, unsigned_integer<4>>>>;
using fp8_blocks = codec<e4m3, levels<block<128, 128, f32>>>;

struct preset_of_mine : q4_k_like {
  static constexpr const char* name = "mine.q4";  // found by visit and any_view
  using fit = min_max;                            // used by quantize
};

// A level is a region and a number. Here 32 rows x 32 columns share a power of two.
struct square_of_32 {
  static constexpr shape region{32, 32};
  using number = e8m0;
};

// A symmetry: where offsets are shared, and what a weight is.
struct scaled_bias {  // s * (v + b)
  using offsets = levels<group<32, f16>>;
  static constexpr float weight(float s, float v, float b) { return s * (v + b); }
};

using odd_one = codec<integer<5>, levels<square_of_32>, scaled_bias>;

// ---- layout.md ----

// Codes here, scales there: what codec<N, G> means where no layout is named.
using separate_q4 =
    codec<offset_integer<4>, levels<group<32, f16>>, symmetric,
          separate<array<unit<1, 2>, by_rows, stream<codes>>, array<unit<1, 32>, by_rows, stream<scale<>>>>>;

// GGUF's Q4_0: one array of blocks, in a block the scale and then the codes, code i and code i + 16 in one byte.
using blocked_q4 =
    codec<offset_integer<4>, levels<group<32, f16>>, symmetric, blocked<32, stream<scale<>>, plane<codes, 4, 16>>>;

static_assert(same_numbers<separate_q4, blocked_q4> && same_numbers<blocked_q4, gguf::q4_0>);

// ---- catalogue.md ----

std::size_t count_of_four_bit_presets() {
  std::size_t count = 0;
  [&]<class... C>(type_list<C...>) { ((count += bits_per_weight<C> < 5), ...); }(catalog{});
  return count;
}

double bits_of(std::string_view name) {
  double bits = 0;
  const bool found = visit(name, [&]<class C>() { bits = bits_per_weight<C>; });
  return found ? bits : -1;
}

// ---- errors.md ----

// Without exceptions: a result holds a value, or says what was wrong.
bool loads(std::span<const std::byte> bytes, std::size_t rows, std::size_t cols) {
  const result<packed_view<gguf::q8_0>> w = packed_view<gguf::q8_0>::try_make(bytes, rows, cols);
  if (!w) {
    const failure& f = w.error();
    std::printf("%s\n", f.text().c_str());  // where: what (value ..., against ...)
    return false;
  }
  return w->rows() == rows;
}

bool loads_or_throws(std::span<const std::byte> bytes, std::size_t rows, std::size_t cols) {
  try {
    const packed_view<gguf::q8_0> w(bytes, rows, cols);
    return w.rows() == rows;
  } catch (const quern::error& e) {
    std::printf("%s\n", e.what());  // the same text; e.details() is the failure
    return false;
  }
}

}  // namespace

int main() {
  static_assert(any_codec<nf4_like> && any_codec<gptq_like> && any_codec<fp8_blocks> && any_codec<odd_one>);
  static_assert(std::string_view(name<preset_of_mine>) == "mine.q4");
  const std::vector<std::byte> bytes(68);
  return loads(bytes, 1, 64) && !loads(bytes, 1, 96) && loads_or_throws(bytes, 2, 32) &&
                 !loads_or_throws(bytes, 3, 32) && count_of_four_bit_presets() > 10 && bits_of("gguf.q6_k") == 6.5625 &&
                 bits_of("no such format") == -1
             ? 0
             : 1;
}
