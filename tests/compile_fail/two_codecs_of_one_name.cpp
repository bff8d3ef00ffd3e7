// expect: visit: two codecs of the list have one name; a name must mean one format
// A list extends the catalogue by a codec that calls itself what another is called already.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/visit.hpp"
using namespace quern;
struct mine : codec<unsigned_integer<4>, levels<group<64, f16>>> {
  static constexpr const char* name = "gguf.q4_0";
};
struct formats : concat<catalog, type_list<mine>>::type {};
const bool found = visit<formats>("gguf.q4_0", []<class>() {});
