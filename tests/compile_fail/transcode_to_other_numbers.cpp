// expect: transcode: the two codecs must differ in layout alone; to change numbers, dequantize and quantize
// Q4_1 has other numbers than Q4_0.
// SPDX-License-Identifier: Apache-2.0
#include "quern/catalog/gguf.hpp"
#include "quern/storage/transcode.hpp"
using namespace quern;
auto bad(const packed<gguf::q4_0>& w) { return try_transcode<gguf::q4_1>(w); }
