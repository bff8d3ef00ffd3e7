// The four symmetries. All are pure data and one line of arithmetic.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quern/granularity/levels.hpp"
#include "quern/symmetry/symmetry.hpp"

namespace quern::inline v0 {

// s * v
struct symmetric {
  using offsets = levels<>;
  static constexpr weight_form form = weight_form::product;
  static constexpr float weight(float s, float v, float) { return s * v; }
};

// s * (v - z), z in the domain of the codes' values (GPTQ, AWQ, HQQ). There is nothing to fuse.
template <class... Ls>
struct zero_point {
  using offsets = levels<Ls...>;
  static constexpr weight_form form = weight_form::shifted_product;
  static constexpr float weight(float s, float v, float z) { return s * (v - z); }
};

// s * v - m, m in the domain of the weights (GGUF's K-quants)
template <class... Ls>
struct minimum {
  using offsets = levels<Ls...>;
  static constexpr weight_form form = weight_form::product_minus;
  static constexpr float weight(float s, float v, float m) { return exact(s * v) - m; }
};

// s * v + b, b in the domain of the weights (GGUF's Q4_1, MLX, tinygemm)
template <class... Ls>
struct bias {
  using offsets = levels<Ls...>;
  static constexpr weight_form form = weight_form::product_plus;
  static constexpr float weight(float s, float v, float b) { return exact(s * v) + b; }
};

}  // namespace quern::inline v0
