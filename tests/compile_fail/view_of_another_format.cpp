// expect: no matching
// The bytes of Q4_1 are none of Q4_0.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/gguf.hpp"
#include "quern/storage/view.hpp"
using namespace quern;
packed_view<gguf::q4_0> bad(packed_view<gguf::q4_1> w) { return packed_view<gguf::q4_0>(w); }
