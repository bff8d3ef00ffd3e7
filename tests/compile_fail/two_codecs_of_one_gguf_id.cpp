// expect: visit: two codecs of the list have one gguf_id; an id must mean one format
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/visit.hpp"
using namespace quern;
struct mine : codec<unsigned_integer<4>, levels<group<64, f16>>> {
  static constexpr const char* name = "mine.u4_64";
  static constexpr int gguf_id = 12;
};
struct formats : concat<catalog, type_list<mine>>::type {};
const bool found = visit<formats>(12, []<class>() {});
