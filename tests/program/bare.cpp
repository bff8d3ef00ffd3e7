// Compiled without exceptions and without type information: only try_ functions, and the program links all the same.
// SPDX-License-Identifier: Apache-2.0
#include "quern/simd.hpp"

#include "program/shared.hpp"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this file tests what is there without exceptions and type information"
#endif

bool program::bare_works() {
  using namespace quern;
  auto w = packed<steps_48>::try_make(20, 100);
  if (!w || packed<steps_48>::try_make(std::size_t{1} << 40, std::size_t{1} << 40)) return false;
  if (w->view().try_rows(10, 11) || !w->view().try_rows(10, 10)) return false;
  std::vector<float> out(20 * 100, 1.0f);
  const auto view = matrix_view<float>::try_make(out.data(), 20, 100);
  if (!view || !try_dequantize(*w, *view)) return false;
  for (const float v : out)
    if (v != 0) return false;
  return !try_dequantize(*w, *matrix_view<float>::try_make(out.data(), 20, 99, 100));
}
