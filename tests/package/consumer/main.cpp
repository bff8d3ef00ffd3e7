// Prints the version of the installed headers and uses a codec of its own with the installed kernels.
// SPDX-License-Identifier: Apache-2.0
#include <quern/quern.hpp>

#include <cstdio>

bool light_header_compiles();
bool own_codec_works();

int main() {
  std::printf("quern %s\n", QUERN_VERSION);
  return light_header_compiles() && own_codec_works() ? 0 : 1;
}
