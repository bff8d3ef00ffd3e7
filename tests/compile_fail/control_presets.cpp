// expect-ok
// Presets and what is derived from them.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/gguf.hpp"
#include "quern/storage/transcode.hpp"
using namespace quern;
struct mine : gguf::q4_k {
  static constexpr const char* name = "mine.q4_k";
};
static_assert(any_codec<mine> && block_bytes<mine> == 144);
packed_view<gguf::q4_k> same(packed_view<mine> w) { return w; }
auto moved(const packed<mine>& w) { return try_transcode<gguf::q4_k>(w); }
