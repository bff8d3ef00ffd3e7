// What the files of the program share: a user's codec and the functions of each file. Light.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

#include "log4.hpp"
#include "quern/quern.hpp"

namespace program {

struct log4_32 : quern::codec<log4, quern::levels<quern::group<32, quern::f16>>> {
  static constexpr const char* name = "program.log4_32";
};
struct steps_48 : quern::codec<quern::offset_integer<4>, quern::levels<quern::group<48, quern::bf16>>> {
  static constexpr const char* name = "program.steps_48";
};

// y = x * w, by the kernels that each file has compiled; and the target that they run on.
using weights = quern::packed_view<log4_32::base>;
void plain(weights w, quern::matrix_view<const float> x, quern::matrix_view<float> y);
void again(weights w, quern::matrix_view<const float> x, quern::matrix_view<float> y);
void haswell(weights w, quern::matrix_view<const float> x, quern::matrix_view<float> y);
void engine(weights w, quern::matrix_view<const float> x, quern::matrix_view<float> y);  // and then max(y, 0)
std::int64_t plain_target();
std::int64_t again_target();
bool bare_works();  // the file without exceptions and type information

}  // namespace program
