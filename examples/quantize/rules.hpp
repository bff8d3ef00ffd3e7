// Which codec a tensor gets: rules of the command line, then defaults by name and shape.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quantize {

inline constexpr std::string_view keep = "keep";  // in place of a codec: the tensor stays as it is

// Whether a name matches a pattern, in which * stands for any characters and ? for one.
constexpr bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, after = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, after = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1, n = ++after;  // the last star takes one character more
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}
static_assert(matches("*", "") && matches("a*c?", "abbcd") && matches("*.weight", "a.weight.weight"));
static_assert(!matches("a", "") && !matches("a*b", "ac") && !matches("?", "") && !matches("", "a"));

struct rule {
  std::string pattern, codec;
};

// "pattern=codec".
inline std::optional<rule> parse_rule(std::string_view text) {
  const std::size_t at = text.rfind('=');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return {};
  return rule{std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

// Whether one of the patterns matches.
template <std::size_t N>
constexpr bool matches_any(const std::string_view (&patterns)[N], std::string_view name) {
  for (const std::string_view pattern : patterns)
    if (matches(pattern, name)) return true;
  return false;
}

// The first rule that matches decides. Without one: matrices get `codec`, but tensors of one dimension, norms, biases,
// positions, token types and routers of experts stay as they are, since they are small and matter much; embeddings and
// the output matrix, where every error reaches every token, get `ends` if that is given.
struct plan {
  std::string codec, ends;
  std::vector<rule> rules;

  std::string_view codec_for(std::string_view name, std::size_t dims) const {
    for (const rule& r : rules)
      if (matches(r.pattern, name)) return r.codec;
    if (dims < 2) return keep;
    constexpr std::string_view small[] = {"*norm*",  "*.bias", "*position*",   "*LayerNorm*",    "*ln_*",
                                          "*conv1d*", "*rope*", "*token_type*", "*ffn_gate_inp*", "*.gate.weight"};
    constexpr std::string_view at_ends[] = {"token_embd.weight", "output.weight", "*embed_tokens*",
                                            "*word_embeddings*", "*lm_head*",     "*wte.weight"};
    if (matches_any(small, name)) return keep;
    return !ends.empty() && matches_any(at_ends, name) ? ends : codec;
  }
};

}  // namespace quantize
