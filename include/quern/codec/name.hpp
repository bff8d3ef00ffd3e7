// The names of codecs and policies: a preset's own, else the declaration in its shortest spelling. The same text under
// every compiler, so it may be stored in a file.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <concepts>
#include <string_view>
#include <type_traits>

#include "quern/codec/codec.hpp"
#include "quern/granularity/levels.hpp"
#include "quern/layout/plane.hpp"
#include "quern/layout/section.hpp"
#include "quern/layout/stream.hpp"
#include "quern/layout/strided.hpp"
#include "quern/layout/trits.hpp"
#include "quern/number/codebook.hpp"
#include "quern/number/grid.hpp"
#include "quern/number/integer.hpp"
#include "quern/number/minifloat.hpp"
#include "quern/number/progression.hpp"
#include "quern/symmetry/symmetries.hpp"

namespace quern::inline v0 {

// Characters, counted and, if there is somewhere to put them, kept.
class text_sink {
 public:
  constexpr explicit text_sink(char* to = nullptr) : to_(to) {}
  constexpr std::size_t size() const { return size_; }
  constexpr void put(char c) {
    if (to_ != nullptr) to_[size_] = c;
    ++size_;
  }
  constexpr void put(std::string_view s) {
    for (const char c : s) put(c);
  }

 private:
  char* to_;
  std::size_t size_ = 0;
};

// ---- what the compiler calls a type or a constant, less what differs between compilers ----

template <class What>
constexpr const char* compiler_text() {
  return __PRETTY_FUNCTION__;
}
template <const auto& What>
constexpr const char* compiler_text() {
  return __PRETTY_FUNCTION__;
}

constexpr bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// "... [with What = quern::v0::stream<{anonymous}::mine, 3ul> ]" gives "stream<mine, 3>".
constexpr void put_compiler_text(text_sink& out, std::string_view s) {
  constexpr std::string_view before = "What = ";
  constexpr std::string_view dropped[] = {"quern::", "v0::", "{anonymous}::", "(anonymous namespace)::", "<unnamed>::"};
  s = s.substr(s.rfind(before) + before.size());
  s = s.substr(0, s.rfind(']'));
  char last = 0;
  while (!s.empty()) {
    bool skipped = false;
    for (const std::string_view d : dropped) {
      if (!is_word(last) && last != ':' && s.substr(0, d.size()) == d) s = s.substr(d.size()), skipped = true;
    }
    if (skipped) continue;
    if (s[0] == ' ' && !(is_word(last) && s.size() > 1 && is_word(s[1]))) {
      s = s.substr(1);
      continue;
    }
    if (!is_word(last) && s[0] >= '0' && s[0] <= '9') {  // a number; its suffix goes
      while (!s.empty() && s[0] >= '0' && s[0] <= '9') out.put(s[0]), s = s.substr(1);
      while (!s.empty() && is_word(s[0])) s = s.substr(1);
      last = '0';
      continue;
    }
    last = s[0];
    out.put(last);
    if (last == ',') out.put(' ');
    s = s.substr(1);
  }
}

// ---- text_of<T>::to(sink) writes T ----

template <class T>
concept says_its_name = requires {
  { T::name } -> std::convertible_to<std::string_view>;
};

// The primary template serves types without arguments, and a user's own. Compilers do not agree on whether arguments that
// are defaults are part of a template's name: a user's policy template that has some should have a member `name`.
template <class T>
struct text_of {
  static constexpr void to(text_sink& out) {
    if constexpr (says_its_name<T>) out.put(std::string_view(T::name));
    else put_compiler_text(out, compiler_text<T>());
  }
};

// Arguments of a template, as values.
template <class T>
struct type_argument {
  static constexpr void to(text_sink& out) { text_of<T>::to(out); }
};
template <const auto& Constant>
struct constant_argument {
  static constexpr void to(text_sink& out) { put_compiler_text(out, compiler_text<Constant>()); }
};
struct number_argument {
  long long n;
  constexpr void to(text_sink& out) const {
    if (n < 0) out.put('-');
    unsigned long long rest = n < 0 ? 0 - static_cast<unsigned long long>(n) : static_cast<unsigned long long>(n),
                       unit = 1;
    while (rest / unit >= 10) unit *= 10;
    for (; unit != 0; unit /= 10) out.put(static_cast<char>('0' + rest / unit % 10));
  }
};
struct word_argument {
  std::string_view word;
  constexpr void to(text_sink& out) const { out.put(word); }
};
struct extent_argument {
  std::size_t n;
  constexpr void to(text_sink& out) const {
    if (n == all) out.put("all");
    else number_argument{static_cast<long long>(n)}.to(out);
  }
};

constexpr void put_template(text_sink& out, std::string_view name, const auto&... arguments) {
  out.put(name);
  out.put('<');
  [[maybe_unused]] bool first = true;
  ((first ? void(first = false) : out.put(", "), arguments.to(out)), ...);
  out.put('>');
}
constexpr number_argument as_argument(std::integral auto n) { return {static_cast<long long>(n)}; }
constexpr word_argument as_argument(bool b) { return {b ? "true" : "false"}; }
constexpr extent_argument as_extent(std::size_t n) { return {n}; }
template <class T>
inline constexpr type_argument<T> as_type{};

// ---- numbers ----

template <unsigned Bits, int Step, int First, int Over>
struct text_of<progression<Bits, Step, First, Over>> {
  static constexpr void to(text_sink& out) {
    using N = progression<Bits, Step, First, Over>;
    if constexpr (std::same_as<N, ternary>) out.put("ternary");
    else if constexpr (std::same_as<N, binary>) out.put("binary");
    else if constexpr (std::same_as<N, unsigned_integer<Bits>>)
      put_template(out, "unsigned_integer", as_argument(Bits));
    else if constexpr (std::same_as<N, offset_integer<Bits>>) put_template(out, "offset_integer", as_argument(Bits));
    else if constexpr (std::same_as<N, odd<Bits>>) put_template(out, "odd", as_argument(Bits));
    else if constexpr (Over == 1)
      put_template(out, "progression", as_argument(Bits), as_argument(Step), as_argument(First));
    else put_template(out, "progression", as_argument(Bits), as_argument(Step), as_argument(First), as_argument(Over));
  }
};
template <unsigned Bits>
struct text_of<integer<Bits>> {
  static constexpr void to(text_sink& out) { put_template(out, "integer", as_argument(Bits)); }
};
template <unsigned E, unsigned M, int Bias, special Special, overflow Overflow, bool Signed>
struct text_of<minifloat<E, M, Bias, Special, Overflow, Signed>> {
  static constexpr word_argument special_name{Special == special::none  ? "special::none"
                                              : Special == special::nan ? "special::nan"
                                                                        : "special::ieee"};
  static constexpr word_argument overflow_name{Overflow == overflow::saturate ? "overflow::saturate"
                                               : Overflow == overflow::nan    ? "overflow::nan"
                                                                              : "overflow::infinity"};
  static constexpr void to(text_sink& out) {
    using N = minifloat<E, M, Bias, Special, Overflow, Signed>;
    if constexpr (std::same_as<N, e2m1>) out.put("e2m1");
    else if constexpr (std::same_as<N, e2m3>) out.put("e2m3");
    else if constexpr (std::same_as<N, e3m2>) out.put("e3m2");
    else if constexpr (std::same_as<N, e4m3>) out.put("e4m3");
    else if constexpr (std::same_as<N, e4m3_nan>) out.put("e4m3_nan");
    else if constexpr (std::same_as<N, ue4m3>) out.put("ue4m3");
    else if constexpr (std::same_as<N, e5m2>) out.put("e5m2");
    else if constexpr (std::same_as<N, e5m2_inf>) out.put("e5m2_inf");
    else if constexpr (std::same_as<N, f16>) out.put("f16");
    else if constexpr (std::same_as<N, bf16>) out.put("bf16");
    else if constexpr (!Signed)
      put_template(out, "minifloat", as_argument(E), as_argument(M), as_argument(Bias), special_name, overflow_name,
                   as_argument(Signed));
    else if constexpr (Overflow != overflow::saturate)
      put_template(out, "minifloat", as_argument(E), as_argument(M), as_argument(Bias), special_name, overflow_name);
    else if constexpr (Special != special::none)
      put_template(out, "minifloat", as_argument(E), as_argument(M), as_argument(Bias), special_name);
    else put_template(out, "minifloat", as_argument(E), as_argument(M), as_argument(Bias));
  }
};
template <const auto& Table>
struct text_of<codebook<Table>> {
  static constexpr void to(text_sink& out) { put_template(out, "codebook", constant_argument<Table>{}); }
};
template <const auto& Points, const auto& Levels, std::size_t Dimension, signs Signs, std::size_t Vectors>
struct text_of<grid<Points, Levels, Dimension, Signs, Vectors>> {
  static constexpr void to(text_sink& out) {
    constexpr word_argument sign_rule{Signs == signs::none   ? "signs::none"
                                      : Signs == signs::each ? "signs::each"
                                                             : "signs::even"};
    const auto put = [&](const auto&... more) {
      put_template(out, "grid", constant_argument<Points>{}, constant_argument<Levels>{}, as_argument(Dimension),
                   sign_rule, more...);
    };
    if constexpr (Vectors == 1) put();
    else put(as_argument(Vectors));
  }
};

// ---- granularities and symmetries ----

template <std::size_t Rows, std::size_t Cols, class N>
struct text_of<block<Rows, Cols, N>> {
  static constexpr void to(text_sink& out) {
    if constexpr (Rows == all && Cols == all) put_template(out, "tensor", as_type<N>);
    else if constexpr (Rows == 1 && Cols == all) put_template(out, "channel", as_type<N>);
    else if constexpr (Rows == 1) put_template(out, "group", as_argument(Cols), as_type<N>);
    else put_template(out, "block", as_extent(Rows), as_extent(Cols), as_type<N>);
  }
};
template <class L>
struct text_of<plus<L>> {
  static constexpr void to(text_sink& out) { put_template(out, "plus", as_type<L>); }
};
template <class... Ls>
struct text_of<levels<Ls...>> {
  static constexpr void to(text_sink& out) { put_template(out, "levels", as_type<Ls>...); }
};
template <class... Ls>
struct text_of<zero_point<Ls...>> {
  static constexpr void to(text_sink& out) { put_template(out, "zero_point", as_type<Ls>...); }
};
template <class... Ls>
struct text_of<minimum<Ls...>> {
  static constexpr void to(text_sink& out) { put_template(out, "minimum", as_type<Ls>...); }
};
template <class... Ls>
struct text_of<bias<Ls...>> {
  static constexpr void to(text_sink& out) { put_template(out, "bias", as_type<Ls>...); }
};

// ---- layouts ----

template <std::uint8_t Level>
struct text_of<scale<Level>> {
  static constexpr void to(text_sink& out) { put_template(out, "scale", as_argument(Level)); }
};
template <std::uint8_t Level>
struct text_of<offset<Level>> {
  static constexpr void to(text_sink& out) { put_template(out, "offset", as_argument(Level)); }
};
template <class What, unsigned Width, unsigned Shift>
struct text_of<stream<What, Width, Shift>> {
  static constexpr void to(text_sink& out) {
    constexpr auto put = [](text_sink& to, const auto&... more) { put_template(to, "stream", as_type<What>, more...); };
    if constexpr (Shift != 0) put(out, as_argument(Width), as_argument(Shift));
    else if constexpr (Width != whole) put(out, as_argument(Width));
    else put(out);
  }
};
template <class What, unsigned Width, std::size_t Stride, unsigned Shift>
struct text_of<plane<What, Width, Stride, Shift>> {
  static constexpr void to(text_sink& out) {
    if constexpr (Shift != 0)
      put_template(out, "plane", as_type<What>, as_argument(Width), as_extent(Stride), as_argument(Shift));
    else put_template(out, "plane", as_type<What>, as_argument(Width), as_extent(Stride));
  }
};
template <class What, unsigned Width, unsigned Shift, std::size_t Origin, class... Axes>
struct text_of<strided<What, Width, Shift, Origin, Axes...>> {
  static constexpr void to(text_sink& out) {
    put_template(out, "strided", as_type<What>, as_argument(Width), as_argument(Shift), as_argument(Origin),
                 as_type<Axes>...);
  }
};
template <std::size_t Count, std::size_t Stride>
struct text_of<axis<Count, Stride>> {
  static constexpr void to(text_sink& out) {
    constexpr auto stride = static_cast<std::ptrdiff_t>(Stride);  // may run backwards
    put_template(out, "axis", as_argument(Count), as_argument(stride));
  }
};
template <class What, std::size_t Stride>
struct text_of<trits<What, Stride>> {
  static constexpr void to(text_sink& out) { put_template(out, "trits", as_type<What>, as_argument(Stride)); }
};
template <std::size_t First, std::size_t Count, class F>
struct text_of<section<First, Count, F>> {
  static constexpr void to(text_sink& out) {
    put_template(out, "section", as_argument(First), as_argument(Count), as_type<F>);
  }
};
template <class... Fields>
struct text_of<sequence<Fields...>> {
  static constexpr void to(text_sink& out) { put_template(out, "sequence", as_type<Fields>...); }
};
template <std::size_t Bytes, class... Fields>
struct text_of<shared<Bytes, Fields...>> {
  static constexpr void to(text_sink& out) { put_template(out, "shared", as_argument(Bytes), as_type<Fields>...); }
};
template <class Order, class... Fields>
struct text_of<ordered<Order, Fields...>> {
  static constexpr void to(text_sink& out) { put_template(out, "ordered", as_type<Order>, as_type<Fields>...); }
};
template <std::size_t Positions, class... Fields>
struct text_of<repeat<Positions, Fields...>> {
  static constexpr void to(text_sink& out) { put_template(out, "repeat", as_argument(Positions), as_type<Fields>...); }
};
template <std::size_t Run>
struct text_of<interleaved<Run>> {
  static constexpr void to(text_sink& out) { put_template(out, "interleaved", as_argument(Run)); }
};
template <std::size_t... To>
struct text_of<permuted<To...>> {
  static constexpr void to(text_sink& out) { put_template(out, "permuted", as_argument(To)...); }
};
template <std::size_t Word>
struct text_of<word_rows<Word>> {
  static constexpr void to(text_sink& out) { put_template(out, "word_rows", as_argument(Word)); }
};
template <std::size_t Rows, std::size_t Cols>
struct text_of<unit<Rows, Cols>> {
  static constexpr void to(text_sink& out) { put_template(out, "unit", as_extent(Rows), as_extent(Cols)); }
};
template <class Unit, class Arrangement, class... Fields>
struct text_of<array<Unit, Arrangement, Fields...>> {
  static constexpr void to(text_sink& out) {
    put_template(out, "array", as_type<Unit>, as_type<Arrangement>, as_type<Fields>...);
  }
};
template <class... Arrays>
struct text_of<separate<Arrays...>> {
  static constexpr void to(text_sink& out) { put_template(out, "separate", as_type<Arrays>...); }
};
template <std::size_t Cols, class... Fields>
  requires(Cols != all)
struct text_of<separate<array<unit<1, Cols>, by_rows, Fields...>>> {
  static constexpr void to(text_sink& out) { put_template(out, "blocked", as_argument(Cols), as_type<Fields>...); }
};

// ---- codecs ----

// The layout is left out where it is the one that a codec without a layout has, and then so is `symmetric`.
template <class N, class G, class S, class L>
struct text_of<codec<N, G, S, L>> {
  static constexpr void to(text_sink& out) {
    using chosen = typename codec<N, G, S, L>::described::layout;
    if constexpr (!std::same_as<chosen, decltype(separate_layout<N, G, S>())>)
      put_template(out, "codec", as_type<N>, as_type<G>, as_type<S>, as_type<chosen>);
    else if constexpr (!std::same_as<S, symmetric>) put_template(out, "codec", as_type<N>, as_type<G>, as_type<S>);
    else put_template(out, "codec", as_type<N>, as_type<G>);
  }
};

template <class T>
inline constexpr auto name_characters = [] {
  constexpr std::size_t size = [] {
    text_sink counted;
    text_of<T>::to(counted);
    return counted.size();
  }();
  std::array<char, size> text{};
  text_sink kept(text.data());
  text_of<T>::to(kept);
  return text;
}();

// The name of a codec, and of every policy: "gguf.q4_0", "levels<group<32, f16>>".
template <class T>
inline constexpr std::string_view name{name_characters<T>.data(), name_characters<T>.size()};

}  // namespace quern::inline v0
