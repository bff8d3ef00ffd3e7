// expect: reference::decode
// A matrix that may only be read receives nothing.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/gguf.hpp"
#include "quern/reference/decode.hpp"
using namespace quern;
void bad(packed_view<gguf::q4_0> w, matrix_view<const float> out) { reference::decode(w, out); }
