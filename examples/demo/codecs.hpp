// The formats that the demo compares. All but one are presets of the catalogue.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <quern/quern.hpp>

namespace demo {

using namespace quern;

// A format of nobody but this program, composed here: NF4's sixteen values, a scale of 8 bits for every 24 weights, and a
// float for the whole matrix. 4.33 bits.
struct mine : codec<codebook<bnb::nf4_values>, levels<group<24, e4m3>, tensor<f32>>> {
  static constexpr const char* name = "demo.nf4_g24";
};

struct compared : type_list<gguf::tq1_0, gguf::q2_k, hqq::axis1<2, 16>, gguf::q3_k, mx::mxfp4, mine, gguf::q4_0,
                            gguf::q4_k, gguf::iq4_nl, nv::nvfp4, bnb::nf4, gguf::q5_k, mx::mxfp6_e2m3, gguf::q6_k,
                            gguf::q8_0> {};

}  // namespace demo
