// expect: no matching
// Bytes are std::byte.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include "quern/catalog/gguf.hpp"
#include "quern/storage/view.hpp"
using namespace quern;
packed_view<gguf::q4_0> bad(const std::string& text) { return packed_view<gguf::q4_0>(text, 1, 32); }
