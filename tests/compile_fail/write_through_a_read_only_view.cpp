// expect: no matching
// A view is no span.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/gguf.hpp"
#include "quern/storage/view.hpp"
using namespace quern;
packed_span<gguf::q4_0> bad(packed_view<gguf::q4_0> w) { return packed_span<gguf::q4_0>(w); }
