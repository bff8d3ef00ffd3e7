// The codecs of the catalogue, compiled here and nowhere else, with the reference decoder: no kernels are needed.
// SPDX-License-Identifier: Apache-2.0
#include <quern/io/little_endian.hpp>
#include <quern/io/packed_tensors.hpp>
#include <quern/quern.hpp>
#include <quern/reference/decode.hpp>
#include <quern/storage/codes.hpp>
#include <quern/storage/row_codes.hpp>

#include <bit>

#include "codec.hpp"

namespace inspect {
namespace {

using namespace quern;

// Single numbers, as safetensors names them.
template <class N>
using numbers = codec<N, levels<>, symmetric, blocked<1, stream<codes>>>;
struct f8_e4m3 : numbers<e4m3> {
  static constexpr const char* name = "F8_E4M3";
};
struct f8_e5m2 : numbers<e5m2> {
  static constexpr const char* name = "F8_E5M2";
};
struct f8_e8m0 : numbers<e8m0> {
  static constexpr const char* name = "F8_E8M0";
};

template <class C, std::size_t Array>
constexpr std::size_t step_of(bool along_rows) {
  using A = array_of<C, Array>;
  const auto extent = [=](shape s) { return along_rows ? s.rows : s.cols; };
  const std::size_t unit = extent(A::unit);
  bool some = false, every_all = true, every_in_unit = true;
  each_part<C>([&]<std::size_t K>() {
    if constexpr (stores<C, Array, K>) {
      const std::size_t region = extent(parts<C>[K].region);
      some = true;
      every_all = every_all && region == all;
      every_in_unit = every_in_unit && region != all && unit % region == 0;
    }
  });
  if (unit == all) return some && every_all ? same_for_all : never;
  return arranged_by_rows<typename A::arrangement> && every_in_unit ? unit : never;
}

// Whether an array can have padding that is known as such. Bits of fields that hold something else are not known, nor
// those of bytes in base 3; whole blocks have none.
template <class C, std::size_t Array>
constexpr bool padding_is_known() {
  bool ok = true;
  if constexpr (requires { requires C::whole_blocks; }) ok = false;
  each_field<C, Array>(sample, [&]<class, class F>(std::size_t) { ok = ok && F::what != nothing::id; });
  each_part<C>([&]<std::size_t K>() {
    if constexpr (stores<C, Array, K>) ok = ok && !in_base_3<C, K>;
  });
  return ok;
}

// The codes of part K: how many bits of them are 1, and how many stand for a number that is not finite.
struct code_counts {
  std::uint64_t ones = 0, not_finite = 0;
};
template <std::size_t K, class C>
[[gnu::noinline]] code_counts count_codes(const packed_view<C>& w) {
  const shape region = within(parts<C>[K].region, w.matrix());
  code_counts n;
  for (std::size_t r = 0; r < w.rows(); r += region.rows)
    for (std::size_t c = 0; c < w.cols(); c += region.cols) {
      const std::uint32_t code = code_at<K>(w, {r, c});
      n.ones += static_cast<unsigned>(std::popcount(code));
      if constexpr (K != 0) n.not_finite += !std::isfinite(value<part_number<C, K>>(code));
    }
  return n;
}

// Padding is what is left of an array's bits, and of its ones, when those of its codes are taken away. ones: of the
// codes of every part but 0, which are counted here, where there is padding.
template <class C, std::size_t Array>
void scan_padding(const packed_view<C>& w, const std::array<std::uint64_t, part_count<C>>& ones, findings& found) {
  std::uint64_t bits = 8 * std::uint64_t{w.array(Array).size()};
  each_part<C>([&]<std::size_t K>() {
    if constexpr (stores<C, Array, K>) bits -= codes_in_matrix<C, K>(w.matrix()).count() * parts<C>[K].bits;
  });
  if (bits == 0) return;
  std::uint64_t all_ones = 0, code_ones = 0;
  for (const std::byte b : w.array(Array))
    all_ones += static_cast<unsigned>(std::popcount(std::to_integer<unsigned>(b)));
  each_part<C>([&]<std::size_t K>() {
    if constexpr (stores<C, Array, K>) code_ones += K == 0 ? count_codes<K>(w).ones : ones[K];
  });
  found.padding_bits += bits;
  if (all_ones != code_ones) found.padding_is_zero = false;
}

template <class C>
result<void> scan(const const_arrays& arrays, shape s, bool along_rows, bool is_first, findings& found) {
  typename packed_view<C>::spans spans;
  for (std::size_t i = 0; i < spans.size(); ++i) spans[i] = arrays[i];
  const auto w = packed_view<C>::try_make(spans, s.rows, s.cols);
  if (!w) return w.error();
  if (s.count() == 0) return {};
  for (std::size_t r = 0; r < s.rows; ++r)
    for (std::size_t c = 0; c < s.cols; ++c) found.add(static_cast<double>(reference::decode_one(*w, {r, c})));
  std::array<std::uint64_t, part_count<C>> ones{};
  each_part<C>([&]<std::size_t K>() {
    if constexpr (K != 0) {
      const code_counts n = count_codes<K>(*w);
      ones[K] = n.ones;
      constexpr shape region = parts<C>[K].region;
      if (is_first || (along_rows ? region.rows : region.cols) != all) found.scales_not_finite += n.not_finite;
    }
  });
  each_array<C>([&]<std::size_t I>() {
    constexpr bool steps_down = step_of<C, I>(true) != same_for_all, steps_right = step_of<C, I>(false) != same_for_all;
    if constexpr (padding_is_known<C, I>())
      if (is_first || (along_rows ? steps_down : steps_right)) scan_padding<C, I>(*w, ones, found);
  });
  return {};
}

template <class C>
constexpr codec_entry entry_of() {
  codec_entry e{C::name, -1, C::layout::arrays, {}, {}, {}, {}, {}, {}};
  if constexpr (numbered_codec<C>) e.gguf_id = C::gguf_id;
  each_array<C>([&]<std::size_t I>() { e.row_steps[I] = step_of<C, I>(true), e.col_steps[I] = step_of<C, I>(false); });
  e.refusal = [](shape s) -> const char* {
    if (s.cols % row_multiple<C> != 0) return "a row is not whole blocks of its codec";
    if constexpr (requires { C::refusal(s); }) return C::refusal(s);
    return nullptr;
  };
  e.bytes = [](shape s, array_sizes& out) {
    std::array<std::size_t, C::layout::arrays> need{};
    if (!try_array_bytes<C>(s, need)) return false;
    for (std::size_t i = 0; i < need.size(); ++i) out[i] = need[i];
    return true;
  };
  e.suffix = [](std::size_t array) {
    std::string s;
    each_array<C>([&]<std::size_t I>() {
      if (I == array) s = io::packed_suffix<C, I>();
    });
    return s;
  };
  e.scan = scan<C>;
  return e;
}

// F64 has more digits than a codec's weights.
constexpr codec_entry f64_entry() {
  codec_entry e{"F64", -1, 1, {1}, {1}, {}, {}, {}, {}};
  e.refusal = [](shape) -> const char* { return nullptr; };
  e.bytes = [](shape s, array_sizes& out) { return multiply(s.rows, s.cols, out[0]) && multiply(out[0], 8, out[0]); };
  e.suffix = [](std::size_t) { return std::string(); };
  e.scan = [](const const_arrays& arrays, shape, bool, bool, findings& found) -> result<void> {
    for (std::size_t at = 0; at < arrays[0].size(); at += 8)
      found.add(std::bit_cast<double>(io::load_little(arrays[0].data() + at, 8)));
    return {};
  };
  return e;
}

template <class... C>
constexpr auto entries_of(type_list<C...>) {
  return std::array<codec_entry, sizeof...(C) + 1>{entry_of<C>()..., f64_entry()};
}

constexpr auto entries = entries_of(concat<catalog, type_list<f8_e4m3, f8_e5m2, f8_e8m0>>::type{});

}  // namespace

std::span<const codec_entry> codecs() { return entries; }

}  // namespace inspect
